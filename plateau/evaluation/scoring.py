"""Scores of predicted targets against true ones, field by field. A model cannot gain by not answering.

A field is unanswered when the output is no JSON, lacks the key, or holds a value of the wrong type, label or range. Then
- a class or boolean is wrong;
- a number counts as the value of the field's range that lies farthest from the truth (the range is the schema's bounds, or the
  smallest and largest true value where it has none); no answer's error counts as larger than that;
- a text has token F1 0; anything else is unequal.
Rows whose true value is absent or null are not scored for that field; invented keys are counted apart.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plateau.data.fields import Field, label, words
from plateau.evaluation import stats
from plateau.evaluation.stats import Floats, Indices, Statistic

_TOKEN = re.compile(r"\w+")
_OTHER = "(other)"


@dataclass(frozen=True)
class Scored:
    """One field of one arm: `rows` [m] with a true value, their `score` [m] in 0..1, and the statistics to report."""

    field: Field
    rows: NDArray[np.int64]
    score: Floats
    answered: float
    statistics: Mapping[str, Statistic]
    confusion: Sequence[tuple[str, str]] = ()


def parse(output: str) -> Any:
    """The JSON value of an output, None where it is not exactly one (surrounding white space is allowed)."""
    try:
        return json.loads(output, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def is_json(output: str) -> bool:
    """Whether an output is JSON; null is."""
    return output.strip() == "null" or parse(output) is not None


def is_valid(validator: Any, output: str) -> bool:
    """Whether an output is JSON that the target's schema accepts."""
    try:
        return is_json(output) and bool(validator.is_valid(parse(output)))
    except (RecursionError, OverflowError):  # nested too deep, or a number that no float holds
        return False


def keys(value: Any, prefix: str = "", depth: int = 16) -> Iterator[str]:
    """The keys of nested objects, dotted, down to `depth` levels."""
    if isinstance(value, Mapping) and depth:
        for key, inner in value.items():
            yield prefix + key
            yield from keys(inner, f"{prefix}{key}.", depth - 1)


def key_shares(golds: Sequence[Any], predictions: Sequence[Any]) -> tuple[float, float]:
    """Share of the true keys that predictions lack, and share of the predicted keys that the truth lacks."""
    missing = invented = true = predicted = 0
    for gold, prediction in zip(golds, predictions, strict=True):
        wanted, given = set(keys(gold)), set(keys(prediction))
        missing, invented = missing + len(wanted - given), invented + len(given - wanted)
        true, predicted = true + len(wanted), predicted + len(given)
    return missing / max(true, 1), invented / max(predicted, 1)


def score(field: Field, golds: Sequence[Any], predictions: Sequence[Any]) -> Scored:
    """Score one field of whole targets; both sequences hold parsed JSON, None where there is none."""
    pairs = [(i, field.value(g), field.value(p)) for i, (g, p) in enumerate(zip(golds, predictions, strict=True))]
    kept = [(i, gold, predicted) for i, gold, predicted in pairs if gold is not None]
    rows = np.array([i for i, _, _ in kept], dtype=np.int64)
    answered = sum(predicted is not None for _, _, predicted in kept) / max(len(kept), 1)
    truth, guess = [g for _, g, _ in kept], [p for _, _, p in kept]
    if field.kind == "number":
        points, statistics = _numbers(field, truth, guess)
    elif field.kind in ("class", "boolean"):
        points, statistics = _classes(field, truth, guess)
    else:
        compare = token_f1 if field.kind == "text" else _equal
        points = np.array([compare(g, p) for g, p in zip(truth, guess, strict=True)], dtype=np.float64)
        statistics = {"token_f1" if field.kind == "text" else "accuracy": stats.mean_of(points)}
    confusion = [(label(g), _OTHER if p is None else label(p)) for g, p in zip(truth, guess, strict=True)]
    shown = confusion if field.kind in ("class", "boolean") else ()
    return Scored(field, rows, points, answered, statistics, shown)


def total(scored: Sequence[Scored], rows: int) -> Floats:
    """The mean score [rows] over the fields of each row that have a true value; NaN where none has."""
    table = np.full((len(scored), rows), np.nan)
    for line, one in zip(table, scored, strict=True):
        line[one.rows] = one.score
    known = np.isfinite(table)
    sums = np.where(known, table, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), sums / np.maximum(known.sum(axis=0), 1), np.nan)


def report(scored: Scored, samples: int, confidence: float, seed: int) -> dict[str, Any]:
    """The figures of one field: each statistic with its interval, as `name`, `name_low`, `name_high`."""
    figures: dict[str, Any] = {"kind": scored.field.kind, "rows": len(scored.rows)}
    figures["answered"] = stats.significant(scored.answered)
    named = {"score": stats.mean_of(scored.score), **scored.statistics}
    for name, statistic in named.items():
        value, low, high = stats.estimate(statistic, len(scored.rows), samples, confidence, seed)
        figures |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return figures


