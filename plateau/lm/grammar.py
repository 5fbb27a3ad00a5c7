"""The grammar of a schema's JSON texts as a tree of nodes. llguidance gets it in its Lark dialect; `completion` walks the nodes.

A node is a fixed text, a choice of texts, a string, a number, or a combination of nodes. `Grammar` gives names to recursive nodes.
"""

import json
import re._constants as ops  # type: ignore[import-not-found]
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from plateau.lm.language import Language
from plateau.lm.regular import ANY, Ranges, Regex, characters, without

INFINITE = float("inf")
_BARE: Ranges = ((0x20, 0x21), (0x23, 0x5B), (0x5D, 0xD7FF), (0xE000, 0x10FFFF))


@dataclass(frozen=True, eq=False)
class Text:
    """Fixed text."""

    data: bytes


@dataclass(frozen=True, eq=False)
class Words:
    """One of several fixed texts, in UTF-8."""

    words: tuple[bytes, ...]


@dataclass(frozen=True, eq=False)
class String:
    """A JSON string whose content belongs to a language."""

    language: Language


@dataclass(frozen=True, eq=False)
class Number:
    """A JSON number: of a schema that llguidance compiles itself or, if given, of a pattern."""

    schema: str
    pattern: str | None = None


@dataclass(frozen=True, eq=False)
class Ref:
    """A reference to a node by its name."""

    name: str


@dataclass(frozen=True, eq=False)
class Seq:
    """One node after the other."""

    parts: "tuple[Node, ...]"


@dataclass(frozen=True, eq=False)
class Alt:
    """One of several nodes."""

    options: "tuple[Node, ...]"


@dataclass(frozen=True, eq=False)
class Many:
    """A node repeated `least` to `most` times, separated by a comma and a space."""

    item: "Node"
    least: int = 0
    most: int | None = None
    first: bool = True

    @cached_property
    def rest(self) -> "Many":
        """The node that follows the first item."""
        return Many(self.item, max(0, self.least - 1), None if self.most is None else self.most - 1, first=False)

    @cached_property
    def options(self) -> "tuple[Node, ...]":
        """The options: nothing, or an item and the rest, or both of these."""
        more = Seq(((self.item if self.first else Seq((SEPARATOR, self.item))), self.rest))
        return (*((Seq(()),) if self.least == 0 else ()), *((more,) if self.most != 0 else ()))


Node = Text | Words | String | Number | Ref | Seq | Alt | Many
SEPARATOR = Text(b", ")


@dataclass
class Grammar:
    """The named nodes; `start` is the node of the whole text."""

    start: Node = field(default_factory=lambda: Ref("start"))
    rules: dict[str, Node] = field(default_factory=dict)
    relaxed: list[str] = field(default_factory=list)

    def lark(self, possible: Callable[[Node], bool]) -> str:
        """The grammar in llguidance's Lark dialect, without the nodes that are not `possible` (have no finite text)."""
        return _Lark(self, possible).text()

    def nodes(self) -> Iterator[Node]:
        """All nodes. Children come before parents, except in cycles."""
        seen: set[int] = set()
        for node in (*self.rules.values(), self.start):
            yield from _below(node, seen)


def _below(node: Node, seen: set[int]) -> Iterator[Node]:
    if id(node) in seen:
        return
    seen.add(id(node))
    inner = node.parts if isinstance(node, Seq) else node.options if isinstance(node, Alt) else ()
    for child in (node.item,) if isinstance(node, Many) else inner:
        yield from _below(child, seen)
    yield node


def written(character: str) -> str:
    """A character as json.dumps writes it inside a string."""
    return json.dumps(character, ensure_ascii=False)[1:-1]


