"""A system small enough to train in a second: a random two-layer model, token rows that hold a rule to learn, its params."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from plateau.core import params as params_module
from plateau.core.files import sha256
from plateau.prompts import tokens

ROOT = Path(__file__).parent.parent
CONFIG = {
    "model_type": "llama",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "intermediate_size": 48,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "rms_norm_eps": 1e-5,
    "vocab_size": 512,
    "tie_word_embeddings": True,
    "eos_token_id": 1,
}


def base(folder: Path, tokenizer_dir: Path, seed: int = 0) -> Path:
    """A model folder that mlx-lm loads: random weights drawn from `seed`, and the tokenizer given."""
    from mlx.utils import tree_flatten
    from mlx_lm.models.llama import Model, ModelArgs

    from plateau.lm.backend import mx
    from plateau.lm.model import save_arrays

    shutil.copytree(tokenizer_dir, folder, dirs_exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    mx.random.seed(seed)
    model = Model(ModelArgs.from_dict(CONFIG))
    save_arrays(folder / "model.safetensors", dict(tree_flatten(model.parameters())), {"format": "mlx"})
    return folder


def rows(name: str, count: int, seed: int) -> list[tuple[str, list[int], int]]:
    """Rows of varied length whose completion repeats the first prompt token, so that there is something to learn."""
    draw = np.random.default_rng(seed)
    made = []
    for i in range(count):
        prompt = draw.integers(10, 60, draw.integers(5, 30)).tolist()
        made.append((f"{name}{i}", [*prompt, *[prompt[0]] * 3, 1], len(prompt)))
    return made


def system(folder: Path, tokenizer_dir: Path, train_rows: int = 60, valid_rows: int = 17, **changes: Any) -> Path:
    """A system folder whose train stage runs in a second or two; `changes` are params, dotted for those of a section."""
    base(folder / "models" / "base", tokenizer_dir)
    tokens.write(folder / "data" / "tokens" / "train.arrow", rows("train", train_rows, 1))
    tokens.write(folder / "data" / "tokens" / "valid.arrow", rows("valid", valid_rows, 2))
    defaults = {"iters": 24, "eval_every": 6, "batch_size": 8, "warmup": 2, "rank": 4, "lr": 0.01, "patience": 9}
    write_params(folder, {**defaults, "train.state_every": 5, **changes})
    return folder


def write_params(folder: Path, changes: dict[str, Any]) -> None:
    """The repository's params.yaml with `changes`."""
    values = params_module.parse((ROOT / "params.yaml").read_text())
    for key, value in changes.items():
        section, _, name = key.rpartition(".")
        (values[section] if section else values)[name] = value
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))


def train(folder: Path, updates: int | None = None) -> None:
    """Run stages.train in this process, with its scratch below the folder; interrupted after some updates, or not."""
    from plateau.core.system import System
    from plateau.training.trainer import Run
    from stages import train as stage

    apply, done = Run._apply, list[int]()

    def counted(run: Run, *values: Any) -> None:
        apply(run, *values)
        done.append(1)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(folder))
        patch.setattr(Run, "_apply", counted)
        patch.setattr(stage, "interruption", lambda: lambda: len(done) == updates)
        system = System(folder)
        stage.main(system, params_module.load(system, [*stage.PARAMS, *stage.UNTRACKED]))


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, timings aside."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "speed.json")
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def points(folder: Path) -> list[dict[str, Any]]:
    """The evaluation points of a run."""
    found: list[dict[str, Any]] = json.loads((folder / "metrics" / "evaluations.json").read_text())
    return found


def stock_prompt(tokenizer: Any, content: str) -> list[int]:
    """The ids of a prompt as stock mlx-lm makes them, from the user's message and the tokenizer's template alone."""
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=True, add_generation_prompt=True, return_dict=False
    )
    return list(ids)
