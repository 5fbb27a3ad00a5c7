"""Read the predictions of each arm from data/predictions.parquet."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from plateau.evaluation import reading, scoring
from plateau.evaluation.arms import NAMES
from plateau.evaluation.external import is_external, name_of


@dataclass(frozen=True)
class Arm:
    """One arm's predictions of N examples; `rows` are those generated for, and every `outputs` is one's text.

    `latency_seconds` and `cost` are those of single calls, where a file of answers has them.
    """

    name: str
    tokens: NDArray[np.int32]
    prompt_tokens: NDArray[np.int32]
    loss_sum: NDArray[np.float64] | None
    rows: NDArray[np.int64]
    outputs: Sequence[str]
    output_tokens: NDArray[np.int64]
    targets: Sequence[str]
    ended: NDArray[np.bool_] | None = None  # of every output; None where no model wrote them
    ids: Sequence[str] = ()
    latency_seconds: Sequence[float] = ()
    cost: Sequence[float] = ()

    @cached_property
    def parsed(self) -> list[Any]:
        """The JSON that a client finds in every output, UNUSABLE where there is none."""
        asked = {reading.shape(gold) for gold in self.golds}
        return [reading.read(output, asked) for output in self.outputs]

    @cached_property
    def golds(self) -> list[Any]:
        """The true target of every output."""
        return [scoring.parse(self.targets[row]) for row in self.rows]

    def among(self, other: "Arm") -> "Arm":
        """Keep only the outputs for rows that the other arm answers too."""
        answered = {other.ids[row] for row in other.rows}
        kept = [place for place, row in enumerate(self.rows) if self.ids[row] in answered]
        return replace(
            self,
            rows=self.rows[kept],
            outputs=[self.outputs[place] for place in kept],
            output_tokens=self.output_tokens[kept],
            ended=None if self.ended is None else self.ended[kept],
        )


def named(table: pa.Table, split: str = "test") -> pa.Table:
    """The predictions of one split; the column `arm` gets the names of the registry.

    Files of earlier versions have these names already, and no column `split`: only their test split can be read.
    """
    if "split" not in table.column_names:
        return table.filter(pc.field("arm").isin(NAMES)) if split == "test" else table.slice(0, 0)
    kept = table.filter(pc.field("split") == split)
    pairs = zip(kept["arm"].to_pylist(), kept["constrained"].to_pylist(), strict=True)
    names = pa.array([name_of(*pair) for pair in pairs], pa.string())
    return kept.set_column(kept.column_names.index("arm"), "arm", names)


def arms(table: pa.Table, split: str = "test") -> dict[str, Arm]:
    """The greedy predictions of each arm on one split: those of the registry in its order, then external ones by name."""
    kept = named(table, split).filter(pc.field("sample") == 0)
    columns = {column: kept[column].to_pylist() for column in kept.column_names}
    found = {}
    beside = {name for name in columns["arm"] if is_external(name)}
    for name in (*NAMES, *sorted(beside)):
        rows = [i for i, other in enumerate(columns["arm"]) if other == name]
        if rows:
            found[name] = _arm(name, {column: [values[i] for i in rows] for column, values in columns.items()})
    return found


def _arm(name: str, columns: dict[str, list[Any]]) -> Arm:
    rows = [i for i, output in enumerate(columns["output"]) if output is not None]
    losses = columns["loss_sum"]
    ended = (
        [columns["ended"][i] for i in rows] if "ended" in columns else [None]
    )  # files of earlier versions lack this column
    return Arm(
        name=name,
        tokens=np.array(columns["tokens"], dtype=np.int32),
        prompt_tokens=np.array(columns["prompt_tokens"], dtype=np.int32),
        loss_sum=None if any(loss is None for loss in losses) else np.array(losses, dtype=np.float64),
        rows=np.array(rows, dtype=np.int64),
        outputs=[columns["output"][i] for i in rows],
        output_tokens=np.array([columns["output_tokens"][i] for i in rows], dtype=np.int64),
        targets=columns["gold"],
        ended=None if None in ended else np.array(ended, dtype=np.bool_),
        ids=columns["id"],
        latency_seconds=_known(columns.get("latency_seconds", [])),
        cost=_known(columns.get("cost", [])),
    )


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]
