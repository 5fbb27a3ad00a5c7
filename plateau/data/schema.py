"""The one reader of JSON Schema: references followed, parts that hold together merged, null opened.

No other module names a keyword that joins schemas. A schema is read by the draft that its `$schema` names, else 2020-12.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

import jsonschema_rs
import referencing.jsonschema
from referencing import Registry
from referencing.exceptions import Unresolvable

from plateau.core.numbers import is_finite

ANY = frozenset(("null", "boolean", "integer", "number", "string", "array", "object"))
_NULL = frozenset(("null",))
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
CHOICES = ("anyOf", "oneOf")  # keywords of which one alternative must hold
_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS = ("allOf", *CHOICES, "prefixItems", "items")
_SINGLES = (
    *("items", "additionalItems", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
_ANYTHING: Mapping[str, Any] = {}
_NOTHING: Mapping[str, Any] = {"enum": []}
_DEEPEST = 8  # levels of nesting at which optional parts are looked for
_EXACT = 2**53  # below it a float that is whole is one integer
_MOST_CHOICES = 64  # of schemas whose several choices are multiplied


class _Part(NamedTuple):
    """A schema as it stands in its document, and what follows its references."""

    schema: Mapping[str, Any]
    resolver: Any


class Document:
    """A whole JSON Schema: it follows references and says which of its parts hold for a value."""

    def __init__(self, contents: Any) -> None:
        self.contents = contents
        named = contents.get("$schema") if isinstance(contents, Mapping) else None
        self._draft = referencing.jsonschema.specification_with(named or "", default=referencing.jsonschema.DRAFT202012)
        resource = self._draft.create_resource(contents)
        self._resolver = Registry().resolver_with_root(resource)

    @property
    def root(self) -> "Node":
        """The schema of a whole value."""
        return Node(self, [self.part(self.contents, self._resolver)])

    def part(self, schema: Any, resolver: Any) -> _Part:
        """A schema that stands where `resolver` belongs to; true and false are schemas too."""
        if not isinstance(schema, Mapping):
            return _Part(_NOTHING if schema is False else _ANYTHING, resolver)
        if "$id" in schema and schema is not self.contents:
            resolver = resolver.in_subresource(self._draft.create_resource(schema))
        return _Part(schema, resolver)

    def followed(self, part: _Part, reference: Any) -> _Part:
        """What a reference of a part points to; a schema of anything where it leads nowhere."""
        try:
            found = part.resolver.lookup(str(reference))
        except (Unresolvable, ValueError):
            return _Part(_ANYTHING, part.resolver)
        return self.part(found.contents, found.resolver)

    def holds(self, part: _Part, value: Any) -> bool:
        """Whether a part of the document accepts a value; true for a part that has no validator of its own."""
        found = self._validators.get(self._pointers.get(id(part.schema), ""))
        return found is None or bool(found.is_valid(value))

    @cached_property
    def _validators(self) -> Any:
        return jsonschema_rs.validator_map_for(self.contents, offline=True)

    @cached_property
    def _pointers(self) -> dict[int, str]:
        """Where each object of the document stands, as a JSON pointer, by its identity."""
        found: dict[int, str] = {}
        waiting = [("#", self.contents)]
        while waiting:
            pointer, value = waiting.pop()
            if isinstance(value, Mapping):
                found.setdefault(id(value), pointer)
                waiting += [(f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", v) for key, v in value.items()]
            elif isinstance(value, list):
                waiting += [(f"{pointer}/{number}", v) for number, v in enumerate(value)]
        return found


class Node:
    """One place of a schema: what all the schemas that hold there say together.

    `groups` are its choices, one alternative of each of which must hold. An alternative that is null, or cannot hold beside the rest,
    is no alternative; the last one left is merged into the node.
    """

    def __init__(self, document: Document, parts: Sequence[_Part], groups: Sequence[Sequence["Node"]] = ()) -> None:
        self._set(document, parts, groups, frozenset())

    @classmethod
    def _inside(cls, document: Document, part: _Part, within: frozenset[int]) -> "Node":
        """A part of schemas that hold at the same place; where it leads back to one of these, it adds nothing."""
        node = cls.__new__(cls)
        node._set(document, [part], (), within)
        return node

    @classmethod
    def _made(cls, document: Document, flat: Sequence[_Part], groups: Sequence[tuple["Node", ...]]) -> "Node":
        """Of parts whose references and choices were followed before."""
        node = cls(document, ())
        node.flat, node.groups, node._given = list(flat), list(groups), tuple(flat)
        node._null = all(_takes_null(part.schema) for part in flat)
        node._null &= all(any(choice.nullable for choice in group) for group in groups)
        return node

    def _set(
        self, document: Document, parts: Sequence[_Part], groups: Sequence[Sequence["Node"]], within: frozenset[int]
    ) -> None:
        self.document = document
        self._given, self._given_groups = tuple(parts), tuple(groups)
        self.flat: list[_Part] = []
        self.groups: list[tuple[Node, ...]] = []
        seen: set[int] = set()
        ends = [self._flatten(part, seen, within) for part in parts]
        self.circular = not all(ends)
        self._null = all(_takes_null(part.schema) for part in self.flat)
        within = within | self.identities
        for part in list(self.flat):
            for key in CHOICES:
                if isinstance(part.schema.get(key), list):
                    choices = [document.part(choice, part.resolver) for choice in part.schema[key]]
                    self._choose([Node._inside(document, choice, within) for choice in choices])
        for group in groups:
            self._choose(group)

    def _flatten(self, part: _Part, seen: set[int], within: frozenset[int]) -> bool:
        """Add a part and all that holds with it, in the order in which they are written; false where that leads back `within`."""
        if id(part.schema) in within:
            return False
        if id(part.schema) in seen and part.schema is not _ANYTHING:
            return True
        seen.add(id(part.schema))
        open_ends, placed = True, False
        for key, value in part.schema.items():
            if key == "properties":
                self.flat.append(part)
                placed = True
            for inner in self._beside(part, key, value):
                open_ends = self._flatten(inner, seen, within) and open_ends
        if not placed:
            self.flat.append(part)
        return open_ends

    def _beside(self, part: _Part, key: str, value: Any) -> list[_Part]:
        """What else must hold by one keyword of a part."""
        if key in _REFERENCES:
            return [self.document.followed(part, value)]
        whole = value if key == "allOf" and isinstance(value, list) else ()
        return [self.document.part(inner, part.resolver) for inner in whole]

    def _choose(self, alternatives: Sequence["Node"]) -> None:
        """Add a choice."""
        self._null = self._null and any(choice.nullable for choice in alternatives)
        own = frozenset.intersection(ANY, *(_types(part.schema) for part in self.flat))
        kept = tuple(choice for choice in alternatives if not choice.circular and (choice.types & own) - _NULL)
        if len(kept) == 1:
            self.flat += kept[0].flat
            self.groups += kept[0].groups
        elif kept:
            self.groups.append(kept)

    @property
    def nullable(self) -> bool:
        """Whether null holds."""
        return self._null

    @property
    def identities(self) -> frozenset[int]:
        """By these a schema that refers to itself is known again."""
        return frozenset(id(part.schema) for part in self.flat if part.schema is not _ANYTHING)

    @cached_property
    def types(self) -> frozenset[str]:
        """The JSON types that may hold, null among them; a number may always be an integer."""
        found = frozenset.intersection(ANY, *(_types(part.schema) for part in self.flat))
        for group in self.groups:
            found &= frozenset().union(*(choice.types for choice in group)) | _NULL
        if self.options is not None:
            found &= frozenset(kind for option in self.options for kind in _types_of(option))
        return found | _NULL if self.nullable else found - _NULL

    @cached_property
    def options(self) -> tuple[Any, ...] | None:
        """The values of enum, const, or choices of these alone; None where values are not listed."""
        listed = [found for part in self.flat if (found := _options(part.schema)) is not None]
        listed += [
            [option for choice in group for option in choice.options or ()]
            for group in self.groups
            if all(choice.options is not None for choice in group)
        ]
        if not listed:
            return None
        return tuple(option for option in listed[0] if all(any(same(option, o) for o in rest) for rest in listed[1:]))

    @cached_property
    def choices(self) -> tuple["Node", ...]:
        """Alternatives of which one must hold; none where there is no choice."""
        if len(self.groups) < 2 or len(all_of := list(product(*self.groups))) > _MOST_CHOICES:
            return self.groups[0] if self.groups else ()
        return tuple(self._joined(chosen) for chosen in all_of)

    def _joined(self, chosen: Sequence["Node"], own: Sequence[_Part] = ()) -> "Node":
        """What holds where alternatives are chosen."""
        parts = [*own, *(part for choice in chosen for part in choice.flat)]
        return Node._made(self.document, parts, [group for choice in chosen for group in choice.groups])

    @cached_property
    def properties(self) -> dict[str, "Node"]:
        """What may stand under each key, in the order in which they are written, those of choices and conditions too."""
        own: dict[str, list[_Part]] = {}
        for part in self.flat:
            for key, schema in _mapping(part.schema, "properties").items():
                own.setdefault(key, []).append(self.document.part(schema, part.resolver))
        groups: dict[str, list[list[Node]]] = {}
        for group in self.groups:
            for key in dict.fromkeys(key for choice in group for key in choice.properties):
                holders = [choice.properties[key] for choice in group if key in choice.properties]
                if key not in own or len(holders) == len(group):
                    groups.setdefault(key, []).append(holders)
        for key, node in self._conditional():
            if key not in own:
                groups.setdefault(key, [[]])[0].append(node)
        found = {key: Node(self.document, own.get(key, ()), groups.get(key, ())) for key in (*own, *groups)}
        return {key: node for key, node in found.items() if node.types}

    def _conditional(self) -> Iterator[tuple[str, "Node"]]:
        """Properties that are allowed under a condition."""
        for part in self.flat:
            schemas = [part.schema[key] for key in ("then", "else") if key in part.schema]
            for schema in (*schemas, *_mapping(part.schema, "dependentSchemas").values()):
                found = Node._inside(self.document, self.document.part(schema, part.resolver), self.identities)
                yield from found.properties.items()

    @cached_property
    def required(self) -> frozenset[str]:
        """Keys that must stand there."""
        own = frozenset(key for part in self.flat for key in part.schema.get("required") or ())
        return own.union(*(frozenset.intersection(*(choice.required for choice in group)) for group in self.groups))

    @cached_property
    def free_keys(self) -> bool:
        """Whether a schema is given for keys that are not named."""
        return any(
            isinstance(part.schema.get(key), Mapping) and part.schema[key]
            for part in self.flat
            for key in ("additionalProperties", "patternProperties", "unevaluatedProperties")
        )

    def under(self, key: str) -> "Node":
        """What may stand under a key, named or not."""
        return self.properties.get(key) or self._unnamed(key)

    def _unnamed(self, key: str) -> "Node":
        parts = []
        for part in self.flat:
            matching = [schema for p, schema in _mapping(part.schema, "patternProperties").items() if _matches(p, key)]
            rest = [part.schema[k] for k in ("additionalProperties", "unevaluatedProperties") if k in part.schema]
            parts += [self.document.part(schema, part.resolver) for schema in matching or rest]
        return Node(self.document, parts)

    @cached_property
    def items(self) -> "Node":
        """What each item of an array must be, after those that `prefix` names."""
        found = []
        for part in self.flat:
            key = "additionalItems" if isinstance(part.schema.get("items"), list) else "items"
            found += [self.document.part(part.schema[key], part.resolver)] if key in part.schema else []
        return Node(self.document, found)

    @cached_property
    def prefix(self) -> tuple["Node", ...]:
        """What the first items of an array must be, one by one."""
        for part in self.flat:
            for key in ("prefixItems", "items"):
                if isinstance(part.schema.get(key), list):
                    parts = [self.document.part(schema, part.resolver) for schema in part.schema[key]]
                    return tuple(Node(self.document, [one]) for one in parts)
        return ()

    def keyword(self, name: str) -> Any:
        """The value of a plain keyword such as format, pattern or description; None where it is absent."""
        return next((part.schema[name] for part in (*self._given, *self.flat) if name in part.schema), None)

    @cached_property
    def low(self) -> float | None:
        """The highest lower bound of numbers."""
        return self._bound("minimum", "exclusiveMinimum", max, min)

    @cached_property
    def high(self) -> float | None:
        """The lowest upper bound of numbers."""
        return self._bound("maximum", "exclusiveMaximum", min, max)

    def _bound(self, plain: str, exclusive: str, tightest: Any, widest: Any) -> float | None:
        """A bound of numbers: the tightest that holds, the widest of what may be chosen."""
        found = [v for part in self.flat for k in (plain, exclusive) if is_finite(v := part.schema.get(k))]
        for group in self.groups:
            numbers = [choice for choice in group if "integer" in choice.types]
            bounds = [choice._bound(plain, exclusive, tightest, widest) for choice in numbers]
            found += [widest(bounds)] if bounds and None not in bounds else []
        return float(tightest(found)) if found else None

    def accepts(self, value: Any) -> bool:
        """Whether the schemas of which this node was made accept a value."""
        own = all(self.document.holds(part, value) for part in self._given)
        return own and all(any(choice.accepts(value) for choice in group) for group in self._given_groups)

    def canonical(self, value: Any) -> Any:
        """A value that holds, in the one form in which it is written: keys in the schema's order, 2.0 as 2, listed values as listed."""
        if isinstance(value, str) or value is None or isinstance(value, bool):
            return value
        if self.options is not None and (listed := [option for option in self.options if same(option, value)]):
            return listed[0]
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
        """The node with the first alternative of each choice that accepts a value."""
        if not self.groups:
            return self
        chosen = [next((choice for choice in group if choice.accepts(value)), group[0]) for group in self.groups]
        return self._joined(chosen, self.flat)


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: 1 is 1.0, and true is no 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _takes_null(schema: Mapping[str, Any]) -> bool:
    """Whether a schema, its joined ones left out, lets null be."""
    options = _options(schema)
    return "null" in _types(schema) and (options is None or None in options)


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    """The JSON types that a schema names, or all; where it names numbers, integers too."""
    named = schema.get("type")
    if named is None:
        return ANY
    found = frozenset([named] if isinstance(named, str) else named)
    return found | {"integer"} if "number" in found else found


