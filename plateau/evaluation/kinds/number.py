"""The kind `number`: the score falls with the error, relative to the field's range."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from plateau.core.numbers import rounded, significant
from plateau.data.alternatives import accepts
from plateau.data.fields import Field
from plateau.data.nodes import Node
from plateau.evaluation import stats
from plateau.evaluation.kinds.base import Figure, Kind, Rows, classify
from plateau.evaluation.stats import Floats, Indices, Statistic

_TAILS = (0.01, 0.99)  # quantiles of the training values; their distance is the scale of a number without bounds


class Number(Kind):
    """A number field: an answer scores 1 - error / range, at least 0."""

    name = "number"
    atomic = True

    @classmethod
    def matches(cls, field: Field) -> bool:
        """Fields of type number or integer."""
        return field.is_number

    def score(self, truth: Any, answer: Any) -> float:
        """1 - error / scale, at least 0. Without a scale, 1 if equal, else 0. 0 if truth and answer belong to different alternatives of the schema."""
        both = (node for node in self._ranges if accepts(node, truth) and accepts(node, answer))
        error = abs(float(truth) - float(answer))
        if error == 0 or not (node := next(both, None)):
            return float(error == 0)
        scale = self._scale(node)
        return max(0.0, 1 - error / scale) if scale and np.isfinite(scale) else 0.0

    @property
    def _ranges(self) -> tuple[Node, ...]:
        """The alternatives of the schema, each with its own bounds."""
        return self.field.node.choices or (self.field.node,)

    def _scale(self, node: Node) -> float | None:
        """The smallest error that scores 0; None where neither bounds nor training values define it."""
        if node.options is not None:
            return None
        return _length(node) or self.setup.scales.get(self.setup.name)

    def figures(self, rows: Rows) -> dict[str, Figure]:
        """Mean absolute error and Spearman's rank correlation."""
        pairs = np.array(self.numbers(rows), dtype=np.float64).reshape(-1, 2)
        truth, answers = pairs[:, 0], pairs[:, 1]
        error = (stats.mean_of(np.abs(truth - answers)), len(pairs))
        return {"mae": error, "spearman": (_spearman(truth, answers), len(pairs))}

    def numbers(self, rows: Rows) -> list[tuple[float, float]]:
        """The (true, answered) pairs of the rows that have both numbers."""
        return [(float(truth), float(answer)) for truth, answer in rows.both()]

    def spread(self, values: Sequence[Any]) -> float | None:
        """Standard deviation of the answers that are numbers."""
        known = [value for value in values if value is not None]
        return float(np.std(known)) if known else None

    def scales(self, values: Sequence[Any]) -> dict[str, float]:
        """The scale of this field: the distance from the 1st to the 99th percentile of the values; a bound of the schema replaces its percentile."""
        loose = [node for node in self._ranges if node.options is None and _length(node) is None]
        held = [value for value in values if any(accepts(node, value) for node in loose)]
        if not held:
            return {}
        lows, highs = [node.low for node in loose], [node.high for node in loose]
        low = min((bound for bound in lows if bound is not None), default=None) if None not in lows else None
        high = max((bound for bound in highs if bound is not None), default=None) if None not in highs else None
        known = np.array(held, dtype=np.float64)
        ends = np.quantile(known, _TAILS)
        ends = ends if ends[1] > ends[0] else np.array([known.min(), known.max()])
        scale = float((ends[1] if high is None else high) - (ends[0] if low is None else low))
        length = significant(scale)
        return {self.setup.name: length} if length and length > 0 else {}

    def majority(self, values: Sequence[Any]) -> Any:
        """The mean of the values (for integers the mode or the median, whichever scores better); None if most rows have no value."""
        known = [value for value in values if value is not None]
        if not known or 2 * len(known) < len(values):
            return None
        if self.field.types != {"integer"}:
            return self._allowed(float(np.mean(known)), known)
        counts = Counter(map(int, known))
        frequent = min(counts, key=lambda one: (-counts[one], one))
        middle = sorted(counts.elements())[(len(known) - 1) // 2]
        scaled = Number(self.field, replace(self.setup, scales={**self.scales(known), **self.setup.scales}))
        return max((frequent, middle), key=lambda one: sum(n * scaled.score(value, one) for value, n in counts.items()))

    def predict(self, known: Any, values: Sequence[Any], wanted: Any) -> list[Any]:
        """Ridge regression, fitted on the rows with a value. If some rows have none, a classifier decides which rows get a value."""
        from sklearn.linear_model import Ridge

        rows = [i for i, value in enumerate(values) if value is not None]
        present = classify(known, [str(value is not None) for value in values], wanted)
        if not rows:
            return [None] * wanted.shape[0]
        numbers = np.array([values[i] for i in rows], dtype=np.float64)
        found = Ridge(alpha=1.0, solver="lsqr").fit(known[rows], numbers).predict(wanted)
        return [
            self._allowed(float(value), numbers.tolist()) if there == "True" else None
            for value, there in zip(found, present, strict=True)
        ]

    def _allowed(self, value: float, known: Sequence[float]) -> float:
        """Clip a number to the range of the known values and the schema; round away the digits that differ between processors."""
        value = rounded(float(np.clip(value, min(known), max(known))))
        step = self.field.node.keyword("multipleOf") or (1 if self.field.types == {"integer"} else None)
        near = round(value / step) * step if step else value
        near = near if isinstance(near, int) else rounded(near)
        return near if self.field.holds(near) else min(known, key=lambda one: abs(one - value))


def _length(node: Node) -> float | None:
    """Highest less lowest number that the schema allows, an exclusive bound counted as if it were allowed; None where a bound is missing."""
    return node.high - node.low if node.low is not None and node.high is not None else None


def _spearman(gold: Floats, predicted: Floats) -> Statistic:
    """Spearman's rank correlation; NaN where either side is constant."""

    def statistic(index: Indices) -> Floats:
        from scipy.stats import rankdata  # takes a second to import

        ranks = [rankdata(values[index], axis=1) for values in (gold, predicted)]
        x, y = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
        scale = np.sqrt(np.square(x).sum(axis=1) * np.square(y).sum(axis=1))
        return np.where(scale > 0, (x * y).sum(axis=1) / np.where(scale > 0, scale, 1.0), np.nan)

    return statistic
