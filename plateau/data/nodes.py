"""Read a JSON Schema place by place: the values that each place allows, however schemas are combined there."""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from plateau.core.numbers import is_finite
from plateau.data.schema import Document, Part, Way, same, types

_NULL = frozenset(("null",))
_OTHERS = ("additionalProperties", "unevaluatedProperties")  # what all keys are that no other keyword names
_FREE = ("patternProperties", *_OTHERS)
_MOST_KEYS = 1_000  # without a name that a place remembers
_EXACT = 2**53  # below this a whole float is exactly one integer


class Node:
    """One place of a schema: the ways in which a value other than null may be valid there, and whether null is."""

    def __init__(self, document: Document, places: Iterable[Sequence[Part]]) -> None:
        self.document = document
        try:
            found = [way for parts in places for way in document.alternatives(parts).ways]
        except ValueError:  # more alternatives than are told apart
            found = [()]
        unique = {_identities(way): way for way in found}
        self.nullable = any("null" in types(way) and _takes_null(way) for way in unique.values())
        self.ways = [way for way in unique.values() if _types(way) - _NULL]

    @classmethod
    def _of(cls, document: Document, *ways: Way) -> "Node":
        """The place where some ways are chosen."""
        node = cls(document, [])
        node.ways = list(ways)
        return node

    @property
    def identities(self) -> frozenset[int]:
        """Identities of the schemas here, by which a schema that refers to itself is recognised."""
        return frozenset().union(*map(_identities, self.ways))

    @cached_property
    def choices(self) -> tuple["Node", ...]:
        """The alternatives of this place; empty where there is only one way."""
        return tuple(Node._of(self.document, way) for way in self.ways) if len(self.ways) > 1 else ()

    def grouped(self, kinds: frozenset[str]) -> tuple["Node", ...]:
        """What may be chosen, first those, as one, that are of some types alone."""
        together = [way for way in self.ways if _types(way) - _NULL <= kinds]
        groups = (
            [together, *([way] for way in self.ways if way not in together)] if together else [[w] for w in self.ways]
        )
        return tuple(Node._of(self.document, *ways) for ways in groups)

    @cached_property
    def types(self) -> frozenset[str]:
        """The JSON types that may hold, null among them; a number may always be an integer."""
        found = frozenset().union(*map(_types, self.ways)) - _NULL
        return found | _NULL if self.nullable else found

    @cached_property
    def options(self) -> tuple[Any, ...] | None:
        """The values that may hold where all are listed, null last; None where they are not listed."""
        listed = [_listed(way) for way in self.ways]
        if None in listed or not (listed or self.nullable):
            return None
        found: list[Any] = []
        for option in (option for options in listed for option in options or ()):
            if not any(same(option, known) for known in found):
                found.append(option)
        return (*(option for option in found if option is not None), *([None] if self.nullable else []))

    @cached_property
    def properties(self) -> dict[str, "Node"]:
        """What may stand under each key, in the order in which they are written, those under a condition last."""
        keys = dict.fromkeys(key for way in self.ways for part in way for key in part.mapping("properties"))
        found = {key: Node(self.document, self._places(key)) for key in keys}
        for node in self._conditional():
            found = found | {key: inner for key, inner in node.properties.items() if key not in found}
        return {key: node for key, node in found.items() if node.types or key in self.required}

    def _places(self, key: str) -> list[list[Part]]:
        """The schemas of a key in each of the ways that name it."""
        found = []
        for way in self.ways:
            named = [part for part in way if key in part.mapping("properties")]
            found += (
                [[self.document.part(part.mapping("properties")[key], part.resolver) for part in named]]
                if named
                else []
            )
        return found

    def _conditional(self) -> list["Node"]:
        """The schemas that apply under a condition."""
        found = []
        for part in {id(part.schema): part for way in self.ways for part in way}.values():
            schemas = [part.schema[key] for key in ("then", "else") if key in part.schema]
            schemas += part.mapping("dependentSchemas").values()
            found += [Node(self.document, [[self.document.part(schema, part.resolver)]]) for schema in schemas]
        return [node for node in found if not node.identities & self.identities]

    @cached_property
    def required(self) -> frozenset[str]:
        """Keys that must stand there."""
        needed = [frozenset(key for part in way for key in part.schema.get("required") or ()) for way in self.ways]
        return frozenset.intersection(*needed) if needed else frozenset()

    @cached_property
    def free_keys(self) -> bool:
        """Whether the schema says that there may be keys that it does not name."""
        said = [(key, part.schema.get(key)) for way in self.ways for part in way for key in _FREE]
        return any(value is True or (isinstance(value, dict) and (value or key in _OTHERS)) for key, value in said)

    def under(self, key: str) -> "Node":
        """What may stand under a key, named or not."""
        if key in self.properties:
            return self.properties[key]
        if key not in self._known:
            if len(self._known) >= _MOST_KEYS:
                self._known.clear()
            self._known[key] = self._unnamed(key)
        return self._known[key]

    @cached_property
    def _known(self) -> dict[str, "Node"]:
        """Keys without a name that were asked for."""
        return {}

    def _unnamed(self, key: str) -> "Node":
        """What may stand under a key that is not named."""
        return Node(self.document, [self._rest(way, key) for way in self.ways])

    def _rest(self, way: Way, key: str) -> list[Part]:
        found = []
        for part in way:
            matching = [schema for p, schema in part.mapping("patternProperties").items() if _matches(p, key)]
            others = [part.schema[k] for k in _OTHERS if k in part.schema]
            found += [self.document.part(schema, part.resolver) for schema in matching or others]
        return found

    @cached_property
    def items(self) -> "Node":
        """What each item of an array must be, after those that `prefix` names."""
        return Node(self.document, [self._items(way) for way in self.ways if "array" in types(way)])

    def _items(self, way: Way) -> list[Part]:
        found = []
        for part in way:
            key = "additionalItems" if isinstance(part.schema.get("items"), list) else "items"
            found += [self.document.part(part.schema[key], part.resolver)] if key in part.schema else []
        return found

    @cached_property
    def prefix(self) -> tuple["Node", ...]:
        """What the first items of an array must be, one by one."""
        for part in (part for way in self.ways for part in way):
            for key in ("prefixItems", "items"):
                if isinstance(part.schema.get(key), list):
                    parts = [self.document.part(schema, part.resolver) for schema in part.schema[key]]
                    return tuple(Node(self.document, [[one]]) for one in parts)
        return ()

    def keyword(self, name: str) -> Any:
        """The value of a plain keyword such as format, pattern or description; None where it is absent."""
        return next((part.schema[name] for way in self.ways for part in way[::-1] if name in part.schema), None)

    @cached_property
    def low(self) -> float | None:
        """The lower bound of numbers, the lowest of what may be chosen."""
        bounds = [_bound(way, "minimum", "exclusiveMinimum", max) for way in self._numbers]
        return None if None in bounds else min((bound for bound in bounds if bound is not None), default=None)

    @cached_property
    def high(self) -> float | None:
        """The upper bound of numbers, the highest of what may be chosen."""
        bounds = [_bound(way, "maximum", "exclusiveMaximum", min) for way in self._numbers]
        return None if None in bounds else max((bound for bound in bounds if bound is not None), default=None)

    @property
    def _numbers(self) -> list[Way]:
        return [way for way in self.ways if "integer" in types(way)]

    def accepts(self, value: Any) -> bool:
        """Whether one of the ways accepts a value other than null."""
        return any(all(self.document.holds(part, value) for part in way) for way in self.ways)

    def canonical(self, value: Any) -> Any:
        """A value that holds, in the one form in which it is written: keys in the schema's order, 2.0 as 2, listed values as listed."""
        if isinstance(value, str | bool) or value is None:
            return value
        if self.options and (found := [option for option in self.options if same(option, value)]):
            return found[0]
        if isinstance(value, float):
            whole = value.is_integer() and (abs(value) < _EXACT or "number" not in self.types)
            return int(value) if whole else value
        if isinstance(value, list):
            node = self._chosen(value)
            first = [inner.canonical(item) for inner, item in zip(node.prefix, value, strict=False)]
            return first + [node.items.canonical(item) for item in value[len(first) :]]
        return self._chosen(value)._object(value) if isinstance(value, dict) else value

    def _object(self, value: dict[str, Any]) -> dict[str, Any]:
        known = self.properties
        made = {key: node.canonical(value[key]) for key, node in known.items() if key in value}
        return made | {key: self._unnamed(key).canonical(inner) for key, inner in value.items() if key not in known}

    def _chosen(self, value: Any) -> "Node":
        """The first way that accepts a value."""
        for choice in self.choices:
            if all(self.document.holds(part, value) for part in choice.ways[0]):
                return choice
        return self