def token_f1(gold: Any, prediction: Any) -> float:
    """F1 of the shared words of two texts or lists of texts, case ignored (Rajpurkar et al. 2016); 1 for two empty texts."""
    wanted, given = (Counter(_TOKEN.findall((words(value) or "").lower())) for value in (gold, prediction))
    if prediction is None:
        return 0.0
    if not wanted or not given:
        return float(wanted == given)
    shared = (wanted & given).total()
    return 2 * shared / (wanted.total() + given.total())


def _equal(gold: Any, prediction: Any) -> float:
    return float(prediction is not None and label(gold) == label(prediction))


def _classes(field: Field, truth: Sequence[Any], guess: Sequence[Any]) -> tuple[Floats, dict[str, Statistic]]:
    """Accuracy and macro-F1; for a boolean F1 of true and ROC-AUC of the 0/1 answers."""
    names = field.labels if field.kind == "class" else ("false", "true")
    codes = {name: code for code, name in enumerate(names)}
    gold = np.array([codes[label(value)] for value in truth], dtype=np.int64)
    predicted = np.array([len(names) if value is None else codes[label(value)] for value in guess], dtype=np.int64)
    if field.kind == "boolean":
        predicted = np.where(predicted == 2, 1 - gold, predicted)  # no answer is the wrong answer
    correct = (gold == predicted).astype(np.float64)
    accuracy = {"accuracy": stats.mean_of(correct)}
    if field.kind == "boolean":
        return correct, {**accuracy, "f1": _f1_of_true(gold, predicted), "roc_auc": _roc_auc(gold, predicted)}
    return correct, {**accuracy, "macro_f1": _macro_f1(gold, predicted, len(names))}


def _macro_f1(gold: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> Statistic:
    """Mean F1 of the classes that occur in the truth or the predictions; other predictions only cost recall."""

    def statistic(index: Indices) -> Floats:
        hits = _counts(np.where(gold == predicted, gold, classes)[index], classes)
        f1_parts = _counts(gold[index], classes) + _counts(predicted[index], classes)
        f1 = np.where(f1_parts > 0, 2 * hits / np.maximum(f1_parts, 1), 0.0)
        return np.asarray(f1.sum(axis=1) / np.maximum((f1_parts > 0).sum(axis=1), 1))

    return statistic


def _counts(codes: Indices, classes: int) -> NDArray[np.int64]:
    """How often each of `classes` occurs in each row [B, n] of codes; the code `classes` is left out."""
    width = classes + 1
    flat = (codes + width * np.arange(len(codes))[:, None]).ravel()
    return np.bincount(flat, minlength=width * len(codes)).reshape(len(codes), width)[:, :classes]


def _f1_of_true(gold: NDArray[np.int64], predicted: NDArray[np.int64]) -> Statistic:
    def statistic(index: Indices) -> Floats:
        hits = (gold & predicted)[index].sum(axis=1)
        return np.asarray(2 * hits / np.maximum((gold[index] + predicted[index]).sum(axis=1), 1))

    return statistic


def _roc_auc(gold: NDArray[np.int64], predicted: NDArray[np.int64]) -> Statistic:
    """Of 0/1 answers: the mean of the recalls of true and false; NaN where a class is absent."""

    def statistic(index: Indices) -> Floats:
        truth, right = gold[index], (gold == predicted)[index]
        true, false = truth.sum(axis=1), (1 - truth).sum(axis=1)
        recalls = (right & (truth == 1)).sum(axis=1) / np.maximum(true, 1) + (right & (truth == 0)).sum(
            axis=1
        ) / np.maximum(false, 1)
        return np.where((true > 0) & (false > 0), recalls / 2, np.nan)

    return statistic


def _numbers(field: Field, truth: Sequence[Any], guess: Sequence[Any]) -> tuple[Floats, dict[str, Statistic]]:
    """Mean absolute error and Spearman's correlation, with unanswered rows at the far end of the range."""
    gold = np.array(truth, dtype=np.float64)
    if not gold.size:
        return gold, {"mae": stats.mean_of(gold), "spearman": stats.mean_of(gold)}
    low = gold.min() if field.low is None else field.low
    high = gold.max() if field.high is None else field.high
    far = np.where(gold - low > high - gold, low, high)
    given = np.array([np.nan if value is None else value for value in guess], dtype=np.float64)
    worst = np.abs(gold - far)
    predicted = np.where(np.isnan(given), far, np.clip(given, gold - worst, gold + worst))
    error = np.abs(predicted - gold)
    points = 1 - error / (high - low) if high > low else (error == 0).astype(np.float64)
    ranked = predicted if np.isfinite(given).any() else np.zeros_like(gold)  # nothing answered has no correlation
    return points, {"mae": stats.mean_of(error), "spearman": _spearman(gold, ranked)}


def _spearman(gold: Floats, predicted: Floats) -> Statistic:
    """Rank correlation; NaN where either side is constant."""

    def statistic(index: Indices) -> Floats:
        from scipy.stats import rankdata  # a second to import

        ranks = [rankdata(values[index], axis=1) for values in (gold, predicted)]
        x, y = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
        scale = np.sqrt(np.square(x).sum(axis=1) * np.square(y).sum(axis=1))
        return np.where(scale > 0, (x * y).sum(axis=1) / np.where(scale > 0, scale, 1.0), np.nan)

    return statistic
