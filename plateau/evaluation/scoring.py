"""Scores of predicted targets against true ones, field by field, as docs/scoring.md says. A model cannot gain by not answering."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plateau.data import fields
from plateau.data.fields import UNUSABLE, Field, Schema
from plateau.data.strict_json import finite
from plateau.evaluation.kinds.base import Cases, Figure, Kind, Rows
from plateau.evaluation.kinds.registry import kind_of
from plateau.evaluation.stats import Floats, Indices, Statistic


@dataclass(frozen=True)
class Rules:
    """How fields are scored: the scale of numbers without bounds, by name, and the section evaluate.scores, by name."""

    scales: Mapping[str, float] = field(default_factory=dict)
    asked: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def learnt(
        cls, schema: Schema, train: Sequence[Any], asked: Mapping[str, Mapping[str, Any]] | None = None
    ) -> "Rules":
        """Rules whose scales are those of the training split's targets."""
        found: dict[str, float] = {}
        for one in fields.fields(schema):
            values = [value for target in train if (value := one.value(target)) is not None]
            found |= kind_of(one, {}, (asked or {}).get(one.name)).scales(values) if values else {}
        return cls(found, asked or {})

    def fields(self, schema: Schema) -> list[Field]:
        """The fields that are scored: those that evaluate.scores does not ignore."""
        return [one for one in fields.fields(schema) if not self.ignores(one)]

    def ignores(self, field: Field) -> bool:
        """Whether evaluate.scores leaves a field out."""
        return self.asked.get(field.name, {}).get("kind") == "ignore"

    def kind(self, field: Field) -> Kind:
        """What scores a field."""
        return kind_of(field, self.scales, self.asked.get(field.name))

    def kinds(self, schema: Schema) -> list[Kind]:
        """What scores each field that is scored."""
        return [self.kind(one) for one in self.fields(schema)]

    def weight(self, field: Field) -> float:
        """What the field counts in the mean of a row."""
        return float(self.asked.get(field.name, {}).get("weight", 1.0))


PLAIN = Rules()


@dataclass(frozen=True)
class Scored:
    """One field of one arm: its `score` [N] of every row in 0..1, and what is reported of it.

    Where the target has alternatives, the score of a row whose alternative has no such field is NaN, unless the answer invents
    one; `rows` are the indices of the other rows, of which all figures are. `answered` is the share of usable answers where the
    truth has a value, `present` the number of these rows, `invented` that of answers with a value where the truth has none. `parts` holds sum and number [rows] of the scores of the inner fields
    of a list's matched items.
    """

    field: Field
    kind: Kind
    rows: NDArray[np.int64]
    score: Floats
    weight: float
    answered: float | None
    present: int
    invented: int
    statistics: Mapping[str, Figure]
    parts: Mapping[str, tuple[Floats, Floats]]
    confusion: Sequence[tuple[str, str]] = ()
    numbers: Sequence[tuple[float, float]] = ()


