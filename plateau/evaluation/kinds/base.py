"""The base class of all kinds of field: the score of one answer, statistics over rows, the answers of the baselines."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from plateau.data.fields import UNUSABLE, Field, canonical, has_value, same
from plateau.evaluation.stats import Floats, Statistic

Figure = tuple[Statistic, int]  # name: (a statistic, the number of rows that the bootstrap resamples)


@dataclass(frozen=True)
class Setup:
    """What a kind is made with: the field's name in the figures, the scales of number fields by name, and the function that makes inner kinds."""

    name: str
    make: "Callable[[Field, str], Kind]"
    scales: Mapping[str, float] = field(default_factory=dict)
    ordered: bool = False


@dataclass(frozen=True)
class Rows:
    """True values, answers and scores [N] of one field. None is no value; UNUSABLE is an answer of the wrong type or range."""

    truth: Sequence[Any]
    answers: Sequence[Any]
    score: Floats

    def both(self) -> Iterator[tuple[Any, Any]]:
        """The (true value, answer) pairs in which both have a value."""
        for pair in zip(self.truth, self.answers, strict=True):
            if all(value is not None and value is not UNUSABLE for value in pair):
                yield pair


class Kind:
    """A kind of field. A field is scored by the first class of the registry whose `matches` is true for it."""

    name: ClassVar[str]
    # Whether a list item of this kind is either right or wrong, without partial credit.
    atomic: ClassVar[bool] = False

    def __init__(self, field: Field, setup: Setup) -> None:
        self.field = field
        self.setup = setup

    @classmethod
    def matches(cls, field: Field) -> bool:
        """Whether this kind scores the field."""
        raise NotImplementedError

    def score(self, truth: Any, answer: Any) -> float:
        """The score of a usable answer, from 0 to 1; 1 if it equals the true value. Neither argument is None."""
        raise NotImplementedError

    def key(self, value: Any) -> str:
        """A hashable key that is the same for equal values."""
        return canonical(value)

    def figures(self, rows: Rows) -> dict[str, Figure]:  # noqa: ARG002 (for kinds that have some)
        """Statistics over rows, by name; the names are fields of `Statistics` in plateau/metrics/evaluate.py."""
        return {}

    def parts(self, rows: Rows) -> dict[str, tuple[Floats, Floats]]:  # noqa: ARG002 (for kinds that have some)
        """For each inner field, two arrays [N]: the sum of the scores of the matched inner values, and how many there are."""
        return {}

    def confusion(self, rows: Rows) -> list[tuple[str, str]]:  # noqa: ARG002 (for kinds that have some)
        """The true class and the answered class of each row; empty for a kind without classes."""
        return []

    def numbers(self, rows: Rows) -> list[tuple[float, float]]:  # noqa: ARG002 (for kinds that have some)
        """The (true, answered) pairs of numbers of the rows that have both; empty for a kind without numbers."""
        return []

    def spread(self, values: Sequence[Any]) -> float | None:  # noqa: ARG002 (for kinds that have some)
        """Standard deviation of several answers to one prompt; None for a kind without numbers."""
        return None

    def scales(self, values: Sequence[Any]) -> dict[str, float]:  # noqa: ARG002 (for kinds that have some)
        """The scale of each number field, by name: the error at which its score reaches 0, computed from training values."""
        return {}

    def majority(self, values: Sequence[Any]) -> Any:
        """The constant answer of the majority baseline: the most frequent training value; None counts as a value."""
        counts = Counter(map(self.key, values))
        chosen = min(counts, key=lambda key: (-counts[key], key))
        return next(value for value in values if self.key(value) == chosen)

    def predict(self, known: Any, values: Sequence[Any], wanted: Any) -> list[Any]:
        """Answers of the linear baseline for the word vectors `wanted`. By default, the answer of the most similar training prompt."""
        from sklearn.metrics.pairwise import linear_kernel

        if len(set(map(self.key, values))) == 1:
            return [values[0]] * wanted.shape[0]
        return [values[i] for i in np.asarray(linear_kernel(wanted, known).argmax(axis=1)).ravel()]


def pair_score(kind: Kind, truth: Any, answer: Any) -> float:
    """The score of one answer. None means no value and is right only where the truth is None; an answer of the wrong type scores 0.

    Where the true value itself breaks the schema, only an equal answer is right.
    """
    if truth is None or answer is None or answer is UNUSABLE:
        return float(truth is answer)
    if not kind.field.holds(truth):
        return float(same(truth, answer))
    return kind.score(truth, answer) if kind.field.holds(answer) else 0.0


class Cases:
    """One field of objects that follow one of several schemas (alternatives); the true object decides which schema applies."""

    def __init__(self, field: Field, make: Callable[[Field], Kind]) -> None:
        self.field = field
        self._make = make
        self._made: dict[int, Kind] = {}

    def kind(self, field: Field) -> Kind:
        """The kind that scores the field in one alternative."""
        return self._made.setdefault(id(field), self._made.get(id(field)) or self._make(field))

    def score(self, truth: Any, answer: Any) -> float | None:
        """The score of the answer's field; None where there is nothing to score.

        Nothing is scored where the truth's alternative lacks the field and the answer has no value there, and for free keys
        where neither side has any. Where the true object breaks the schema, only an equal object is right. Where the truth
        has no object around the field, an object that the answer invents is wrong in all its fields.
        """
        case = self.field.of(truth)
        if case is None and self.field.answer(truth) in (None, UNUSABLE):
            return None if self.field.answer(answer) in (None, UNUSABLE) else 0.0
        case = case or self.field
        if case.rest and case.answer(truth) is None and case.answer(answer) is None:
            return None
        wanted = case.answer(truth)
        if wanted is UNUSABLE:
            return float(UNUSABLE not in (truth, answer) and same(truth, answer))
        if wanted is None and (place := case.gap(truth)) is not None:
            return float(case.answer(answer) is not UNUSABLE and _is_empty(answer, place))
        return pair_score(self.kind(case), wanted, case.answer(answer))


def _is_empty(answer: Any, place: Sequence[str]) -> bool:
    """Whether an answer has no value at a place."""
    for key in place:
        if answer is None:
            return True
        if not isinstance(answer, Mapping):
            return False
        answer = answer.get(key)
    return not has_value(answer)


def classify(known: Any, keys: Sequence[str], wanted: Any) -> list[str]:
    """Fit a linear support vector machine on `known` and `keys`; return its class for each row of `wanted`."""
    from sklearn.svm import LinearSVC

    if len(set(keys)) == 1:
        return [keys[0]] * wanted.shape[0]
    return [str(key) for key in LinearSVC(random_state=0, max_iter=10_000).fit(known, list(keys)).predict(wanted)]
