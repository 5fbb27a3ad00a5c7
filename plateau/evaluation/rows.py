"""Rows of predictions, one for each example and arm: enough to recompute every figure without a model."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from plateau.core import files
from plateau.core.errors import BadInputError
from plateau.core.numbers import rounded
from plateau.evaluation.arms import NAMES, Entry, name_of

_MADE_FROM = "made_from"
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("arm", pa.string(), nullable=False),  # the model or baseline that answers
        pa.field("constrained", pa.bool_(), nullable=False),  # whether the target's schema held its output
        pa.field("split", pa.string(), nullable=False),  # train, valid or test; probe for the training probe
        pa.field("sample", pa.int32(), nullable=False),  # 0 is the greedy output; stability samples count from 1
        pa.field("prompt_tokens", pa.int32(), nullable=False),
        pa.field("tokens", pa.int32(), nullable=False),  # supervised
        pa.field(
            "loss_sum", pa.float64()
        ),  # summed loss of these tokens in nats; null for an arm that has no loss of its own
        pa.field("output", pa.string()),  # null when not generated
        pa.field("output_tokens", pa.int32()),
        pa.field("ended", pa.bool_()),  # whether a model ended its output by itself; null where none did
        pa.field("gold", pa.string(), nullable=False),  # the true target, JSON text
    ]
)


@dataclass(frozen=True)
class Examples:
    """The rows of a split that are predicted: ids, tokens of prompt and completion [N], and targets as JSON text."""

    ids: Sequence[str]
    prompt_tokens: NDArray[np.int32]
    tokens: NDArray[np.int32]
    targets: Sequence[str]

    def only(self, rows: NDArray[np.int64]) -> "Examples":
        """These examples, in the order given."""
        ids, targets = ([values[row] for row in rows] for values in (self.ids, self.targets))
        return Examples(ids, self.prompt_tokens[rows], self.tokens[rows], targets)


def rows_of(
    examples: Examples,
    arm: Entry,
    split: str,
    loss_sum: NDArray[np.float64] | None,
    sampled: NDArray[np.int64],
    outputs: Sequence[str],
    output_tokens: Sequence[int],
    sample: int = 0,
    ended: Sequence[bool] | None = None,
) -> pa.Table:
    """The rows of one arm: all examples if there are losses, else only those generated for (`sampled`, indices of examples).

    `ended` says of each output whether the model ended it by itself; None where no model wrote it.
    """
    ends = [None] * len(outputs) if ended is None else ended
    generated = dict(zip(sampled.tolist(), zip(outputs, output_tokens, ends, strict=True), strict=True))
    kept = sampled.tolist() if loss_sum is None else range(len(examples.ids))
    return pa.Table.from_pylist(
        [
            {
                "id": examples.ids[i],
                "arm": arm.answers,
                "constrained": arm.constrained,
                "split": split,
                "sample": sample,
                "prompt_tokens": int(examples.prompt_tokens[i]),
                "tokens": int(examples.tokens[i]),
                "loss_sum": None if loss_sum is None else rounded(loss_sum[i]),
                "output": generated[i][0] if i in generated else None,
                "output_tokens": generated[i][1] if i in generated else None,
                "ended": generated[i][2] if i in generated else None,
                "gold": examples.targets[i],
            }
            for i in kept
        ],
        SCHEMA,
    )


def write(path: Path, tables: Sequence[pa.Table], made_from: Mapping[str, str] | None = None) -> None:
    """Write predictions, ordered as the arms in the registry, with the hashes of the files that they were made from."""
    table = pa.concat_tables(tables)
    pairs = zip(table["arm"].to_pylist(), table["constrained"].to_pylist(), strict=True)
    places = np.array([NAMES.index(str(name_of(*pair))) for pair in pairs], dtype=np.int64)
    with files.replacing(path) as temporary:
        ordered = table.take(np.argsort(places, kind="stable"))
        pq.write_table(ordered.replace_schema_metadata({_MADE_FROM: json.dumps(made_from or {})}), temporary)


def made_from(path: Path) -> dict[str, str]:
    """The hashes that `write` stored with the predictions."""
    metadata = read(path).schema.metadata or {}
    known: dict[str, str] = json.loads(metadata.get(_MADE_FROM.encode(), b"{}"))
    return known


def read(path: Path) -> pa.Table:
    """The predictions in a file; raises BadInputError that names it when it is missing."""
    if not path.is_file():
        raise BadInputError(f"{path}: no such file; run `dvc repro` to make it")
    return pq.read_table(path)
