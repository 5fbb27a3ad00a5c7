"""The fields of a target, read from its JSON Schema: what each holds decides how it is scored."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from plateau.core.numbers import is_finite
from plateau.data.contracts import Contract
from plateau.data.nodes import ANYTHING, Node, root
from plateau.data.schema import TYPES

Kind = Literal["class", "boolean", "number", "text", "exact"]
Schema = Mapping[str, Any]
_DEEPEST = 8  # choices within choices that are looked into


@dataclass(frozen=True)
class Field:
    """One leaf of the target: where it stands, what it holds, its labels and their types (class) or bounds (number).

    `node` is its schema, read; `optional` says whether the schema lets it be absent. Its value may be null where `node.nullable`.
    """

    path: tuple[str, ...]
    kind: Kind
    labels: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    types: tuple[type, ...] = (str, int, float)
    node: Node = field(default=ANYTHING, repr=False, compare=False)
    optional: bool = False

    @property
    def name(self) -> str:
        """The path with dots, a key that holds one in quotes; "value" for a target that is no object."""
        return ".".join(map(_quoted, self.path)) or "value"

    def value(self, target: Any) -> Any:
        """The field's value in a target; None where it is absent, null, or not what the field holds."""
        found = self._find(target)
        return found if found is not None and self._holds(found) else None

    def _find(self, target: Any) -> Any:
        for key in self.path:
            if not isinstance(target, Mapping) or key not in target:
                return None
            target = target[key]
        return target

    def _holds(self, value: Any) -> bool:
        """Whether a value is of the field's type, and within its bounds or labels."""
        if self.kind == "boolean":
            return isinstance(value, bool)
        if self.kind == "class":
            return isinstance(value, self.types) and label(value) in self.labels
        if self.kind == "number":
            return is_finite(value) and not self._outside(value)
        if self.kind == "text":
            return words(value) is not None
        return True

    def _outside(self, value: float) -> bool:
        return (self.low is not None and value < self.low) or (self.high is not None and value > self.high)


def load_schema(path: Path) -> Schema:
    """Read a target's JSON Schema; raises BadInputError where it is none."""
    schema = Contract.load(path, formats=True).schema
    return {} if isinstance(schema, bool) else dict(schema)


def validator(schema: Any) -> Contract:
    """The validator of a target's JSON Schema, formats included; raises BadInputError where it is none."""
    return Contract(schema, "target.schema.json", formats=True)


def fields(schema: Any) -> list[Field]:
    """Every field of a target, in schema order; objects of named keys are opened, everything else is one field."""
    return list(_fields(root(schema), (), frozenset(), False))


def _quoted(key: str) -> str:
    """A key as it stands in a name, so that no two paths have the same one."""
    return json.dumps(key, ensure_ascii=False) if not key or "." in key or key.startswith('"') else key


def label(value: Any) -> str:
    """A scalar as the name of a class: JSON text, strings as they are, 1.0 as 1."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return json.dumps(value, sort_keys=True)
    except RecursionError:
        return "(too deep)"


def words(value: Any) -> str | None:
    """A text, or a list of texts joined by line ends; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    return None


def _fields(node: Node, path: tuple[str, ...], above: frozenset[int], optional: bool) -> Iterator[Field]:
    """The fields at and below one place; `above` are the schemas around it, for one that refers to itself is not opened again."""
    if _opens(node) and not node.identities & above:
        for key, inner in node.properties.items():
            absent = optional or node.nullable or key not in node.required
            yield from _fields(inner, (*path, key), above | node.identities, absent)
        return
    kind = _kind(node, 0)
    options = _options(node) if kind == "class" else []
    low, high = (node.low, node.high) if kind == "number" else (None, None)
    texts = [isinstance(value, str) for value in options]
    types = ((str,) if any(texts) else ()) + ((int, float) if not all(texts) else ())
    labels = tuple(dict.fromkeys(map(label, options)))
    yield Field(path, kind, labels, low, high, types, node, optional)


def _opens(node: Node) -> bool:
    """Whether the values are objects all keys of which are named."""
    named = node.types in (TYPES, TYPES - {"null"}) or node.types - {"null"} == {"object"}
    return bool(node.properties) and named and not node.free_keys and node.options is None


def _options(node: Node) -> list[Any]:
    """The listed values, null left out."""
    return [value for value in node.options or () if value is not None]


def _kind(node: Node, depth: int) -> Kind:
    """How a leaf is scored."""
    if options := _options(node):
        if all(isinstance(value, bool) for value in options):
            return "boolean"
        return "class" if all(isinstance(value, str | int | float) for value in options) else "exact"
    if node.choices:
        kinds = {_kind(choice, depth + 1) for choice in node.choices} if depth < _DEEPEST else {"exact"}
        return "text" if kinds <= {"text", "class"} else "number" if kinds == {"number"} else "exact"
    types = node.types - {"null"}
    if types == {"boolean"}:
        return "boolean"
    if types and types <= {"integer", "number"}:
        return "number"
    if types and types <= {"string", "array"} and ("array" not in types or _holds_texts(node)):
        return "text"
    return "exact"


def _holds_texts(node: Node) -> bool:
    """Whether an array's items are texts."""
    return node.items.types == {"string"} and not node.prefix