def root(schema: Any) -> Node:
    """The place of a whole value."""
    document = Document(schema)
    return Node(document, [[document.whole]])


def _identities(way: Way) -> frozenset[int]:
    return frozenset(id(part.schema) for part in way if not part.is_anything)


def _listed(way: Way) -> list[Any] | None:
    """The values that all schemas of a way list; None where none lists any."""
    listed = [part.listed for part in way if part.listed is not None]
    if not listed:
        return None
    return [
        option for option in listed[0] or () if all(any(same(option, o) for o in rest or ()) for rest in listed[1:])
    ]


def _takes_null(way: Way) -> bool:
    options = _listed(way)
    return options is None or None in options


def _types(way: Way) -> frozenset[str]:
    """The JSON types for which a way may hold, listed values looked at."""
    options = _listed(way)
    return types(way) if options is None else types(way) & frozenset(kind for one in options for kind in _types_of(one))


def _types_of(value: Any) -> frozenset[str]:
    """The JSON types that a value has."""
    if is_finite(value):
        return frozenset(("integer", "number") if float(value).is_integer() else ("number",))
    kinds = {bool: "boolean", str: "string", list: "array", dict: "object", int: "integer"}
    return frozenset((kinds.get(type(value), "null"),))


def _bound(way: Way, plain: str, exclusive: str, tightest: Any) -> float | None:
    """The tightest bound of a way, inclusive or exclusive."""
    found = [part.schema[key] for part in way for key in (plain, exclusive) if is_finite(part.schema.get(key))]
    return float(tightest(found)) if found else None


def _matches(pattern: str, key: str) -> bool:
    """Whether a key is one of a pattern's; a pattern that Python cannot read matches none."""
    try:
        return re.search(pattern, key) is not None
    except re.error:
        return False


ANYTHING = root({})
