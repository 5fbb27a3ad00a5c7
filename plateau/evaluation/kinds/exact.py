"""The kind `exact`: equal or not, after parsing. For codes, dates and fields whose schema says too little."""

from typing import Any

import numpy as np

from plateau.data.fields import Field, canonical
from plateau.evaluation import formats, stats
from plateau.evaluation.kinds.base import Figure, Kind, Rows


class Exact(Kind):
    """A field without partial credit: an answer scores 1 if it equals the truth, else 0."""

    name = "exact"
    atomic = True

    @classmethod
    def matches(cls, field: Field) -> bool:  # noqa: ARG003 (the last class of the registry takes every field)
        """Strings with a format or pattern, and every field that no other kind matches."""
        return True

    def score(self, truth: Any, answer: Any) -> float:
        """1 for equal values. Strings with a format are compared after parsing; lists in any order, unless the schema says that order counts."""
        return float(self.key(truth) == self.key(answer))

    def key(self, value: Any) -> str:
        """The parsed value of a string with a format; any other value as JSON text."""
        named = self.field.node.keyword("format")
        if isinstance(value, str) and isinstance(named, str):
            return formats.meaning(named, value)
        return canonical(value, self.setup.ordered or bool(self.field.node.prefix))

    def figures(self, rows: Rows) -> dict[str, Figure]:
        """Accuracy over all rows."""
        return {"accuracy": (stats.mean_of(np.asarray(rows.score == 1, dtype=np.float64)), len(rows.score))}
