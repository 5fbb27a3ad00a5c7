"""The fields of a target, read from its JSON Schema: where each stands and what it may hold."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from plateau.core.numbers import is_finite
from plateau.data.alternatives import accepts, chosen, distance, is_of
from plateau.data.contracts import Contract
from plateau.data.nodes import ANYTHING, Node, root
from plateau.data.schema import TYPES

Schema = Mapping[str, Any]
NONE = "(none)"  # the class of a target that has no value here: null or left out
_NUMBERS = frozenset(("integer", "number"))


class Unusable:
    """Where no answer can be read: an output that is no JSON, a key with two values, or a value that the field does not hold."""

    def __repr__(self) -> str:
        """As a page shows it within a value."""
        return "(unusable)"


UNUSABLE = Unusable()


@dataclass(frozen=True)
class Field:
    """One leaf of the target: where it stands, and the schema of its value.

    `node` is its schema, read; `optional` says whether it may be absent, `nullable_target` whether the whole target may be null.
    `only` narrows a schema of several types to some of them. `rest` says that the field is all keys of an object that its schema
    does not name. `whole` is the schema of the target where a target decides what the field may hold, and whether there is one.
    """

    path: tuple[str, ...]
    node: Node = field(default=ANYTHING, repr=False, compare=False)
    optional: bool = False
    nullable_target: bool = field(default=False, repr=False)
    only: frozenset[str] = field(default=frozenset(), repr=False)
    rest: bool = False
    whole: Node | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The path with dots, a key that holds one in quotes; "value" for a target that is no object; "*" for keys without a name."""
        return ".".join([*map(_quoted, self.path), *["*"] * self.rest]) or "value"

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
        if self.options or self.is_number or self.classes or self.only or self.rest or self.leaves:
            return ()
        if self.node.choices:
            return tuple(Field((), node) for node in self.node.grouped(_NUMBERS))
        kinds = {self.types & _NUMBERS, *(frozenset((name,)) for name in self.types - _NUMBERS)} - {frozenset()}
        return tuple(Field((), self.node, only=kind) for kind in sorted(kinds, key=sorted)) if len(kinds) > 1 else ()

    @cached_property
    def items(self) -> "Field | None":
        """The schema of a list's items; None where it is no list, or its items are not of one schema."""
        return Field((), self.node.items) if self.types == {"array"} and not self.node.prefix else None

    @property
    def has_free_keys(self) -> bool:
        """Whether the field is an object of which no key is named."""
        return self.rest or (self.types == {"object"} and not self.node.properties)

    def under(self, key: str) -> "Field":
        """The schema of the value under a key."""
        return Field((), self.node.under(key))

    @cached_property
    def leaves(self) -> list["Field"]:
        """The fields of an object with named keys; empty for anything else."""
        opens = self.only == {"object"} and self.node.properties if self.only else _opens(self.node)
        return list(_opened(self.node, _Around(self.node))) if opens and not self.rest else []

    def of(self, target: Any) -> "Field | None":
        """The field as the alternative has it that a target is meant for; None where that one has no such field."""
        if self.whole is None:
            return self
        node, value = self.whole, target
        for key in self.path:
            known = isinstance(value, Mapping)
            node = chosen(node, value) if known else node
            if key not in node.properties:
                return None
            node, value = node.properties[key], value.get(key) if known else None
        if self.rest:
            node = chosen(node, value) if isinstance(value, Mapping) else node
            if not node.free_keys:
                return None
        if id(node) not in self._cases:
            self._cases[id(node)] = replace(self, node=node, whole=None)
        return self._cases[id(node)]

    @cached_property
    def _cases(self) -> dict[int, "Field"]:
        return {}

    def gap(self, target: Any) -> tuple[str, ...] | None:
        """The place of the outermost object around the field that a target has not: null or left out; None where it has all."""
        around = self.path if self.rest else self.path[:-1]
        for depth in range(len(around) + 1):
            if target is None:
                return self.path[:depth]
            if not isinstance(target, Mapping):
                break
            target = target.get(around[depth]) if depth < len(around) else target
        return None

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
        if self.rest and isinstance(target, Mapping):
            free = {key: value for key, value in target.items() if key not in self.node.properties}
            return free if has_value(free) else None
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
            return is_finite(value) and accepts(self.node, value)
        if self.choices:
            return any(choice.holds(value) for choice in self.choices)
        if self.leaves:
            return isinstance(value, Mapping)
        return not self.types or any(is_of(value, name) for name in self.types)

    def choice(self, value: Any) -> int:
        """Which of `choices` a value is meant for: of those of its type the one of which it breaks the least."""
        found = [not one.holds(value) for one in self.choices]
        return min(range(len(found)), key=lambda i: (found[i], distance(self.choices[i].node, value)))

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
    """Every field of a target, in schema order; objects with named keys are opened, everything else is one field."""
    whole = root(schema)
    return list(_fields(whole, (), _Around(whole)))


