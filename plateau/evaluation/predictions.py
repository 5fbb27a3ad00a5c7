"""data/predictions.parquet: one row an example and arm, enough to recompute every figure without a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from plateau.evaluation import scoring
from plateau.evaluation.arms import NAMES, Entry, name_of

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("arm", pa.string(), nullable=False),  # the model or baseline that answers
        pa.field("constrained", pa.bool_(), nullable=False),  # whether the target's schema held its output
        pa.field("split", pa.string(), nullable=False),  # train, valid or test; probe for the training probe
        pa.field("sample", pa.int32(), nullable=False),  # 0 is the greedy output; stability samples count from 1
        pa.field("prompt_tokens", pa.int32(), nullable=False),
        pa.field("tokens", pa.int32(), nullable=False),  # supervised
        pa.field("loss_sum", pa.float64()),  # nats over them; null for an arm whose loss is that of another
        pa.field("output", pa.string()),  # null when not generated
        pa.field("output_tokens", pa.int32()),
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
        """Some of the rows."""
        ids, targets = ([values[row] for row in rows] for values in (self.ids, self.targets))
        return Examples(ids, self.prompt_tokens[rows], self.tokens[rows], targets)


@dataclass(frozen=True)
class Arm:
    """One arm's predictions of N examples; `rows` are those generated for, and every `outputs` is one's text."""

    name: str
    tokens: NDArray[np.int32]
    prompt_tokens: NDArray[np.int32]
    loss_sum: NDArray[np.float64] | None
    rows: NDArray[np.int64]
    outputs: Sequence[str]
    output_tokens: NDArray[np.int64]
    targets: Sequence[str]

    @cached_property
    def parsed(self) -> list[Any]:
        """The JSON of every output, None where it is none."""
        return [scoring.parse(output) for output in self.outputs]

    @cached_property
    def golds(self) -> list[Any]:
        """The true target of every output."""
        return [scoring.parse(self.targets[row]) for row in self.rows]


def rows_of(
    examples: Examples,
    arm: Entry,
    split: str,
    loss_sum: NDArray[np.float64] | None,
    sampled: NDArray[np.int64],
    outputs: Sequence[str],
    output_tokens: Sequence[int],
    sample: int = 0,
) -> pa.Table:
    """An arm as rows: all examples where there are losses, else those generated for (`sampled`, indices of examples)."""
    generated = dict(zip(sampled.tolist(), zip(outputs, output_tokens, strict=True), strict=True))
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
                "loss_sum": None if loss_sum is None else float(loss_sum[i]),
                "output": generated[i][0] if i in generated else None,
                "output_tokens": generated[i][1] if i in generated else None,
                "gold": examples.targets[i],
            }
            for i in kept
        ],
        SCHEMA,
    )


def named(table: pa.Table, split: str = "test") -> pa.Table:
    """The predictions of one split, with the arms' names of the registry in `arm`.

    Earlier versions wrote such names, and no column `split`: of their tables only the test split is known.
    """
    if "split" not in table.column_names:
        return table.filter(pc.field("arm").isin(NAMES)) if split == "test" else table.slice(0, 0)
    kept = table.filter(pc.field("split") == split)
    pairs = zip(kept["arm"].to_pylist(), kept["constrained"].to_pylist(), strict=True)
    names = pa.array([name_of(*pair) for pair in pairs], pa.string())
    return kept.set_column(kept.column_names.index("arm"), "arm", names)


def arms(table: pa.Table, split: str = "test") -> dict[str, Arm]:
    """The greedy predictions of each arm of the registry on one split, in its order."""
    kept = named(table, split).filter(pc.field("sample") == 0)
    columns = {column: kept[column].to_pylist() for column in kept.column_names}
    found = {}
    for name in NAMES:
        rows = [i for i, other in enumerate(columns["arm"]) if other == name]
        if rows:
            found[name] = _arm(name, {column: [values[i] for i in rows] for column, values in columns.items()})
    return found


def _arm(name: str, columns: dict[str, list[Any]]) -> Arm:
    rows = [i for i, output in enumerate(columns["output"]) if output is not None]
    losses = columns["loss_sum"]
    return Arm(
        name=name,
        tokens=np.array(columns["tokens"], dtype=np.int32),
        prompt_tokens=np.array(columns["prompt_tokens"], dtype=np.int32),
        loss_sum=None if any(loss is None for loss in losses) else np.array(losses, dtype=np.float64),
        rows=np.array(rows, dtype=np.int64),
        outputs=[columns["output"][i] for i in rows],
        output_tokens=np.array([columns["output_tokens"][i] for i in rows], dtype=np.int64),
        targets=columns["gold"],
    )
