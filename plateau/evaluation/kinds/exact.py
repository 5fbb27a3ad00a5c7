"""Exact: equal or not, after parsing: codes, dates, and whatever the schema says too little of."""

from typing import Any

import numpy as np

from plateau.data.fields import Field, canonical
from plateau.evaluation import formats, stats
from plateau.evaluation.kinds.base import Figure, Kind, Rows


class Exact(Kind):
    """A value of which a part is worth nothing: right or wrong."""

    name = "exact"
    atomic = True

    @classmethod
    def matches(cls, field: Field) -> bool:  # noqa: ARG003 (the last that is asked)
        """Strings with a format or pattern, and every field that is of no other kind."""
        return True

    def score(self, truth: Any, answer: Any) -> float:
        """1 for equal values: of a format by what they mean, lists in any order unless order counts."""
        return float(self.key(truth) == self.key(answer))

    def key(self, value: Any) -> str:
        """A string by what its format makes of it, anything else as JSON."""
        named = self.field.node.keyword("format")
        if isinstance(value, str) and isinstance(named, str):
            return formats.meaning(named, value)
        return canonical(value, self.setup.ordered or bool(self.field.node.prefix))

    def figures(self, rows: Rows) -> dict[str, Figure]:
        """Accuracy over all rows."""
        return {"accuracy": (stats.mean_of(np.asarray(rows.score == 1, dtype=np.float64)), len(rows.score))}
