"""The kind `list`: compared item by item, in any order, unless the schema says that order counts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from plateau.data.fields import Field
from plateau.evaluation import stats
from plateau.evaluation.kinds.base import Figure, Kind, Rows, pair_score
from plateau.evaluation.kinds.record import Record
from plateau.evaluation.stats import Floats

Pairs = list[tuple[int, int]]


class List(Kind):
    """A list whose items share one schema. Score: F1 over items; items with partial credit are first matched one to one."""

    name = "list"

    @classmethod
    def matches(cls, field: Field) -> bool:
        """Arrays whose items share one schema."""
        return field.items is not None

    @cached_property
    def item(self) -> Kind:
        """The kind of the items."""
        assert self.field.items is not None
        return self.setup.make(self.field.items, f"{self.setup.name}[]")

    def score(self, truth: Any, answer: Any) -> float:
        """2 * (sum of the scores of the matched items) / (number of items in both lists); 1 for two empty lists."""
        if not truth or not answer:
            return float(not truth and not answer)
        return 2 * self._shared(truth, answer) / (len(truth) + len(answer))

    def _shared(self, truth: Sequence[Any], answer: Sequence[Any]) -> float:
        """The sum of the scores of the matched items."""
        if self.item.atomic and not self.setup.ordered:
            wanted, given = (Counter(map(self.item.key, values)) for values in (truth, answer))
            return float((wanted & given).total())
        table = self._table(truth, answer)
        return float(sum(table[i, j] for i, j in self._matched(table)))

    def _table(self, truth: Sequence[Any], answer: Sequence[Any]) -> Floats:
        """The score of every answered item against every true item: [true items, answered items]."""
        return np.array([[self._pair(one, other) for other in answer] for one in truth], dtype=np.float64)

    def _pair(self, truth: Any, answer: Any) -> float:
        if self.item.atomic:
            return float(self.item.key(truth) == self.item.key(answer))
        return pair_score(self.item, truth, answer)

    def _matched(self, table: Floats) -> Pairs:
        """Match items one to one so that the total score is largest; matched items keep their order where order counts."""
        if self.setup.ordered:
            return _in_order(table)
        from scipy.optimize import linear_sum_assignment

        return [(int(i), int(j)) for i, j in zip(*linear_sum_assignment(table, maximize=True), strict=True)]

    def figures(self, rows: Rows) -> dict[str, Figure]:
        """The share of rows in which every item is right and none is added."""
        return {"exact_set": (stats.mean_of((rows.score > 1 - 1e-9).astype(np.float64)), len(rows.score))}

    def parts(self, rows: Rows) -> dict[str, tuple[Floats, Floats]]:
        """For each field of the items, the sum of its scores and their number, over the matched pairs."""
        if not isinstance(self.item, Record):
            return {}
        sums = {name: np.zeros(len(rows.score)) for name in self.item.inner}
        counts = {name: np.zeros(len(rows.score)) for name in self.item.inner}
        for row, (truth, answer) in enumerate(zip(rows.truth, rows.answers, strict=True)):
            for one, other in self._pairs(truth, answer):
                for name, points in self.item.each(one, other).items():
                    counts[name][row] += 1
                    sums[name][row] += points
        return {name: (found, counts[name]) for name, found in sums.items()}

    def _pairs(self, truth: Any, answer: Any) -> Iterator[tuple[Any, Any]]:
        """The matched (true item, answered item) pairs of two lists."""
        if isinstance(truth, list) and isinstance(answer, list) and truth and answer:
            yield from ((truth[i], answer[j]) for i, j in self._matched(self._table(truth, answer)))

    def scales(self, values: Sequence[Any]) -> dict[str, float]:
        """The scales of the items' kind."""
        items = [item for value in values for item in value if item is not None]
        return self.item.scales([item for item in items if self.item.field.holds(item)]) if items else {}


def _in_order(table: Floats) -> Pairs:
    """The (true, answered) positions with the largest total score that come in the same order on both sides."""
    rows, columns = table.shape
    best = np.zeros((rows + 1, columns + 1))
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            best[i, j] = max(best[i + 1, j], best[i, j + 1], table[i, j] + best[i + 1, j + 1])
    found, i, j = [], 0, 0
    while i < rows and j < columns:
        if best[i, j] == table[i, j] + best[i + 1, j + 1]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif best[i, j] == best[i + 1, j]:
            i += 1
        else:
            j += 1
    return found
