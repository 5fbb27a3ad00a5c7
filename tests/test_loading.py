"""README.md beside the chosen adapter says how it is loaded, and the model card says the same."""

import json
from pathlib import Path

import pytest

from plateau.core.system import System
from plateau.decision import loading
from plateau.metrics.evaluations import Point
from plateau.metrics.selection import Selection

CHOSEN = Selection("best", 100, 0.5, 1.65, "iteration 100 has the lowest loss", [])
POINT = Point(100, 1.0, 12_000, 1e-4, 0.4, 0.5, 1.65, 0.45, "ab" * 32)


@pytest.mark.parametrize(
    ("source", "named"),
    [
        (None, "models/base"),
        ({"path": "models/mine", "files": {}}, "models/mine"),
        ({"repo": "owner/model", "revision": "main", "commit": "ab12", "files": {}}, "owner/model"),
    ],
)
@pytest.mark.parametrize("stop", [None, "<|im_end|>"])
def test_commands_name_the_base_model_and_a_token_at_which_to_stop(
    tmp_path: Path, source: dict[str, object] | None, named: str, stop: str | None
) -> None:
    system, folder = System(tmp_path), tmp_path / "adapters" / "best"
    folder.mkdir(parents=True)
    (tmp_path / "models" / "base").mkdir(parents=True)
    if source:
        (tmp_path / "models" / "base" / "source.json").write_text(json.dumps(source))
    loading.write(folder, system, CHOSEN, POINT, stop)
    commands = loading.commands(system)
    assert commands.startswith("The tokenizer")
    assert commands.endswith("```")
    assert f"mlx_lm.generate --model {named} " in commands
    assert f'load("{named}"' in commands
    assert ("--extra-eos-token '<|im_end|>'" in commands) == (stop is not None)
    assert ('tokenizer.add_eos_token("<|im_end|>")' in commands) == (stop is not None)
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert page.startswith("---\nlibrary_name: mlx\n")
    assert "Iteration 100 has the lowest loss." in page
