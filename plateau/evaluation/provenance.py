"""Check that the files of an evaluation belong together: the same prompts in training, evaluation and use, and the adapter whose losses were recorded."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from plateau.core.errors import BadInputError
from plateau.core.system import SPLITS, System
from plateau.evaluation.chosen import RowLosses
from plateau.prompts import chat
from plateau.prompts.tokens import open_tokens

_ROWS = 8  # rows of each split, evenly spaced, that are rendered again
_RELATIVE, _ABSOLUTE = 0.03, 0.003  # by how much a loss may differ from one recorded with another backend or float type


def check_prompts(system: System, folder: Path, date: str) -> None:
    """Raise BadInputError unless the tokenizer in `folder` renders the chat files to exactly the token ids in the token files."""
    tokenizer = chat.load_tokenizer(folder, date)
    for name in SPLITS:
        _check_split(system, name, tokenizer, folder)


def _check_split(system: System, name: str, tokenizer: Any, folder: Path) -> None:
    tokens, path = open_tokens(system.tokens(name)), system.path("data", "mlx", f"{name}.jsonl")
    lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    if len(lines) != len(tokens):
        raise BadInputError(
            f"{path}: {len(lines)} rows, {system.tokens(name)} has {len(tokens)}; run `dvc repro convert`"
        )
    _check_targets(system, name, path, lines)
    for row in range(0, len(tokens), -(-len(tokens) // _ROWS)):
        asked, answered = (message["content"] for message in json.loads(lines[row])["messages"])
        if chat.render(tokenizer, asked, answered)[0] != tokens.ids(row).tolist():
            raise BadInputError(
                f"{system.tokens(name)}: row {row} ({tokens.names[row]}) is not what the tokenizer and chat template in {folder} "
                "make of it: the prompt in use differs from the one trained on; run `dvc repro -f convert`"
            )


def _check_targets(system: System, name: str, path: Path, lines: list[str]) -> None:
    """Raise BadInputError unless every answer in a chat file is the target of its row in the split."""
    table = pq.read_table(system.split(name), columns=["id", "target"])
    for identifier, target, line in zip(*(table[key].to_pylist() for key in table.column_names), lines, strict=True):
        if json.loads(json.loads(line)["messages"][1]["content"]) != json.loads(target):
            raise BadInputError(
                f"{system.split(name)}: the target of {identifier} is not the one in {path}; run `dvc repro convert`"
            )


def check_losses(recorded: RowLosses, rows: NDArray[np.int64], loss_sum: NDArray[np.float64]) -> None:
    """Raise BadInputError unless the adapter has the loss on validation `rows` that was recorded when it was chosen."""
    if len(recorded[0]) <= int(rows.max(initial=-1)):
        raise BadInputError(
            "adapters/val_losses.parquet: has fewer rows than the validation split; run `dvc repro -f train`"
        )
    tokens = float(recorded[1][rows].sum())
    then, now = float(recorded[0][rows].sum()) / tokens, float(loss_sum.sum()) / tokens
    if not abs(now - then) <= _ABSOLUTE + _RELATIVE * then:
        raise BadInputError(
            f"adapters/best: its validation loss is {now:.4g} here, {then:.4g} was recorded when it was chosen: adapter, its config "
            "or base model changed since; run `dvc repro -f train`"
        )
