"""The rows of a split that are evaluated, and the sample of them for which models generate."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from plateau.core.errors import BadInputError
from plateau.core.system import System
from plateau.data import fields
from plateau.evaluation.rows import Examples
from plateau.prompts.tokens import Tokens, open_tokens


@dataclass(frozen=True)
class Split:
    """A split to predict: its name, examples and token rows, and the rows that are generated for."""

    name: str
    examples: Examples
    tokens: Tokens
    sampled: NDArray[np.int64]
    schema: Any
    other_prompts: Mapping[int, list[int]] | None = None

    def prompts(self, rows: NDArray[np.int64]) -> list[list[int]]:
        """Prompt ids of some rows: those in the token file, or `other_prompts` where given."""
        if self.other_prompts is not None:
            return [self.other_prompts[row] for row in rows.tolist()]
        return [self.tokens.ids(int(row))[: self.tokens.completion_start[row]].tolist() for row in rows]


def open_split(system: System, name: str, wanted: int | None, train_on_prompt: bool = False) -> Split:
    """One split with `wanted` of its rows to generate for; raises BadInputError where its files do not belong together.

    With `train_on_prompt` every token of a row except the first is supervised, as in training.
    """
    tokens = open_tokens(system.tokens(name))
    table = pq.read_table(system.split(name), columns=["id", "target"])
    if table["id"].to_pylist() != tokens.names:
        raise BadInputError(f"{system.tokens(name)}: not the rows of {system.split(name)}; run `dvc repro convert`")
    supervised = tokens.lengths - (1 if train_on_prompt else tokens.completion_start)
    examples = Examples(tokens.names, tokens.completion_start, supervised, table["target"].to_pylist())
    schema = fields.load_schema(system.schema("target"))
    return Split(name, examples, tokens, evenly_spaced(len(tokens), wanted), schema)


def open_splits(system: System, tested: int | None, diagnosed: int, train_on_prompt: bool = False) -> dict[str, Split]:
    """The three splits, with `tested` rows of test and `diagnosed` rows of each other to generate for."""
    wanted = {"train": diagnosed, "valid": diagnosed, "test": tested}
    return {name: open_split(system, name, rows, train_on_prompt) for name, rows in wanted.items()}


def evenly_spaced(rows: int, wanted: int | None) -> NDArray[np.int64]:
    """Indices of `wanted` of the rows, evenly spaced from the first; all of them where None."""
    count = rows if wanted is None else min(rows, wanted)
    return np.arange(count, dtype=np.int64) * rows // max(count, 1)


def prompts(path: Path) -> list[str]:
    """The user message of each row of a chat file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line)["messages"][0]["content"] for line in lines]
