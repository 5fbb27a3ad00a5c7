"""The target: turn label columns into a JSON Schema, and map their raw values to the schema's values."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plateau.proposal.columns import TRUTHS, Column, number_of

_MOST_CLASSES = 300
_FEW = 12  # at most so many different whole numbers are a scale, such as stars
_SHORT = 80  # the most characters of a class name
Json = dict[str, Any]


@dataclass(frozen=True)
class Label:
    """One property of the target: the path of its values, its schema, and what a person should check."""

    name: str
    field: Any
    schema: Json
    required: bool
    check: str | None = None


def label(column: Column, name: str) -> Label | None:
    """Turn a column into a property; None if the column is no label, as with a single value or objects."""
    made = _boolean(column) or _list(column) or _number(column) or _classes(column)
    if made is None:
        return None
    schema, field, check = made
    if column.share < 1:
        check = f"{check + '; ' if check else ''}{1 - column.share:.0%} of the records have none, and the model shall then write none"
    return Label(name, field, schema, column.share == 1, check)


def text(column: Column, name: str) -> Label:
    """Turn a column of texts into a property that the model writes."""
    return Label(name, column.path, {"type": "string", "minLength": 1}, column.share == 1)


def _boolean(column: Column) -> tuple[Json, Any, str | None] | None:
    texts = {str(value).strip().lower() for value in column.counts}
    if column.kinds == {"boolean"} or (column.kinds == {"text"} and len(texts) == 2 and texts in TRUTHS):
        return {"type": "boolean"}, column.path, None
    return None


def _list(column: Column) -> tuple[Json, Any, str | None] | None:
    if column.kinds != {"list"}:
        return None
    items = Counter(item for value in column.known for item in value if isinstance(item, str))
    if not items or any(not isinstance(item, str) for value in column.known for item in value):
        return None
    if len(items) <= _MOST_CLASSES and items.total() >= 3 * len(items):
        return {"type": "array", "items": {"enum": sorted(items)}}, column.path, None
    return {"type": "array", "items": {"type": "string", "minLength": 1}}, column.path, None


def _number(column: Column) -> tuple[Json, Any, str | None] | None:
    """The schema of a number column: 0 and 1 become an enum; other numbers get the bounds of the sample, which a person should check unless they are a short integer scale."""
    if not column.kinds or not column.kinds <= {"integer", "number"}:
        return None
    numbers = [number_of(value) for value in column.known]
    low, high = min(numbers), max(numbers)
    if low == high:
        return None
    if column.kinds == {"integer"}:
        if {low, high} == {0.0, 1.0}:
            return {"type": "integer", "enum": [0, 1]}, column.path, None
        check = None if len(column.counts) <= _FEW else f"{int(low)} to {int(high)} is what the sample holds"
        return {"type": "integer", "minimum": int(low), "maximum": int(high)}, column.path, check
    return (
        {"type": "number", "minimum": low, "maximum": high},
        column.path,
        f"{low:g} to {high:g} is what the sample holds",
    )


def _classes(column: Column) -> tuple[Json, Any, str | None] | None:
    """The enum of a column whose texts repeat. Texts that differ only in case or outer spaces are one class."""
    if not column.kinds <= {"text", "integer", "number"} or "text" not in column.kinds:
        return None
    spellings: dict[str, Counter[str]] = {}
    for value, count in column.counts.items():
        spellings.setdefault(str(value).strip().casefold(), Counter())[str(value)] += count
    few = 2 <= len(spellings) <= _MOST_CLASSES and column.counts.total() >= (3 if len(spellings) <= _FEW else 5) * len(
        spellings
    )
    if not few or max(map(len, spellings)) > _SHORT or column.is_prose:
        return None
    names = {key: found.most_common(1)[0][0].strip() for key, found in spellings.items()}
    values = {raw: names[key] for key, found in spellings.items() for raw in found if raw != names[key]}
    rare = [names[key] for key, found in spellings.items() if found.total() < 5]
    check = f"{len(rare)} of {len(names)} values occur fewer than five times" if rare else None
    field: Any = {"path": column.path, "values": values} if values else column.path
    return {"enum": sorted(names.values())}, field, check


def schema(labels: list[Label]) -> Json:
    """The JSON Schema of the target, with one property per label."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What the model answers",
        "type": "object",
        "additionalProperties": False,
        "required": [one.name for one in labels if one.required],
        "properties": {one.name: one.schema for one in labels},
    }


def property_name(path: str, taken: Mapping[str, Any]) -> str:
    """A property name for a path: its last key in a plain spelling, with more of the path if that name is taken."""
    parts = [re.sub(r"\W+", "_", part).strip("_").lower() or "value" for part in path.split(".")]
    for count in range(1, len(parts) + 1):
        if (name := "_".join(parts[-count:])) not in taken:
            return name
    number = 2
    while f"{parts[-1]}_{number}" in taken:
        number += 1
    return f"{parts[-1]}_{number}"