def _types_of(value: Any) -> frozenset[str]:
    """The JSON types that a value has."""
    if is_finite(value):
        return frozenset(("integer", "number") if float(value).is_integer() else ("number",))
    kinds = {bool: "boolean", str: "string", list: "array", dict: "object"}
    return frozenset((kinds.get(type(value), "null"),))


def _options(schema: Mapping[str, Any]) -> list[Any] | None:
    """The values that a schema lists by itself."""
    if "const" in schema:
        return [schema["const"]]
    return list(schema["enum"]) if "enum" in schema else None


def _mapping(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A mapping of a schema; empty where it is absent."""
    found = schema.get(key)
    return found if isinstance(found, Mapping) else {}


def _matches(pattern: str, key: str) -> bool:
    """Whether a key is one of a pattern's; a pattern that Python cannot read matches none."""
    try:
        return re.search(pattern, key) is not None
    except re.error:
        return False


def optional_parts(schema: Any, depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Subschemas of what may stand in a value or not, as they are written, with the key that each then brings along."""
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return
    properties, required = _mapping(schema, "properties"), schema.get("required", ())
    extra = schema.get("additionalProperties", "properties" in schema or schema.get("type") == "object")
    found = [(key, part) for key, part in properties.items() if key not in required]
    found += [("", part) for part in (schema.get("items"), extra) if isinstance(part, Mapping)]
    yield from ((key, part) for key, part in found[:_MOST_CHOICES] if isinstance(part, Mapping))
    inner = [*properties.values(), schema.get("items"), extra, *_mapping(schema, "$defs").values()]
    for part in (*inner, *(part for key in (*CHOICES, "allOf") for part in schema.get(key, ()))):
        yield from optional_parts(part, depth + 1)


ANYTHING = Document({}).root
