"""Translate a JSON Schema into the grammar of its JSON texts, formatted like json.dumps, with keys in the schema's order.

Keywords that a grammar cannot enforce (uniqueItems, not, a pattern with look-around) are left out and named in `Grammar.relaxed`.
Answers are still validated against the whole schema.
"""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from plateau.data.schema import Document, Part, disjoint, types
from plateau.lm import regular
from plateau.lm.formats import FORMATS
from plateau.lm.grammar import Alt, Grammar, Many, Node, Number, Ref, Seq, String, Text, Words
from plateau.lm.language import Language
from plateau.lm.regular import Regex, UnsupportedError

INTEGER = "(0|-?[1-9][0-9]{0,17})"
DECIMAL = r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?(e[+-][0-9]{2})?"
# Keywords that a grammar cannot enforce, with the type of value that each restricts; None for all types.
_BEYOND = {
    **dict.fromkeys(("not", "if"), None),
    **dict.fromkeys(("uniqueItems", "contains", "unevaluatedItems"), "array"),
    **dict.fromkeys(("dependentRequired", "dependentSchemas", "dependencies"), "object"),
}
_ASSERTED = ("regex", "uri-template")  # formats that validators check but that have no regular expression here
_NOTHING = Alt(())
Parts = tuple[Part, ...]


def shape(schema: Any) -> Grammar:
    """The grammar for the JSON texts of a schema's values."""
    return _Shaper(schema).grammar


def relaxed(schema: Any) -> list[str]:
    """The keywords of a schema that decoding cannot enforce."""
    try:
        return shape(schema).relaxed
    except ValueError as error:
        return [str(error)]


@lru_cache(maxsize=256)
def expressions(pattern: str) -> tuple[tuple[Regex, ...], tuple[Regex, ...]]:
    """The automata that a text must match, and those that it must not match; raises UnsupportedError."""
    wanted, unwanted = regular.parts(pattern)
    return tuple(wanted), tuple(unwanted)


def expression(pattern: str) -> Regex:
    """The single automaton of a regular expression; raises UnsupportedError if it takes several."""
    wanted, unwanted = expressions(pattern)
    if len(wanted) > 1 or unwanted:
        raise UnsupportedError("look-ahead")
    return wanted[0]


