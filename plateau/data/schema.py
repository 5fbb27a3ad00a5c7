"""How the schemas of a JSON Schema are joined: references, parts that must hold together, alternatives.

No other module names a keyword that joins schemas. Here they are multiplied out into ways to satisfy a schema; each way is plain
schemas, of which all must hold. A schema is read by the draft that its `$schema` names, else 2020-12.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations, product
from typing import Any, NamedTuple

import jsonschema_rs
import referencing.jsonschema
from referencing import Registry
from referencing.exceptions import Unresolvable

TYPES = frozenset(("null", "boolean", "integer", "number", "string", "array", "object"))
CHOICES = ("anyOf", "oneOf")  # keywords of which one alternative must hold
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_ANYTHING: Mapping[str, Any] = {}
_NOTHING: Mapping[str, Any] = {"enum": []}
_MOST_WAYS = 4096


class Part(NamedTuple):
    """A schema as it stands in its document, and what follows its references."""

    schema: Mapping[str, Any]
    resolver: Any

    @property
    def types(self) -> frozenset[str]:
        """The JSON types that it names, or all; where it names numbers, integers too."""
        named = self.schema.get("type")
        if named is None:
            return TYPES
        found = frozenset([named] if isinstance(named, str) else named)
        return found | {"integer"} if "number" in found else found

    @property
    def listed(self) -> list[Any] | None:
        """The values that it lists; None where it lists none."""
        if "const" in self.schema:
            return [self.schema["const"]]
        return list(self.schema["enum"]) if "enum" in self.schema else None

    def mapping(self, keyword: str) -> Mapping[str, Any]:
        """What it says by a keyword such as properties, empty where it says nothing."""
        found = self.schema.get(keyword)
        return found if isinstance(found, Mapping) else {}

    @property
    def is_anything(self) -> bool:
        """Whether it is the schema `true`, which stands at no place of its own."""
        return self.schema is _ANYTHING


Way = tuple[Part, ...]


class Alternatives(NamedTuple):
    """The ways, and pairs of them of which not both may hold."""

    ways: list[Way]
    exclusive: list[tuple[Way, Way]]


class Document:
    """A whole JSON Schema: it follows references and says whether its parts hold for a value."""

    def __init__(self, contents: Any) -> None:
        named = contents.get("$schema") if isinstance(contents, Mapping) else None
        self._draft = referencing.jsonschema.specification_with(named or "", default=referencing.jsonschema.DRAFT202012)
        self._contents = contents
        self._resolver = Registry().resolver_with_root(self._draft.create_resource(contents))

    @property
    def whole(self) -> Part:
        """The whole schema."""
        return self.part(self._contents, self._resolver)

    def part(self, schema: Any, resolver: Any) -> Part:
        """A schema that stands where `resolver` belongs to; true and false are schemas too."""
        if not isinstance(schema, Mapping):
            return Part(_NOTHING if schema is False else _ANYTHING, resolver)
        if "$id" in schema and schema is not self._contents:
            resolver = resolver.in_subresource(self._draft.create_resource(schema))
        return Part(schema, resolver)

    def holds(self, part: Part, value: Any) -> bool:
        """Whether a part of the document accepts a value, formats included; true for one that has no place of its own."""
        found = self._validators.get(self._pointers.get(id(part.schema), ""))
        return found is None or bool(found.is_valid(value))

    @cached_property
    def _validators(self) -> Any:
        return jsonschema_rs.validator_map_for(self._contents, offline=True, validate_formats=True)

    @cached_property
    def _pointers(self) -> dict[int, str]:
        """Where each object of the document stands, as a JSON pointer, by its identity."""
        found: dict[int, str] = {}
        waiting = [("#", self._contents)]
        while waiting:
            pointer, value = waiting.pop()
            if isinstance(value, Mapping):
                found.setdefault(id(value), pointer)
                waiting += [(f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", v) for key, v in value.items()]
            elif isinstance(value, list):
                waiting += [(f"{pointer}/{number}", v) for number, v in enumerate(value)]
        return found

    def alternatives(self, parts: Sequence[Part]) -> Alternatives:
        """The ways in which all of some schemas hold; raises ValueError for too many."""
        found = Alternatives([()], [])
        for part in parts:
            found = _both(found, self._spread(part, frozenset()))
        return found

    def _spread(self, part: Part, within: frozenset[int]) -> Alternatives:
        """The ways to satisfy one schema, in the order in which its properties are written; leading back to itself, it adds nothing."""
        if id(part.schema) in within and not part.is_anything:
            return Alternatives([()], [])
        within |= {id(part.schema)}
        found = Alternatives([()], [])
        for inner in self._joined(part):
            found = _both(found, Alternatives([(part,)], []) if inner is part else self._spread(inner, within))
        for key in CHOICES:
            if isinstance(part.schema.get(key), list):
                options = [self._spread(self.part(one, part.resolver), within) for one in part.schema[key]]
                found = _both(found, _either(options, exclusive=key == "oneOf"))
        return found

    def _joined(self, part: Part) -> Iterator[Part]:
        """The part, where its properties are written, among the others that must hold with it, where these are written."""
        for key, value in part.schema.items():
            if key == "properties":
                yield part
            elif key in _REFERENCES:
                yield self._followed(part, value)
            elif key == "allOf":
                yield from (self.part(inner, part.resolver) for inner in value)
        if "properties" not in part.schema:
            yield part

    def _followed(self, part: Part, reference: Any) -> Part:
        """What a reference points to; anything where it leads nowhere, which a validator refuses before."""
        try:
            found = part.resolver.lookup(str(reference))
        except (Unresolvable, ValueError):
            return Part(_ANYTHING, part.resolver)
        return self.part(found.contents, found.resolver)


def _both(one: Alternatives, other: Alternatives) -> Alternatives:
    if len(one.ways) * len(other.ways) > _MOST_WAYS:
        raise ValueError(f"more than {_MOST_WAYS} combinations of alternatives")
    return Alternatives([a + b for a, b in product(one.ways, other.ways)], one.exclusive + other.exclusive)


def _either(options: Sequence[Alternatives], exclusive: bool) -> Alternatives:
    pairs = [pair for option in options for pair in option.exclusive]
    if exclusive:
        pairs += [pair for one, other in combinations(options, 2) for pair in product(one.ways, other.ways)]
    return Alternatives([way for option in options for way in option.ways], pairs)


def types(way: Way) -> frozenset[str]:
    """The JSON types for which all of some schemas may hold."""
    return frozenset.intersection(TYPES, *(part.types for part in way))


def disjoint(one: Way, other: Way) -> bool:
    """Whether plainly no value satisfies both: they differ in type, in what they list, or in what they list for a required key."""
    common = types(one) & types(other)
    if not common:
        return True
    listed = [[part.listed for part in way if part.listed is not None] for way in (one, other)]
    if all(listed):
        return _differ(listed[0][0] or (), listed[1][0] or ())
    return common == {"object"} and any(_differ(*values) for values in _required(one, other))


def _required(one: Way, other: Way) -> list[tuple[list[Any], list[Any]]]:
    """What both list for each key that both require."""
    known: list[dict[str, list[Any]]] = []
    for way in (one, other):
        needed = {key for part in way for key in part.schema.get("required", ())}
        inner = [
            (key, Part(s, None).listed)
            for part in way
            for key, s in part.mapping("properties").items()
            if isinstance(s, Mapping)
        ]
        known.append({key: listed for key, listed in inner if listed is not None and key in needed})
    return [(known[0][key], known[1][key]) for key in known[0].keys() & known[1].keys()]


def _differ(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two lists of values have none in common."""
    return not any(same(a, b) for a, b in product(one, other))


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: 1 is 1.0, and true is no 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
