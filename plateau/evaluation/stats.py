"""Confidence intervals and paired comparisons on the test rows."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plateau.core.figures import Estimate
from plateau.core.numbers import significant
from plateau.metrics.compared import Compared

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
# Values [B] of a statistic on B resamples, each a row of indices [B, n]
Statistic = Callable[[Indices], Floats]

_BLOCK = 2_000_000  # indices that are held in memory at once
_POWER = 0.8


def bootstrap(statistic: Statistic, rows: int, samples: int, seed: int) -> Floats:
    """Values [samples] of a statistic on rows drawn with replacement; the same draws for the same rows, samples and seed."""
    generator = np.random.default_rng([seed, rows])
    block = max(1, _BLOCK // max(rows, 1))
    sizes = [min(block, samples - start) for start in range(0, samples, block)]
    return np.concatenate([statistic(generator.integers(rows, size=(size, rows))) for size in sizes])


def interval(values: Floats, confidence: float) -> tuple[float | None, float | None]:
    """Percentile interval of bootstrap values; undefined values are left out, (None, None) where all are."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None, None
    low, high = np.quantile(finite, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def estimate(statistic: Statistic, rows: int, samples: int, confidence: float, seed: int) -> Estimate:
    """A statistic of all rows with its bootstrap interval; None where it is undefined."""
    if rows == 0:
        return Estimate(None)
    value = float(statistic(np.arange(rows)[None, :])[0])
    low, high = interval(bootstrap(statistic, rows, samples, seed), confidence)
    return Estimate(significant(value), significant(low), significant(high))


def mean_of(values: Floats) -> Statistic:
    """The mean of resampled values [n]."""
    return lambda index: np.asarray(values[index].mean(axis=1))


def ratio_of(numerator: Floats, denominator: NDArray[Any]) -> Statistic:
    """The ratio of two sums over resampled rows, such as a token-weighted mean."""
    return lambda index: np.asarray(numerator[index].sum(axis=1) / denominator[index].sum(axis=1))


def compare(
    difference: Floats,
    higher_is_better: bool,
    samples: int,
    confidence: float,
    seed: int,
    weights: Floats | None = None,
) -> Compared:
    """Compare two arms on the same rows from each row's difference [n], first minus second.

    Returns the mean `difference` (with `weights`, sum over sum), its interval, `p_value` of a paired test (exact McNemar for
    differences of -1, 0, 1, else Wilcoxon's signed ranks), `result` better, worse or not_told_apart, and `required_rows`: how
    many rows would tell a difference of this size apart with a power of 0.8. Interval and test must agree for a result.
    """
    rows = len(difference)
    statistic = mean_of(difference) if weights is None else ratio_of(difference, weights)
    found = estimate(statistic, rows, samples, confidence, seed)
    p_value = paired_p_value(difference)
    told_apart = (
        found.low is not None
        and found.high is not None
        and not found.low <= 0 <= found.high
        and p_value < 1 - confidence
    )
    up = (found.value or 0.0) > 0
    return Compared(
        rows=rows,
        difference=found,
        p_value=significant(p_value),
        result="not_told_apart" if not told_apart else "better" if up == higher_is_better else "worse",
        required_rows=required_rows(difference, confidence),
    )


def paired_p_value(difference: Floats) -> float:
    """Two-sided p-value of no difference: exact McNemar for differences of -1, 0, 1, else Wilcoxon's signed ranks."""
    from scipy import stats as scipy_stats  # a second to import

    moved = difference[difference != 0]
    if not moved.size:
        return 1.0
    if np.isin(moved, (-1.0, 1.0)).all():
        return float(scipy_stats.binomtest(int((moved > 0).sum()), moved.size).pvalue)
    return float(scipy_stats.wilcoxon(moved).pvalue)


def required_rows(difference: Floats, confidence: float) -> int | None:
    """Rows that a paired z-test needs to tell the observed mean difference apart with power 0.8; None for no difference."""
    if len(difference) < 2 or difference.mean() == 0:
        return None
    from scipy import stats as scipy_stats

    reach = scipy_stats.norm.ppf((1 + confidence) / 2) + scipy_stats.norm.ppf(_POWER)
    needed = float(np.square(reach * difference.std(ddof=1) / difference.mean()))
    return max(2, math.ceil(needed)) if needed < 1e12 else None