class _Shaper:
    """Builds the grammar: one rule per set of schemas that apply to the same value."""

    def __init__(self, schema: Any) -> None:
        self._document = Document(schema)
        self._names: dict[frozenset[int], str] = {}
        self.grammar = Grammar()
        self.grammar.start = self._value((self._document.whole,))
        self.grammar.relaxed = list(dict.fromkeys(self.grammar.relaxed))

    def _relax(self, what: str) -> None:
        self.grammar.relaxed.append(what)

    def _value(self, parts: Iterable[Part]) -> Node:
        """The node of a value that satisfies all of `parts`."""
        parts = tuple(parts)
        key = frozenset(id(part.schema) for part in parts)
        if key not in self._names:
            name = self._names[key] = f"value{len(self._names)}"
            options, exclusive = self._document.alternatives(parts)
            if exclusive and not all(disjoint(*pair) for pair in exclusive):
                self._relax("oneOf")
            self.grammar.rules[name] = Alt(tuple(node for option in options for node in self._plain(option)))
        return Ref(self._names[key])

    def _plain(self, parts: Parts) -> Iterator[Node]:
        """The nodes, one per type of value, of values that satisfy `parts`, schemas without alternatives."""
        kinds = types(parts)
        listed = [part.listed for part in parts if part.listed is not None]
        for keyword, kind in _BEYOND.items():
            if (kind is None or kind in kinds) and any(part.schema.get(keyword, False) is not False for part in parts):
                self._relax(keyword)
        if listed:
            fitting = [value for value in listed[0] if all(self._document.holds(part, value) for part in parts)]
            words = dict.fromkeys(json.dumps(value, ensure_ascii=False).encode() for value in fitting)
            yield Words(tuple(words)) if words else _NOTHING
            return
        if "null" in kinds:
            yield Text(b"null")
        if "boolean" in kinds:
            yield Words((b"true", b"false"))
        if "integer" in kinds:
            yield self._number(parts, whole="number" not in kinds)
        if "string" in kinds:
            yield self._string(parts)
        if "array" in kinds:
            yield self._array(parts)
        if "object" in kinds:
            yield self._object(parts)

    def _number(self, parts: Parts, whole: bool) -> Node:
        bounds = {
            **_tightest(parts, "minimum", max),
            **_tightest(parts, "exclusiveMinimum", max),
            **_tightest(parts, "maximum", min),
            **_tightest(parts, "exclusiveMaximum", min),
        }
        steps = {part.schema["multipleOf"] for part in parts if "multipleOf" in part.schema}
        if len(steps) > 1 and all(float(step).is_integer() for step in steps):
            steps = {math.lcm(*map(int, steps))}
        if len(steps) > 1:
            self._relax("multipleOf")
        if not bounds and len(steps) != 1:
            return Number("", INTEGER if whole else DECIMAL)
        kind = {"type": "integer" if whole else "number"}
        return Number(json.dumps(kind | bounds | ({"multipleOf": steps.pop()} if len(steps) == 1 else {})))

    def _string(self, parts: Parts) -> Node:
        wanted = []
        for part in parts:
            named = part.schema.get("format")
            if named in _ASSERTED:
                self._relax(f"format {named}")
            wanted += [found for found in (FORMATS.get(str(named)), part.schema.get("pattern")) if found is not None]
        least = max((part.schema.get("minLength", 0) for part in parts), default=0)
        most = min((part.schema["maxLength"] for part in parts if "maxLength" in part.schema), default=None)
        if most is not None and least > most:
            return _NOTHING
        must, never = self._expressions(wanted)
        return String(Language(must, never, int(least), None if most is None else int(most)))

    def _expressions(self, patterns: Iterable[str]) -> tuple[list[Regex], list[Regex]]:
        """The automata that texts must and must not match; a pattern without an automaton is left out and named in `relaxed`."""
        wanted: list[Regex] = []
        unwanted: list[Regex] = []
        for pattern in dict.fromkeys(patterns):
            try:
                must, never = expressions(pattern)
            except UnsupportedError as error:
                self._relax(f"pattern {pattern} ({error})")
            else:
                wanted += must
                unwanted += never
        return wanted, unwanted

    def _array(self, parts: Parts) -> Node:
        least = int(max((part.schema.get("minItems", 0) for part in parts), default=0))
        most = min((int(part.schema["maxItems"]) for part in parts if "maxItems" in part.schema), default=None)
        count = max((len(_prefix(part)) for part in parts), default=0)
        if most is not None and least > most:
            return _NOTHING
        rest: Node = Many(
            self._value(inner for part in parts for inner in self._item(part, count)),
            max(0, least - count),
            None if most is None else max(0, most - count),
            first=count == 0,
        )
        for number in reversed(range(count if most is None else min(count, most))):
            item = self._value(inner for part in parts for inner in self._item(part, number))
            more = Seq((*((Text(b", "),) if number else ()), item, rest))
            rest = more if number < least else Alt((Seq(()), more))
        return Seq((Text(b"["), rest, Text(b"]")))

    def _object(self, parts: Parts) -> Node:
        known = dict.fromkeys(key for part in parts for key in part.mapping("properties"))
        required = dict.fromkeys(key for part in parts for key in part.schema.get("required", ()))
        keys = {key: self._under(parts, key) for key in (*known, *required)}
        free = self._free_pairs(parts, tuple(keys))
        self._counts(parts, len(keys), len(required), bool(free))
        tails = {first: self._tail(free, first) for first in (True, False)}
        for key, node in reversed(keys.items()):
            name = json.dumps(key, ensure_ascii=False)
            shown = {
                first: Seq((Text(f"{'' if first else ', '}{name}: ".encode()), node, tails[False]))
                for first in (True, False)
            }
            tails = {
                first: self._rule(shown[first] if key in required else Alt((tails[first], shown[first])))
                for first in (True, False)
            }
        return Seq((Text(b"{"), tails[True]))

    def _rule(self, node: Node) -> Node:
        """Give a node a name, because it occurs in more than one place."""
        name = f"rule{len(self.grammar.rules)}"
        self.grammar.rules[name] = node
        return Ref(name)

    def _tail(self, free: Sequence[Node], first: bool) -> Node:
        """The end of an object, after its unnamed keys."""
        return Seq((Many(Alt(tuple(free)), first=first), Text(b"}"))) if free else Text(b"}")

    def _under(self, parts: Parts, key: str) -> Node:
        """The node of a named key's value."""
        return self._value(inner for part in parts for inner in self._named(part, key))

    def _named(self, part: Part, key: str) -> list[Part]:
        """The schemas that one part applies to a key that some part names."""
        patterns = part.mapping("patternProperties")
        found = [part.mapping("properties")[key]] if key in part.mapping("properties") else []
        found += [inner for pattern, inner in patterns.items() if _matches(pattern, key)]
        return self._parts(part, found or self._rest(part))

    def _unnamed(self, part: Part, pattern: str | None) -> list[Part]:
        """The schemas that one part applies to an unnamed key that matches `pattern`, or no pattern if it is None."""
        patterns = part.mapping("patternProperties")
        return self._parts(
            part, [patterns[pattern]] if pattern is not None and pattern in patterns else self._rest(part)
        )

    def _rest(self, part: Part) -> list[Any]:
        return [part.schema["additionalProperties"]] if "additionalProperties" in part.schema else []

    def _item(self, part: Part, number: int) -> list[Part]:
        """The schemas that one part applies to an array item."""
        prefix = _prefix(part)
        if number < len(prefix):
            return self._parts(part, [prefix[number]])
        key = "additionalItems" if isinstance(part.schema.get("items"), list) else "items"
        return self._parts(part, [part.schema[key]] if key in part.schema else [])

    def _parts(self, part: Part, inner: Iterable[Any]) -> list[Part]:
        return [self._document.part(schema, part.resolver) for schema in inner]

    def _free_pairs(self, parts: Parts, known: Sequence[str]) -> list[Node]:
        """The nodes of unnamed entries: keys that match exactly one pattern of patternProperties, and keys that match none."""
        if any(part.schema.get("unevaluatedProperties") is False for part in parts):
            return []
        patterns = dict.fromkeys(pattern for part in parts for pattern in part.mapping("patternProperties"))
        readable = {}
        for pattern in patterns:
            try:
                readable[pattern] = expression(pattern)
            except UnsupportedError as error:
                self._relax(f"patternProperties {pattern} ({error})")
        names = [expression(f"^(?:{'|'.join(map(_escaped, known))})$")] if known else []
        if any("propertyNames" in part.schema for part in parts):
            self._relax("propertyNames")
        pairs: list[Node] = []
        for own in (*readable, None):
            values = [inner for part in parts for inner in self._unnamed(part, own)]
            if any(inner.listed == [] for inner in values):
                continue
            others = [found for pattern, found in readable.items() if pattern != own]
            language = Language([] if own is None else [readable[own]], [*others, *names])
            pairs.append(Seq((String(language), Text(b": "), self._value(values))))
        return pairs

    def _counts(self, parts: Parts, known: int, required: int, free: bool) -> None:
        """Name minProperties and maxProperties in `relaxed`, unless the grammar satisfies them anyway."""
        if any(part.schema.get("minProperties", 0) > required for part in parts):
            self._relax("minProperties")
        if any(free or known > part.schema["maxProperties"] for part in parts if "maxProperties" in part.schema):
            self._relax("maxProperties")


def _prefix(part: Part) -> Sequence[Any]:
    """The schemas of an array's first items, one by one."""
    first = part.schema.get("items") if isinstance(part.schema.get("items"), list) else part.schema.get("prefixItems")
    return first or ()


def _matches(pattern: str, key: str) -> bool:
    """Whether a pattern matches a key; False for a pattern without an automaton."""
    try:
        language = Language(*expressions(pattern))
    except UnsupportedError:
        return False
    state = language.start
    for character in key:
        state = language.step(state, ord(character))
        if state is None:
            return False
    return language.accepts(state)


def _tightest(parts: Parts, keyword: str, choose: Any) -> dict[str, float]:
    """The tightest bound over several schemas. A boolean exclusive bound, as in draft 4, makes the plain bound exclusive."""
    found = []
    for part in parts:
        value = part.schema.get(keyword)
        if value is True:
            value = part.schema.get({"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}[keyword])
        if isinstance(value, int | float) and not isinstance(value, bool):
            found.append(value)
    return {keyword: choose(found)} if found else {}


def _escaped(text: str) -> str:
    """A regular expression that matches exactly one text."""
    return "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08x}" for c in text)
