"""What evaluation would stumble over is told before training."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from plateau.core.errors import BadInputError
from plateau.core.files import write_json
from plateau.lm import base
from tests import tiny


def planned(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "stages.train", "--plan", str(folder)]
    return subprocess.run(command, cwd=tiny.ROOT, capture_output=True, text=True, check=False)


def with_schema(folder: Path, **parts: Any) -> None:
    schema = {"type": "object", "properties": parts, "required": list(parts), "additionalProperties": False}
    (folder / "schemas").mkdir()
    write_json(folder / "schemas" / "target.schema.json", schema)


def test_the_shortest_answer_and_what_decoding_cannot_hold_are_said(tmp_path: Path, tokenizer_dir: Path) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir)
    with_schema(folder, tags={"type": "array", "items": {"enum": ["x"]}, "uniqueItems": True})
    done = planned(folder)
    assert done.returncode == 0, done.stderr
    assert "the shortest answer that the target schema allows: " in done.stdout
    assert "uniqueItems may be broken by outputs of base_constrained" in done.stdout.replace("\n", " ")


def test_a_budget_below_the_shortest_answer_stops_training(tmp_path: Path, tokenizer_dir: Path) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir, **{"evaluate.max_tokens": 12})
    with_schema(folder, id={"type": "string", "format": "uuid"})
    command = [sys.executable, "-m", "stages.train", str(folder)]
    done = subprocess.run(command, cwd=tiny.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "evaluate.max_tokens: 12 are fewer than the" in done.stderr
    assert not (folder / "adapters").exists()


def test_answers_longer_than_the_budget_are_told(tmp_path: Path, tokenizer_dir: Path) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir, **{"evaluate.arms": ["base", "adapter"]})
    split = {"truncated": 0, "truncated_rows": [], "completion_tokens_max": 20_000}
    write_json(folder / "metrics" / "convert.json", dict.fromkeys(("train", "valid", "test"), split))
    assert "is less than the 20000 tokens of the longest answer in" in planned(folder).stdout


@pytest.mark.parametrize("key", ["quantization", "quantization_config"])
def test_a_full_fine_tune_of_a_quantised_base_is_refused(tmp_path: Path, tokenizer_dir: Path, key: str) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir, fine_tune_type="full")
    config = folder / "models" / "base" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), key: {"bits": 4, "group_size": 32}}))
    done = planned(folder)
    assert done.returncode == 2
    assert "fine_tune_type: full, but the weights of models/base have 4 bits" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_untracked_model_folder_in_a_queued_experiment_is_one_line_that_says_why(
    tmp_path: Path, tokenizer_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, copy = tmp_path / "repository", tmp_path / "copy"
    tiny.base(repository / "mine", tokenizer_dir)
    copy.mkdir()
    monkeypatch.chdir(copy)
    monkeypatch.setenv("DVC_ROOT", str(repository))
    with pytest.raises(BadInputError, match=r"mine is tracked by neither git nor DVC.*`dvc add mine`"):
        base.fetch("mine", copy / "models" / "base")
    write_json(copy / "base" / "source.json", {"path": "mine", "files": {}})
    with pytest.raises(BadInputError, match="tracked by neither git nor DVC"):
        base.resolve(copy / "base")
