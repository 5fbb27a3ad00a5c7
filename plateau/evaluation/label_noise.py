"""Estimate how many labels are wrong, from the rows whose label contradicts a linear model that is sure and did not see the row.

The rows of a split are ranked by how sure the model is. Where the model is sure, its own mistakes are rare, so the share of
labels that it contradicts there estimates the share of wrong labels (cf. Northcutt et al. 2021, Confident Learning).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plateau.core.figures import Estimate
from plateau.core.numbers import significant
from plateau.metrics.scrutiny import NoiseFigures

FOLDS = 5
MOST_ROWS = 20_000  # rows of a split that are looked at, evenly spaced
LEAST_ROWS = 60  # fewest rows of a split from which an estimate is made
_SURE = 0.5  # share of the rows, the surest ones, on which the estimate rests


@dataclass(frozen=True)
class Judged:
    """The judgement of a model that did not see the rows: its `sureness` [n], and whether it `disagrees` [n] with the label."""

    sureness: NDArray[np.float64]
    disagrees: NDArray[np.bool_]


def judge(vectors: Mapping[str, Any], labels: Mapping[str, Sequence[str]]) -> dict[str, Judged]:
    """Judge each split's labels by a linear model on word counts (sparse rows by split).

    Training rows are judged by cross-fitting, rows of other splits by the model of all training rows.
    """
    train, names = vectors["train"], np.array(labels["train"], dtype=object)
    found = {"train": _cross_fitted(train, names)}
    if len(set(names)) < 2:
        return {name: _silent(len(given)) for name, given in labels.items()}
    model = _fitted(train, names)
    for name in labels:
        if name != "train":
            found[name] = _judged(model, vectors[name], np.array(labels[name], dtype=object))
    return found


def estimate(judged: Judged, confidence: float) -> NoiseFigures:
    """The share of wrong labels among the rows that the model is surest of, with Wilson's interval."""
    rows = len(judged.sureness)
    if rows < LEAST_ROWS:
        return NoiseFigures(rows, Estimate(None), upper_bound=False)
    order = np.argsort(-judged.sureness, kind="stable")
    surest = judged.disagrees[order[: int(rows * _SURE)]]
    low, high = wilson(int(surest.sum()), len(surest), confidence)
    half = len(surest) // 2
    falls = _falls(surest[:half], surest[half:])
    rate = Estimate(significant(float(surest.mean())), significant(low), significant(high))
    return NoiseFigures(rows, rate, falls)


def differs(first: Judged, second: Judged) -> float:
    """The p-value of equal shares of wrong labels in two splits (Fisher's exact test on the rows that the model is surest of)."""
    from scipy.stats import fisher_exact

    counts = []
    for judged in (first, second):
        order = np.argsort(-judged.sureness, kind="stable")
        surest = judged.disagrees[order[: int(len(order) * _SURE)]]
        counts.append([int(surest.sum()), int((~surest).sum())])
    return float(fisher_exact(np.array(counts)).pvalue)


def wilson(hits: int, rows: int, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927); (0, 1) without rows."""
    from scipy.stats import binomtest

    if not rows:
        return 0.0, 1.0
    found = binomtest(hits, rows).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)


def _fitted(vectors: Any, names: NDArray[Any]) -> Any:
    from sklearn.svm import LinearSVC

    return LinearSVC(random_state=0, max_iter=10_000).fit(vectors, names)


def _cross_fitted(vectors: Any, names: NDArray[Any]) -> Judged:
    """Judge each fold by a model fitted on the other folds; a class that only one fold has is not judged."""
    sureness, disagrees = np.zeros(len(names)), np.zeros(len(names), dtype=np.bool_)
    fold = np.arange(len(names)) % FOLDS
    for number in range(FOLDS):
        asked, known = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        if len(set(names[known])) > 1 and len(asked):
            found = _judged(_fitted(vectors[known], names[known]), vectors[asked], names[asked])
            sureness[asked], disagrees[asked] = found.sureness, found.disagrees
    return Judged(sureness, disagrees)


def _judged(model: Any, vectors: Any, names: NDArray[Any]) -> Judged:
    """Sureness is the distance between the two best classes' decision values; a class that training lacks is not judged."""
    values = np.asarray(model.decision_function(vectors), dtype=np.float64)
    if values.ndim == 1:
        sureness, chosen = np.abs(values), model.classes_[(values > 0).astype(int)]
    else:
        ranked = np.sort(values, axis=1)
        sureness, chosen = ranked[:, -1] - ranked[:, -2], model.classes_[values.argmax(axis=1)]
    known = np.isin(names, model.classes_)
    return Judged(np.where(known, sureness, 0.0), known & (chosen != names))


def _silent(rows: int) -> Judged:
    return Judged(np.zeros(rows), np.zeros(rows, dtype=np.bool_))


def _falls(surer: NDArray[np.bool_], less_sure: NDArray[np.bool_]) -> bool:
    """Whether the surer rows are contradicted clearly less often; then some contradictions are the model's own mistakes."""
    shares = float(surer.mean()), float(less_sure.mean())
    pooled = (surer.sum() + less_sure.sum()) / (len(surer) + len(less_sure))
    deviation = float(np.sqrt(max(pooled * (1 - pooled), 1e-12) * (1 / len(surer) + 1 / len(less_sure))))
    return shares[1] - shares[0] > 3 * deviation