class _Lark:
    """Writes a grammar in llguidance's dialect of Lark."""

    def __init__(self, grammar: Grammar, possible: Callable[[Node], bool]) -> None:
        self._grammar, self._possible = grammar, possible
        self._names = {name: f"r{number}" for number, name in enumerate(grammar.rules)}
        self._extra: dict[str, str] = {}  # names of terminals and rules, by their bodies

    def text(self) -> str:
        lines = [f"start: {self._node(self._grammar.start)}"]
        for name, node in self._grammar.rules.items():
            if self._possible(node):
                lines.append(f"{self._names[name]}: {self._node(node)}")
        return "\n".join([*lines, *(f"{name}: {says}" for says, name in self._extra.items())])

    def _named(self, says: str, kind: str) -> str:
        return self._extra.setdefault(says, f"{kind}{len(self._extra)}")

    def _node(self, node: Node) -> str:
        """The Lark expression of a node."""
        if isinstance(node, Text):
            return _literal(node.data)
        if isinstance(node, Words):
            return f"({' | '.join(map(_literal, node.words))})"
        if isinstance(node, String):
            return self._named(_string(node.language), "T")
        if isinstance(node, Number):
            return self._named(f"/{node.pattern}/", "T") if node.pattern else self._named(f"%json {node.schema}", "n")
        if isinstance(node, Ref):
            return self._names[node.name]
        if isinstance(node, Seq):
            return " ".join(self._node(part) for part in node.parts) or '""'
        if isinstance(node, Alt):
            return f"({' | '.join(self._node(option) for option in node.options if self._possible(option))})"
        return self._many(node)

    def _many(self, node: Many) -> str:
        if not self._possible(node.item):
            return '""'
        item = self._named(self._node(node.item), "i")
        if not node.first:
            return _repeated(f'(", " {item})', node.least, node.most)
        if node.most == 0:
            return '""'
        more = _repeated(f'(", " {item})', max(0, node.least - 1), None if node.most is None else node.most - 1)
        return f"({item} {more})" if node.least else f"({item} {more})?"


def _repeated(item: str, least: int, most: int | None) -> str:
    return '""' if most == 0 else item + _times(least, most)


def _literal(text: bytes) -> str:
    """A Lark literal for fixed text; control characters are escaped, for Lark does not read them raw."""
    controls = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}
    return json.dumps(text.decode(), ensure_ascii=False).translate(controls)


def _times(least: int, most: int | None) -> str:
    return f"{{{least},{'' if most is None else most}}}"


def _string(language: Language) -> str:
    """The Lark terminal for JSON strings of a language, quotes included."""
    length = _times(language.least, language.most)
    parts = [f"/{_quoted(expression)}/" for expression in language.wanted]
    if not parts or length != "{0,}":
        parts.append(f'/"{_class(ANY)}{length}"/')
    parts += [f"~/{_quoted(expression)}/" for expression in language.unwanted]
    return " & ".join(parts)


def _quoted(expression: Regex) -> str:
    return f'"{_sequence(expression.tree)}"'


def _sequence(items: Sequence[Any]) -> str:
    return "".join(_item(op, value) for op, value in items)


def _item(op: Any, value: Any) -> str:
    """Translate an item of a regular expression into one over JSON text."""
    single = characters(op, value)
    if single is not None:
        return _class(single)
    if op is ops.BRANCH:
        return f"({'|'.join(map(_sequence, value[1]))})"
    if op is ops.SUBPATTERN:
        return f"({_sequence(value[3])})"
    least, most, inner = value
    return f"({_sequence(inner)}){_times(least, None if most is ops.MAXREPEAT else int(most))}"


def _class(ranges: Ranges) -> str:
    """A regular expression for one character of a set, as escaped in JSON text."""
    bare = "".join(f"{_code(low)}-{_code(high)}" for low, high in _within(ranges, _BARE))
    options = [f"[{bare}]"] if bare else []
    for low, high in _within(ranges, ((0, 0x1F), (34, 34), (92, 92))):
        options += [_escape(code) for code in range(low, high + 1)]
    return f"({'|'.join(options)})" if options else "[^\\x{0}-\\x{10FFFF}]"


def _escape(code: int) -> str:
    return "".join(map(_code, map(ord, written(chr(code)))))


def _within(ranges: Ranges, allowed: Ranges) -> Ranges:
    return without(allowed, without(((0, 0x10FFFF),), ranges))


def _code(code: int) -> str:
    return chr(code) if chr(code).isascii() and chr(code).isalnum() else f"\\x{{{code:X}}}"