class _Around(NamedTuple):
    """What stands around a place: the whole schema, the schemas above, whether it may be left out, whether alternatives differ."""

    whole: Node
    above: frozenset[int] = frozenset()
    optional: bool = False
    varies: bool = False


def _fields(node: Node, path: tuple[str, ...], around: _Around) -> Iterator[Field]:
    """The fields at and below one place; a schema that refers to itself is not opened again."""
    if _opens(node) and not node.identities & around.above:
        yield from _opened(node, around, path)
    else:
        yield _field(node, path, around)


def _opened(node: Node, around: _Around, path: tuple[str, ...] = ()) -> Iterator[Field]:
    """The fields of an object with named keys: one a key, and one for all others."""
    inside = around._replace(above=around.above | node.identities, varies=around.varies or _differ(node.choices))
    for key, inner in node.properties.items():
        optional = around.optional or node.nullable or key not in node.required
        yield from _fields(inner, (*path, key), inside._replace(optional=optional))
    if node.free_keys:
        yield replace(_field(node, path, inside._replace(optional=True)), rest=True)


def _field(node: Node, path: tuple[str, ...], around: _Around) -> Field:
    whole = around.whole if around.varies else None
    return Field(path, node, around.optional, around.whole.nullable, whole=whole)


def _opens(node: Node) -> bool:
    """Whether the values are objects with named keys."""
    named = node.types in (TYPES, TYPES - {"null"}) or node.types - {"null"} == {"object"}
    return bool(node.properties) and named and node.options is None and all(one.properties for one in node.choices)


def _differ(choices: Sequence[Node]) -> bool:
    """Whether alternatives of an object name other keys, or say other things of them."""
    said = [({key: one.identities for key, one in node.properties.items()}, node.free_keys) for node in choices]
    return any(one != said[0] for one in said)


def has_value(value: Any) -> bool:
    """Whether there is anything but nulls in a value."""
    return any(map(has_value, value.values())) if isinstance(value, Mapping) else value is not None


def _quoted(key: str) -> str:
    """A key as it stands in a name, so that no two paths have the same one."""
    return json.dumps(key, ensure_ascii=False) if not key or set(key) & set('."[]{}*') else key


def label(value: Any) -> str:
    """A scalar as the name of a class: JSON text, strings as they are, 1.0 as 1."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return json.dumps(value, sort_keys=True, default=repr)
    except RecursionError:
        return "(too deep)"


def class_name(value: Any, options: Sequence[Any] = ()) -> str:
    """The name of a class; a text that would read like another option, or like no value, is put in quotes."""
    name = label(value)
    if isinstance(value, str) and (name == NONE or any(not isinstance(o, str) and label(o) == name for o in options)):
        return json.dumps(value)
    return name


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: numbers by value, true is no 1 and "1" is none, keys in any order, null as if left out."""
    return canonical(one) == canonical(other)


def canonical(value: Any, ordered: bool = True) -> str:
    """JSON text that is the same for equal values; with `ordered` false, for lists of the same items in another order too."""
    try:
        return json.dumps(_plain(value, ordered), sort_keys=True, default=repr)
    except RecursionError:
        return "(too deep)"


def _plain(value: Any, ordered: bool) -> Any:
    """A value with whole numbers as integers at every depth, without keys that are null, and lists sorted unless `ordered`."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain(inner, ordered) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        items = [_plain(inner, ordered) for inner in value]
        return items if ordered else sorted(items, key=lambda item: json.dumps(item, sort_keys=True, default=repr))
    return value
