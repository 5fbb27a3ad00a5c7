"""The kind `class`: one of the values that the schema lists. No value counts as a class of its own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plateau.data.fields import NONE, UNUSABLE, Field, class_name
from plateau.evaluation import stats
from plateau.evaluation.kinds.base import Figure, Kind, Rows, classify
from plateau.evaluation.stats import Floats, Indices, Statistic

OTHER = "(other)"
Codes = NDArray[np.int64]


class Label(Kind):
    """A class field: an answer scores 1 if it is the true class, else 0."""

    name = "class"
    atomic = True

    @classmethod
    def matches(cls, field: Field) -> bool:
        """Scalar fields with an enum or const."""
        return bool(field.classes)

    def score(self, truth: Any, answer: Any) -> float:
        """1 if value and type are equal, else 0."""
        return float(self.key(truth) == self.key(answer))

    def shown(self, value: Any) -> str:
        """The name of a value's class; `(none)` for no value."""
        if value is UNUSABLE:
            return OTHER
        return NONE if value is None else class_name(value, self.field.options)

    def confusion(self, rows: Rows) -> list[tuple[str, str]]:
        """The true class and the answered class of every row."""
        return [(self.shown(truth), self.shown(answer)) for truth, answer in zip(rows.truth, rows.answers, strict=True)]

    def codes(self, rows: Rows) -> tuple[Codes, Codes, int]:
        """Codes of the true and the answered classes [N], and the number of classes, which is also the code of an answer outside them."""
        pairs = self.confusion(rows)
        names = {name: code for code, name in enumerate((*self.field.classes, NONE))}
        truth, answers = (
            np.array([names.get(name, len(names)) for name in side], dtype=np.int64)
            for side in ([one for one, _ in pairs], [other for _, other in pairs])
        )
        return truth, answers, len(names)

    def figures(self, rows: Rows) -> dict[str, Figure]:
        """Accuracy and macro-F1 over all rows."""
        truth, answers, classes = self.codes(rows)
        return {
            "accuracy": (stats.mean_of(rows.score), len(rows.score)),
            "macro_f1": (_macro_f1(truth, answers, classes), len(rows.score)),
        }

    def predict(self, known: Any, values: Sequence[Any], wanted: Any) -> list[Any]:
        """The class that a linear support vector machine predicts for each row."""
        by_key = {self.key(value): value for value in values}
        return [by_key[key] for key in classify(known, [self.key(value) for value in values], wanted)]


def _macro_f1(gold: Codes, predicted: Codes, classes: int) -> Statistic:
    """Mean F1 over the classes that occur in the truth or the predictions. An answer outside the classes only lowers the recall of the true class."""

    def statistic(index: Indices) -> Floats:
        hits = _counts(np.where(gold == predicted, gold, classes)[index], classes)
        f1_parts = _counts(gold[index], classes) + _counts(predicted[index], classes)
        f1 = np.where(f1_parts > 0, 2 * hits / np.maximum(f1_parts, 1), 0.0)
        return np.asarray(f1.sum(axis=1) / np.maximum((f1_parts > 0).sum(axis=1), 1))

    return statistic


def _counts(codes: Indices, classes: int) -> Codes:
    """Count each code below `classes` in each row of `codes` [B, n]; returns [B, classes]. The code `classes` is not counted."""
    width = classes + 1
    flat = (codes + width * np.arange(len(codes))[:, None]).ravel()
    return np.bincount(flat, minlength=width * len(codes)).reshape(len(codes), width)[:, :classes]