def parse(output: str) -> Any:
    """The JSON value of an output, UNUSABLE where it is not exactly one (surrounding white space is allowed).

    A key that stands twice in an object with two values has none that can be used: which one is meant depends on the reader.
    """
    try:
        return json.loads(output, parse_constant=_refuse, parse_float=finite, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        return UNUSABLE


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        for key, value in pairs:
            found[key] = value if fields.same(value, found[key]) else UNUSABLE
    return found


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def is_json(output: str) -> bool:
    """Whether an output is JSON."""
    return parse(output) is not UNUSABLE


def is_valid(validator: Any, output: str) -> bool:
    """Whether an output is JSON that the target's schema accepts."""
    return accepts(validator, parse(output))


def accepts(validator: Any, value: Any) -> bool:
    """Whether the target's schema accepts a value; never one that is UNUSABLE."""
    try:
        return value is not UNUSABLE and bool(validator.is_valid(value))
    except (RecursionError, OverflowError, ValueError, TypeError):  # too deep, too large, a key with two values
        return False


def keys(value: Any, path: tuple[str, ...] = (), depth: int = 16) -> Iterator[tuple[str, ...]]:
    """The paths of the keys of nested objects that have a value, down to `depth` levels."""
    if isinstance(value, Mapping) and depth:
        for key, inner in value.items():
            if inner is not None:
                yield (*path, key)
            yield from keys(inner, (*path, key), depth - 1)


def key_shares(golds: Sequence[Any], predictions: Sequence[Any]) -> tuple[float, float]:
    """Share of the true keys with a value that predictions lack, and share of the predicted ones that the truth lacks."""
    missing = invented = true = predicted = 0
    for gold, prediction in zip(golds, predictions, strict=True):
        wanted, given = set(keys(gold)), set(keys(prediction))
        missing, invented = missing + len(wanted - given), invented + len(given - wanted)
        true, predicted = true + len(wanted), predicted + len(given)
    return missing / max(true, 1), invented / max(predicted, 1)


def score(field: Field, golds: Sequence[Any], predictions: Sequence[Any], rules: Rules = PLAIN) -> Scored:
    """Score one field of whole targets; both sequences hold parsed JSON, UNUSABLE where an output is none.

    No value is right where the truth has none. Where the truth itself is not what the schema says, the same target is right.
    """
    cases = Cases(field, rules.kind)
    each = [cases.score(gold, given) for gold, given in zip(golds, predictions, strict=True)]
    points = np.array([np.nan if one is None else one for one in each], dtype=np.float64)
    kept = np.flatnonzero(np.isfinite(points)).astype(np.int64)
    truth, answers = ([field.answer(side[row]) for row in kept.tolist()] for side in (golds, predictions))
    kind, rows = cases.kind(field), Rows(truth, answers, points[kept])
    there, given = (np.array([_is_value(value) for value in side], dtype=bool) for side in (truth, answers))
    return Scored(
        field=field,
        kind=kind,
        rows=kept,
        score=points,
        weight=rules.weight(field),
        answered=float(given[there].mean()) if there.any() else None,
        present=int(there.sum()),
        invented=int((given & ~there).sum()),
        statistics={**kind.figures(rows), **({} if there.all() else _value_figures(there, given))},
        parts=kind.parts(rows),
        confusion=kind.confusion(rows),
        numbers=kind.numbers(rows),
    )


def scored(schema: Schema, golds: Sequence[Any], predictions: Sequence[Any], rules: Rules = PLAIN) -> list[Scored]:
    """Every field of whole targets that is scored."""
    return [score(one, golds, predictions, rules) for one in rules.fields(schema)]


def _is_value(value: Any) -> bool:
    return value is not None and value is not UNUSABLE


def _value_figures(there: NDArray[np.bool_], given: NDArray[np.bool_]) -> dict[str, Figure]:
    """Precision, recall and F1 of there being a value, from whether truth and answer of each row [N] have a value."""
    both, wanted, found = (flags.astype(np.float64) for flags in (there & given, there, given))
    measured = {
        "value_precision": share(both, found),
        "value_recall": share(both, wanted),
        "value_f1": share(2 * both, wanted + found),
    }
    return {name: (statistic, len(there)) for name, statistic in measured.items()}


def share(part: Floats, whole: Floats) -> Statistic:
    """Sum over sum of resampled rows; NaN where there is nothing to share."""

    def statistic(index: Indices) -> Floats:
        parts, wholes = part[index].sum(axis=1), whole[index].sum(axis=1)
        return np.where(wholes > 0, parts / np.where(wholes > 0, wholes, 1.0), np.nan)

    return statistic


def total(scored: Sequence[Scored], rows: int) -> Floats:
    """The mean score [rows] of each row over the fields, by their weights; NaN where no field is scored."""
    weights = np.array([one.weight for one in scored], dtype=np.float64)
    if not weights.sum() > 0:
        return np.full(rows, np.nan)
    scores = np.stack([one.score for one in scored])
    with np.errstate(invalid="ignore"):
        return np.asarray(weights @ np.nan_to_num(scores) / (weights @ np.isfinite(scores)))
