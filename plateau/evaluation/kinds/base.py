"""What every kind of field has: a score of one answer, figures over rows, and the answers of the baselines."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from plateau.data.fields import UNUSABLE, Field, canonical, has_value, same
from plateau.evaluation.stats import Floats, Statistic

Figure = tuple[Statistic, int]  # a statistic and the number of rows that it resamples


@dataclass(frozen=True)
class Setup:
    """How a kind is made: the name that its figures bear, the scales of numbers by name, and what makes inner kinds."""

    name: str
    make: "Callable[[Field, str], Kind]"
    scales: Mapping[str, float] = field(default_factory=dict)
    ordered: bool = False


@dataclass(frozen=True)
class Rows:
    """True values and answers of one field, None for no value, UNUSABLE for an answer that is none; and the scores [N]."""

    truth: Sequence[Any]
    answers: Sequence[Any]
    score: Floats

    def both(self) -> Iterator[tuple[Any, Any]]:
        """The pairs in which both sides have a value."""
        for pair in zip(self.truth, self.answers, strict=True):
            if all(value is not None and value is not UNUSABLE for value in pair):
                yield pair


class Kind:
    """A kind of field; the class whose `matches` is the first to say yes scores a field."""

    name: ClassVar[str]
    # Whether an item of a list that is of this kind is right or wrong, with nothing between.
    atomic: ClassVar[bool] = False

    def __init__(self, field: Field, setup: Setup) -> None:
        self.field = field
        self.setup = setup

    @classmethod
    def matches(cls, field: Field) -> bool:
        """Whether a field is of this kind."""
        raise NotImplementedError

    def score(self, truth: Any, answer: Any) -> float:
        """The score, 0 to 1, of a usable answer beside a true value, neither of them None; 1 for the truth itself."""
        raise NotImplementedError

    def key(self, value: Any) -> str:
        """What is equal for equal values."""
        return canonical(value)

    def figures(self, rows: Rows) -> dict[str, Figure]:  # noqa: ARG002 (for kinds that have some)
        """Statistics over rows by name, of those that plateau/metrics/evaluate.py explains."""
        return {}

    def parts(self, rows: Rows) -> dict[str, tuple[Floats, Floats]]:  # noqa: ARG002 (for kinds that have some)
        """Sum of scores and their number [N] for each inner field, over the inner values that were matched."""
        return {}

    def confusion(self, rows: Rows) -> list[tuple[str, str]]:  # noqa: ARG002 (for kinds that have some)
        """The true class and the answered one of each row; empty for a kind without classes."""
        return []

    def numbers(self, rows: Rows) -> list[tuple[float, float]]:  # noqa: ARG002 (for kinds that have some)
        """True and answered numbers where both sides have one; empty for a kind that holds none."""
        return []

    def spread(self, values: Sequence[Any]) -> float | None:  # noqa: ARG002 (for kinds that have some)
        """Standard deviation of several answers to one prompt; None for a kind that has none."""
        return None

    def scales(self, values: Sequence[Any]) -> dict[str, float]:  # noqa: ARG002 (for kinds that have some)
        """By name, the difference at which a number's score is 0, learnt from the training split's values."""
        return {}

    def majority(self, values: Sequence[Any]) -> Any:
        """The answer that is given whatever is asked: the most frequent of the training values, None being one."""
        counts = Counter(map(self.key, values))
        chosen = min(counts, key=lambda key: (-counts[key], key))
        return next(value for value in values if self.key(value) == chosen)

    def predict(self, known: Any, values: Sequence[Any], wanted: Any) -> list[Any]:
        """Answers of a linear model on vectors of words: here, those of the most similar training prompts."""
        from sklearn.metrics.pairwise import linear_kernel

        if len(set(map(self.key, values))) == 1:
            return [values[0]] * wanted.shape[0]
        return [values[i] for i in np.asarray(linear_kernel(wanted, known).argmax(axis=1)).ravel()]


def pair_score(kind: Kind, truth: Any, answer: Any) -> float:
    """The score of one answer, None for no value: right where the truth has none. An answer of another type is wrong.

    Beside a truth that is itself not what the schema says, the same value is right.
    """
    if truth is None or answer is None or answer is UNUSABLE:
        return float(truth is answer)
    if not kind.field.holds(truth):
        return float(same(truth, answer))
    return kind.score(truth, answer) if kind.field.holds(answer) else 0.0


class Cases:
    """One field of whole objects, as the alternative has it that each true object is meant for."""

    def __init__(self, field: Field, make: Callable[[Field], Kind]) -> None:
        self.field = field
        self._make = make
        self._made: dict[int, Kind] = {}

    def kind(self, field: Field) -> Kind:
        """What scores the field of one alternative."""
        return self._made.setdefault(id(field), self._made.get(id(field)) or self._make(field))

    def score(self, truth: Any, answer: Any) -> float | None:
        """The score of the answer's field; None where the alternative of the truth has no such field and the answer no value,
        and for keys without a name where there are none on both sides.

        Where the truth is not what the schema says, the same whole is right. Where the truth has no object around the field, an
        invented one is wrong in all its fields.
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
    """The classes that a linear support vector machine finds for the rows of `wanted`."""
    from sklearn.svm import LinearSVC

    if len(set(keys)) == 1:
        return [keys[0]] * wanted.shape[0]
    return [str(key) for key in LinearSVC(random_state=0, max_iter=10_000).fit(known, list(keys)).predict(wanted)]
