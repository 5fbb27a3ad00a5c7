"""The fields of a target, read from its JSON Schema: where each stands and what it may hold."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from plateau.core.numbers import is_finite
from plateau.data.contracts import Contract
from plateau.data.nodes import ANYTHING, Node, root
from plateau.data.schema import TYPES

Schema = Mapping[str, Any]
NONE = "(none)"  # the class of a target that has no value here: null or left out
_NUMBERS = frozenset(("integer", "number"))
_JSON_TYPES: dict[str, Any] = {"string": str, "boolean": bool, "array": list, "object": Mapping}


class Unusable:
    """Where no answer can be read: an output that is no JSON, or a value that the field does not hold."""


UNUSABLE = Unusable()


@dataclass(frozen=True)
class Field:
    """One leaf of the target: where it stands, and the schema of its value.

    `node` is its schema, read; `optional` says whether it may be absent, `nullable_target` whether the whole target may be null.
    `only` narrows a schema of several types to some of them.
    """

    path: tuple[str, ...]
    node: Node = field(default=ANYTHING, repr=False, compare=False)
    optional: bool = False
    nullable_target: bool = field(default=False, repr=False)
    only: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def name(self) -> str:
        """The path with dots, a key that holds one in quotes; "value" for a target that is no object."""
        return ".".join(map(_quoted, self.path)) or "value"

    @cached_property
    def types(self) -> frozenset[str]:
        """The JSON types that the schema names, null left out; empty for any."""
        named = self.only or self.node.types - {"null"}
        return frozenset() if named == TYPES - {"null"} else named

    @cached_property
    def options(self) -> tuple[Any, ...]:
        """The few values that the schema allows, null left out; empty for any."""
        return tuple(value for value in self.node.options or () if value is not None)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the few scalars that the schema allows; empty for a field that is no class."""
        if self.types == {"boolean"} and not self.options:
            return ("false", "true")
        scalar = all(isinstance(value, str | int | float) for value in self.options)
        return tuple(dict.fromkeys(class_name(value, self.options) for value in self.options)) if scalar else ()

    @cached_property
    def is_number(self) -> bool:
        """Whether the field holds numbers, of which there are many."""
        return not self.options and bool(self.types) and self.types <= _NUMBERS

    @cached_property
    def choices(self) -> tuple["Field", ...]:
        """What the value may be, where the schema names several schemas or types; empty for one."""
        if self.options or self.is_number or self.classes or self.only:
            return ()
        if self.node.choices:
            return tuple(Field((), node) for node in self.node.choices)
        kinds = {self.types & _NUMBERS, *(frozenset((name,)) for name in self.types - _NUMBERS)} - {frozenset()}
        return tuple(Field((), self.node, only=kind) for kind in sorted(kinds, key=sorted)) if len(kinds) > 1 else ()

    @cached_property
    def items(self) -> "Field | None":
        """The schema of a list's items; None where it is no list, or its items are not of one schema."""
        return Field((), self.node.items) if self.types == {"array"} and not self.node.prefix else None

    @property
    def has_free_keys(self) -> bool:
        """Whether the field is an object with keys that the schema does not name."""
        return self.types == {"object"} and (not self.node.properties or self.node.free_keys)

    def under(self, key: str) -> "Field":
        """The schema of the value under a key."""
        return Field((), self.node.under(key))

    @cached_property
    def leaves(self) -> list["Field"]:
        """The fields of an object all keys of which are named; empty for anything else."""
        if not self.node.properties or self.has_free_keys or not self.types <= {"object"}:
            return []
        return list(_fields(self.node, (), frozenset(), False))

    def value(self, target: Any) -> Any:
        """The field's value in a target; None where it is absent, null, or not what the field holds."""
        found = self.answer(target)
        return None if found is UNUSABLE else found

    def answer(self, target: Any) -> Any:
        """The field's value in a target, None for no value (null or absent), UNUSABLE where the target cannot hold one."""
        if target is UNUSABLE or (target is None and self.path and not self.nullable_target):
            return UNUSABLE
        for key in self.path:
            if target is None:
                return None
            if not isinstance(target, Mapping):
                return UNUSABLE
            target = target.get(key)
        return target if target is None or self.holds(target) else UNUSABLE

    def class_of(self, target: Any) -> str:
        """The name of the class that a target holds, "(none)" where it has no value."""
        found = self.value(target)
        return NONE if found is None else class_name(found, self.options)

    def holds(self, value: Any) -> bool:
        """Whether a value is of the field's type, and one of its options or within its bounds."""
        if self.options:
            return canonical(value) in self._option_keys
        if self.is_number:
            return is_finite(value) and self.node.accepts(value)
        if self.choices:
            return any(choice.holds(value) for choice in self.choices)
        if self.leaves:
            return isinstance(value, Mapping) and all(leaf.answer(value) is not UNUSABLE for leaf in self.leaves)
        return not self.types or any(_is_of(value, name) for name in self.types)

    @cached_property
    def _option_keys(self) -> frozenset[str]:
        return frozenset(map(canonical, self.options))


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


def _fields(
    node: Node, path: tuple[str, ...], above: frozenset[int], optional: bool, nullable_target: bool | None = None
) -> Iterator[Field]:
    """The fields at and below one place; `above` are the schemas around it, for one that refers to itself is not opened again."""
    nullable_target = node.nullable if nullable_target is None else nullable_target
    if _opens(node) and not node.identities & above:
        for key, inner in node.properties.items():
            absent = optional or node.nullable or key not in node.required
            yield from _fields(inner, (*path, key), above | node.identities, absent, nullable_target)
        return
    yield Field(path, node, optional, nullable_target)


def _opens(node: Node) -> bool:
    """Whether the values are objects all keys of which are named."""
    named = node.types in (TYPES, TYPES - {"null"}) or node.types - {"null"} == {"object"}
    return bool(node.properties) and named and not node.free_keys and node.options is None


def _is_of(value: Any, name: str) -> bool:
    """Whether a value is of a JSON type."""
    if name in _NUMBERS:
        return is_finite(value) and (name == "number" or float(value).is_integer())
    return name in _JSON_TYPES and isinstance(value, _JSON_TYPES[name])


def _quoted(key: str) -> str:
    """A key as it stands in a name, so that no two paths have the same one."""
    return json.dumps(key, ensure_ascii=False) if not key or set(key) & set('."[]{}') else key


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


def class_name(value: Any, options: Sequence[Any] = ()) -> str:
    """The name of a class; a text that would read like another option, or like no value, is put in quotes."""
    name = label(value)
    if isinstance(value, str) and (name == NONE or any(not isinstance(o, str) and label(o) == name for o in options)):
        return json.dumps(value)
    return name


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: numbers by value, true is no 1 and "1" is none, keys in any order."""
    return canonical(one) == canonical(other)


def canonical(value: Any, ordered: bool = True) -> str:
    """JSON text that is the same for equal values; with `ordered` false, for lists of the same items in another order too."""
    try:
        return json.dumps(_plain(value, ordered), sort_keys=True)
    except RecursionError:
        return "(too deep)"


def _plain(value: Any, ordered: bool) -> Any:
    """A value with whole numbers as integers at every depth, and lists sorted unless `ordered`."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain(inner, ordered) for key, inner in value.items()}
    if isinstance(value, list):
        items = [_plain(inner, ordered) for inner in value]
        return items if ordered else sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    return value
