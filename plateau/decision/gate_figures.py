"""The figures that gates judge, from metrics/overfit.json and metrics/evaluate.json; None where one is missing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from plateau.metrics.evaluate import Evaluate, Overlap
from plateau.metrics.overfit import Overfit
from plateau.metrics.scrutiny import Scrutiny

Figure = Callable[[Overfit, Evaluate], Any]
Checked = Callable[[Overfit, Evaluate], float | None]
SUFFICIENT = "sufficient"
FALSE_DISCOVERIES = 0.05  # false discovery rate: the share of the reported slices that may differ by chance alone


def evidence(overfit: Overfit, _: Evaluate) -> str | None:
    """Whether training could be judged: sufficient, insufficient or unknown."""
    if overfit.verdict is None:
        return None
    return "insufficient" if overfit.verdict == "insufficient_evidence" else SUFFICIENT


def verdict(overfit: Overfit, evaluate: Evaluate) -> str | None:
    """The verdict on training, where it could be judged."""
    return overfit.verdict if evidence(overfit, evaluate) == SUFFICIENT else None


def gain_over(other: str) -> Checked:
    """The least by which the adapter's score is above another arm's."""

    def gain(_: Overfit, evaluate: Evaluate) -> float | None:
        compared = evaluate.comparison("adapter", other).score
        return compared.difference.low if compared else None

    return gain


def rows_against(evaluate: Evaluate, other: str) -> int | None:
    """The rows on which the adapter's score was compared with another arm's."""
    compared = evaluate.comparison("adapter", other).score
    return compared.rows if compared else None


def p_values(evaluate: Evaluate, names: Sequence[str]) -> dict[str, float | None]:
    """The p-values that the adapter scores like each of some opponents, corrected for their number (Holm 1979); None where one is missing."""
    compared = {name: evaluate.comparison("adapter", name).score for name in names}
    found = {name: one.p_value for name, one in compared.items() if one and one.p_value is not None}
    corrected: dict[str, float | None] = dict.fromkeys(names)
    largest = 0.0
    for rank, name in enumerate(sorted(found, key=lambda name: found[name])):
        largest = max(largest, min(1.0, (len(found) - rank) * found[name]))
        corrected[name] = largest
    return corrected


def leaked_test(_: Overfit, evaluate: Evaluate) -> float | None:
    """Share of the test prompts that equal a prompt of training or validation, or nearly."""
    return _sum(leaked(evaluate.leaks.test_in_train), leaked(evaluate.leaks.test_in_valid))


def leaked(overlap: Overlap) -> float | None:
    """Share of one split's prompts that equal a prompt of another split, or nearly."""
    return _sum(overlap.exact, overlap.near)


def _sum(*shares: float | None) -> float | None:
    """The sum of figures; None unless all are there."""
    known = [share for share in shares if share is not None]
    return float(f"{sum(known):.6g}") if len(known) == len(shares) else None


def count(values: Sequence[str] | None) -> int | None:
    """How many values a list has; None where there is none."""
    return None if values is None else len(values)


def named(labels: Mapping[str, Sequence[str]] | None) -> int | None:
    """How many labels a mapping of fields to labels names."""
    return None if labels is None else sum(map(len, labels.values()))


def drift(_: Overfit, evaluate: Evaluate) -> float | None:
    """The relative rise from validation to test loss, at the lower end of its interval."""
    low, valid = evaluate.drift.difference.low, evaluate.drift.valid_loss.value
    return float(f"{low / valid:.6g}") if low is not None and valid is not None and valid > 0 else None


def drift_rows(evaluate: Evaluate) -> int | None:
    """The fewer of the validation and the test rows."""
    return min(evaluate.drift.valid_rows, evaluate.drift.test_rows, key=lambda rows: -1 if rows is None else rows)


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
    """The largest shortfall of a slice that is significant by its interval and the false discovery rate; 0 without one."""
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
