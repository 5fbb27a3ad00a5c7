"""Labels as columns, and checks on them: fields that never vary, values that never occur, near-duplicates with different labels, drift."""

import json
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from plateau.core.system import SPLITS
from plateau.data.fields import NONE, Field, canonical, class_name
from plateau.metrics import labels as metrics
from plateau.metrics.labels import Labels
from plateau.metrics.split import Drift
from plateau.splits.near import Pairs

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_POSITIVE = (1 << 62) - 1
_PARTS = 5  # quantiles into which numbers are cut where values must be few


@dataclass(frozen=True)
class Column:
    """One target field of all rows: class codes (indices of `names`) for classes and booleans, values for numbers, and codes that are
    equal for equal values for all other kinds.

    Where a target has no value, a number is NaN, another code -1; a class then is "(none)", the last of `names`.
    """

    field: Field
    values: Ints | Floats
    names: tuple[str, ...] = ()

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Whether each row has a value in this field."""
        if self.field.is_number:
            return np.asarray(~np.isnan(self.values))
        none = self.names.index(NONE) if NONE in self.names else -1
        return np.asarray((self.values >= 0) & (self.values != none))

    @property
    def is_class(self) -> bool:
        """Whether the schema lists the field's values (an enum or a boolean)."""
        return bool(self.field.classes)

    def take(self, rows: Ints) -> "Column":
        """Keep only the given rows."""
        return Column(self.field, self.values[rows], self.names)

    def shown(self, row: int) -> str:
        """The value of a class field in one row, as text."""
        return self.names[int(self.values[row])]


def columns(fields: Sequence[Field], targets: Iterable[str]) -> list[Column]:
    """Parse targets (JSON text) and yield one column for each field."""
    names = [{name: code for code, name in enumerate(field.classes)} for field in fields]
    values: list[Any] = [array("d" if field.is_number else "q") for field in fields]
    for text in targets:
        target = json.loads(text)
        for field, codes, column in zip(fields, names, values, strict=True):
            value = field.value(target)
            if field.is_number:
                column.append(float("nan") if value is None else float(value))
            elif value is None:
                column.append(-1)
            elif field.classes:
                column.append(codes[class_name(value, field.options)])
            else:
                column.append(hash(canonical(value)) & _POSITIVE)
    return [_column(field, found) for field, found in zip(fields, values, strict=True)]


def _column(field: Field, values: Any) -> Column:
    if field.is_number:
        return Column(field, np.frombuffer(values, np.float64))
    codes = np.frombuffer(values, np.int64)
    if not field.classes or (codes >= 0).all():
        return Column(field, codes, field.classes)
    return Column(field, np.where(codes < 0, len(field.classes), codes), (*field.classes, NONE))


def counts(column: Column) -> dict[str, int]:
    """The number of rows with each value of a class field, in the schema's order; "(none)" counts rows without a value."""
    found = np.bincount(column.values.astype(np.int64), minlength=len(column.names)).tolist()
    return dict(zip(column.names, found, strict=True))


def few(column: Column) -> Ints:
    """Reduce any field to few codes: classes keep theirs, numbers become quintiles, all other kinds become 0."""
    if column.is_class:
        return np.where(column.known, column.values, -1).astype(np.int64)
    if not column.field.is_number or not column.known.any():
        return np.zeros(len(column.values), np.int64)
    cuts = np.quantile(column.values[column.known], np.arange(1, _PARTS) / _PARTS)
    return np.where(column.known, np.searchsorted(cuts, np.nan_to_num(column.values), side="right"), -1)


def conflicts(found: Sequence[Column], pairs: Pairs) -> dict[str, npt.NDArray[np.bool_]]:
    """For each class field, which of the near-duplicate pairs have different values."""
    return {column.field.name: column.values[pairs.a] != column.values[pairs.b] for column in found if column.is_class}


def summary(found: Sequence[Column], pairs: Pairs, review_rows: Mapping[str, int]) -> Labels:
    """The figures of metrics/labels.json over all rows; `pairs` are pairs of equal or nearly equal conversations."""
    differing = conflicts(found, pairs)
    return Labels(
        rows=len(found[0].values) if found else 0,
        constant_fields=sorted(c.field.name for c in found if c.known.all() and _distinct(c) == 1),
        missing_fields=sorted(c.field.name for c in found if not c.known.any()),
        unseen_values={c.field.name: unseen for c in found if c.is_class and (unseen := _unseen(c))},
        alike_pairs=len(pairs.a),
        conflicting_pairs=int(np.any(list(differing.values()), axis=0).sum()) if differing else 0,
        conflicts={name: int(flags.sum()) for name, flags in differing.items()},
        fields={column.field.name: _about(column) for column in found},
        review_rows=review_rows,
    )


def _distinct(column: Column) -> int:
    return len(np.unique(column.values[column.known]))


def _unseen(column: Column) -> list[str]:
    return [name for name, rows in counts(column).items() if not rows]


def _holds(field: Field) -> str:
    """What a field holds, in a word."""
    if field.classes:
        return "boolean" if set(field.classes) == {"true", "false"} else "class"
    return "number" if field.is_number else "text" if field.types == {"string"} else "other"


def _about(column: Column) -> metrics.Field:
    """Describe one field: minimum, maximum and mean of a number, the number of rows with each value of a class."""
    known = column.values[column.known]
    number = column.field.is_number and len(known) > 0
    return metrics.Field(
        kind=_holds(column.field),
        present=len(known),
        distinct=_distinct(column),
        counts=counts(column) if column.is_class else {},
        lowest=float(known.min()) if number else None,
        highest=float(known.max()) if number else None,
        mean=float(known.mean()) if number else None,
    )


def drift(found: Mapping[str, Sequence[Column]]) -> dict[str, dict[str, Drift]]:
    """For each class and number field, how much its distribution differs between each pair of splits; `columns` are given by split."""
    by_field = zip(*(found[name] for name in SPLITS), strict=True)
    named = (dict(zip(SPLITS, group, strict=True)) for group in by_field)
    return {
        group["train"].field.name: {f"{a}_{b}": _differ(group[a], group[b]) for a, b in combinations(SPLITS, 2)}
        for group in named
        if (group["train"].is_class or group["train"].field.is_number) and any(c.known.any() for c in group.values())
    }


def _differ(a: Column, b: Column) -> Drift:
    """Compare two distributions: a distance from 0 to 1, the population stability index (classes only), and the p-value of no change."""
    from scipy import stats

    if not a.is_class:
        one, other = (np.where(c.known, c.values, -np.inf) for c in (a, b))  # no value is a value of its own
        result = stats.ks_2samp(one, other, method="asymp")
        return Drift(float(result.statistic), None, float(result.pvalue))
    names = max(a.names, b.names, key=len)
    table = np.array([[counts(c).get(name, 0) for name in names] for c in (a, b)], np.float64)
    table = table[:, table.sum(axis=0) > 0]
    shares = table / table.sum(axis=1, keepdims=True)
    smooth = (table + 0.5) / (table + 0.5).sum(axis=1, keepdims=True)
    p_value = stats.chi2_contingency(table, correction=False)[1] if table.shape[1] > 1 else 1.0
    psi = ((smooth[0] - smooth[1]) * np.log(smooth[0] / smooth[1])).sum()
    return Drift(float(np.abs(shares[0] - shares[1]).sum() / 2), float(psi), float(p_value))
