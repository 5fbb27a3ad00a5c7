"""The figures of metrics/evaluate.json's general checks that gates look at; None where one is missing."""

from collections.abc import Callable

from plateau.metrics.evaluate import Evaluate
from plateau.metrics.overfit import Overfit
from plateau.metrics.scrutiny import Scrutiny

Checked = Callable[[Overfit, Evaluate], float | None]
FALSE_DISCOVERIES = 0.05  # share of the named slices that may be named by chance


def of_scrutiny(figure: Callable[[Scrutiny], float | None]) -> Checked:
    """A figure of the general checks; None in files of versions that had none."""
    return lambda _, evaluate: None if evaluate.scrutiny is None else figure(evaluate.scrutiny)


def equal_rows(found: Scrutiny) -> float | None:
    """Share of test rows that differ from a training row in case, accents, punctuation and digits alone."""
    return found.closeness.equal


def novel_gain(found: Scrutiny) -> float | None:
    """The smallest gain over a baseline on the rows least like training: the lower end of its interval."""
    lows = [gain.difference.low for gain in (found.closeness.gain_on_novel_rows or {}).values()]
    known = [low for low in lows if low is not None]
    return min(known) if known and len(known) == len(lows) else None


def context_decided(found: Scrutiny) -> float | None:
    """The number of fields that the context block alone decides."""
    if found.shortcuts is None:
        return None
    return sum(one.context_decides for one in found.shortcuts.values())


def worst_slice(found: Scrutiny) -> float | None:
    """The largest shortfall of a slice that its interval and the false discovery rate leave no doubt of; 0 without one."""
    if found.slices is None:
        return None
    sure = [one.difference.high for one in found.slices if one.q_value < FALSE_DISCOVERIES]
    return max([0.0, *(-high for high in sure if high is not None)])


def label_noise(found: Scrutiny) -> float | None:
    """The largest share of wrong labels of a field and split: the lower end of its interval; 0 where none can be told."""
    if found.label_noise is None:
        return None
    splits = [one for field in found.label_noise.values() for one in field.splits.values() if not one.upper_bound]
    return max([0.0, *(one.rate.low for one in splits if one.rate.low is not None)])


def noise_by_split(found: Scrutiny) -> float | None:
    """The smallest p-value of equal label noise in training and another split, times the number of fields; 1 where none is told."""
    if found.label_noise is None:
        return None
    told = [one.differs for one in found.label_noise.values() if one.differs is not None]
    return min([1.0, *(p_value * len(told) for p_value in told)])


def score_drop(found: Scrutiny) -> float | None:
    """The fall of the score from validation to test: the lower end of its interval, at least 0."""
    low = found.score_drop.low
    return None if low is None else max(0.0, low)
