"""The kind `boolean`: true, false or no value."""

import numpy as np

from plateau.data.fields import Field
from plateau.evaluation import stats
from plateau.evaluation.kinds.base import Figure, Rows
from plateau.evaluation.kinds.labels import Codes, Label
from plateau.evaluation.stats import Floats, Indices, Statistic


class Boolean(Label):
    """A boolean field: an answer scores 1 if it equals the truth, else 0."""

    name = "boolean"

    @classmethod
    def matches(cls, field: Field) -> bool:
        """Fields of type boolean, and enums that list only booleans."""
        return bool(field.classes) and set(field.classes) <= {"true", "false"} and not _texts(field)

    def figures(self, rows: Rows) -> dict[str, Figure]:
        """Accuracy, F1 of the class true, and balanced accuracy, over all rows."""
        truth, answers, classes = self.codes(rows)
        count, true = len(rows.truth), list(self.field.classes).index("true") if "true" in self.field.classes else -1
        return {
            "accuracy": (stats.mean_of(rows.score), count),
            "f1": (_f1(truth == true, answers == true), count),
            "balanced_accuracy": (_balanced_accuracy(truth, answers, classes), count),
        }


def _texts(field: Field) -> bool:
    return any(not isinstance(value, bool) for value in field.options)


def _f1(gold: Codes, predicted: Codes) -> Statistic:
    """F1 of one class from flags [N]."""

    def statistic(index: Indices) -> Floats:
        hits = (gold & predicted)[index].sum(axis=1)
        return np.asarray(2 * hits / np.maximum(gold[index].sum(axis=1) + predicted[index].sum(axis=1), 1))

    return statistic


def _balanced_accuracy(gold: Codes, predicted: Codes, classes: int) -> Statistic:
    """Mean recall over the true classes; NaN where only one class occurs, or where a bootstrap resample lacks a class."""
    occurring = [code for code in range(classes) if (gold == code).any()]

    def statistic(index: Indices) -> Floats:
        truth, right = gold[index], (gold == predicted)[index]
        if len(occurring) < 2:
            return np.full(len(index), np.nan)
        counts = np.stack([(truth == code).sum(axis=1) for code in occurring])
        hits = np.stack([(right & (truth == code)).sum(axis=1) for code in occurring])
        recalls = (hits / np.maximum(counts, 1)).mean(axis=0)
        return np.where((counts > 0).all(axis=0), recalls, np.nan)

    return statistic
