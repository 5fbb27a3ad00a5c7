"""The kind `map`: an object with free keys, compared entry by entry."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from plateau.data.fields import Field
from plateau.evaluation import stats
from plateau.evaluation.kinds.base import Figure, Kind, Rows, pair_score


class Map(Kind):
    """An object whose keys the schema does not name. Score: F1 over entries; an entry with the right key counts as much as its value scores."""

    name = "map"

    @classmethod
    def matches(cls, field: Field) -> bool:
        """Objects whose keys the schema does not name."""
        return field.has_free_keys

    def entry(self, key: str) -> Kind:
        """The kind of the value under a key."""
        if key not in self._entries:
            self._entries[key] = self.setup.make(self.field.under(key), f"{self.setup.name}{{}}")
        return self._entries[key]

    @cached_property
    def _entries(self) -> dict[str, Kind]:
        return {}

    def score(self, truth: Any, answer: Any) -> float:
        """2 * (sum of the value scores of the shared keys) / (number of entries in both objects); 1 for two empty objects."""
        truth, answer = ({key: value for key, value in side.items() if value is not None} for side in (truth, answer))
        if not truth or not answer:
            return float(not truth and not answer)
        shared = sum(pair_score(self.entry(key), value, answer[key]) for key, value in truth.items() if key in answer)
        return 2 * shared / (len(truth) + len(answer))

    def figures(self, rows: Rows) -> dict[str, Figure]:
        """The share of rows in which every entry is right and none is added."""
        return {"exact_set": (stats.mean_of((rows.score > 1 - 1e-9).astype(np.float64)), len(rows.score))}

    def scales(self, values: Sequence[Any]) -> dict[str, float]:
        """The scales of the values' kind, computed from the values of all keys together."""
        entries = [(key, inner) for value in values for key, inner in value.items()]
        held = [(key, inner) for key, inner in entries if inner is not None and self.entry(key).field.holds(inner)]
        return self.entry(held[0][0]).scales([inner for _, inner in held]) if held else {}
