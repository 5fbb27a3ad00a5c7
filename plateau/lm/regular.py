r"""Regular expressions of JSON Schema as automata: which characters may follow a text.

Patterns are parsed with Python's own parser and interpreted by ECMA 262: classes such as \d are ASCII. What a finite automaton cannot
express (look-around, back-references) raises UnsupportedError.
"""

import re
import re._constants as ops  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import sys
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

Ranges = tuple[tuple[int, int], ...]
State = frozenset[int]
Tree = Any  # an item of re._parser, without anchors

LAST = sys.maxunicode
_SURROGATES = (0xD800, 0xDFFF)
_MOST_STATES = 20_000
ANY: Ranges = ((0, _SURROGATES[0] - 1), (_SURROGATES[1] + 1, LAST))
_ASCII = {
    ops.CATEGORY_DIGIT: ((48, 57),),
    ops.CATEGORY_SPACE: ((9, 13), (32, 32)),
    ops.CATEGORY_WORD: ((48, 57), (65, 90), (95, 95), (97, 122)),
}
# The complement of a class excludes Python's Unicode class too, so that validators of both readings accept the text.
_COMPLEMENTS = {ops.CATEGORY_NOT_DIGIT: r"\D+", ops.CATEGORY_NOT_SPACE: r"\S+", ops.CATEGORY_NOT_WORD: r"\W+"}


class UnsupportedError(ValueError):
    """A regular expression that is invalid, or that no finite automaton can express."""


def union(sets: Iterable[Ranges]) -> Ranges:
    """The union of sets of code point ranges, sorted and disjoint."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(pair for ranges in sets for pair in ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def without(ranges: Ranges, taken: Ranges) -> Ranges:
    """The code points of `ranges` that are not in `taken`, as ranges."""
    left = []
    for low, high in ranges:
        for start, end in taken:
            if end < low or start > high:
                continue
            if start > low:
                left.append((low, start - 1))
            low = end + 1
        if low <= high:
            left.append((low, high))
    return tuple(left)


@lru_cache(maxsize=8)
def _category(category: Any) -> Ranges:
    if category in _ASCII:
        return _ASCII[category]
    every = "".join(chr(code) for low, high in ANY for code in range(low, high + 1))
    found = re.finditer(_COMPLEMENTS[category], every)
    runs = ((ord(match[0][0]), ord(match[0][-1])) for match in found)
    return without(union([runs]), (_SURROGATES,))  # type: ignore[list-item]


def _set(items: Sequence[Any]) -> Ranges:
    """The code points of a character class in brackets."""
    negated = bool(items) and items[0][0] is ops.NEGATE
    found: list[Ranges] = []
    for op, value in items[1:] if negated else items:
        if op is ops.LITERAL:
            found.append(((value, value),))
        elif op is ops.RANGE:
            found.append((value,))
        elif op is ops.CATEGORY and not negated:
            found.append(_category(value))
        elif op is ops.CATEGORY:  # the complement of a class that is itself ASCII only
            found.append(without(ANY, _category(_OPPOSITE[value])))
        else:
            raise UnsupportedError(str(op))
    inside = union(found)
    return without(ANY, inside) if negated else without(inside, (_SURROGATES,))


_OPPOSITE = {
    ops.CATEGORY_DIGIT: ops.CATEGORY_NOT_DIGIT,
    ops.CATEGORY_SPACE: ops.CATEGORY_NOT_SPACE,
    ops.CATEGORY_WORD: ops.CATEGORY_NOT_WORD,
    ops.CATEGORY_NOT_DIGIT: ops.CATEGORY_DIGIT,
    ops.CATEGORY_NOT_SPACE: ops.CATEGORY_SPACE,
    ops.CATEGORY_NOT_WORD: ops.CATEGORY_WORD,
}
_START = (ops.AT, ops.AT_BEGINNING)
_LINE_ENDS: Ranges = ((10, 10), (13, 13), (0x2028, 0x2029))
_ANYTHING = (ops.MAX_REPEAT, (0, ops.MAXREPEAT, [(ops.IN, [(ops.RANGE, pair) for pair in ANY])]))


def characters(op: Any, value: Any) -> Ranges | None:
    """The code points of an item that matches one character; None for any other item."""
    if op is ops.LITERAL:
        return without(((value, value),), (_SURROGATES,))
    if op is ops.NOT_LITERAL:
        return without(ANY, ((value, value),))
    if op is ops.ANY:
        return without(ANY, _LINE_ENDS)
    return _set(value) if op is ops.IN else None


def _parse(pattern: str) -> list[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return list(parser.parse(re.sub(r"\(\?<(?![=!])", "(?P<", pattern)))
    except (re.error, RecursionError, OverflowError, Warning) as error:
        raise UnsupportedError(f"not a regular expression: {error}") from None


def parts(pattern: str) -> tuple[list["Regex"], list["Regex"]]:
    """Replace look-ahead at the start of a pattern: returns expressions that a text must all match, and expressions that it must not.

    Raises UnsupportedError for any other look-around.
    """
    items = _parse(pattern)
    wanted: list[Regex] = []
    unwanted: list[Regex] = []
    if items[:1] == [_START]:
        while len(items) > 1 and items[1][0] in (ops.ASSERT, ops.ASSERT_NOT) and items[1][1][0] == 1:
            op, (_, inside) = items.pop(1)
            (wanted if op is ops.ASSERT else unwanted).append(Regex(_anchored(list(inside), False, True)))
    return [Regex(_anchored(items, True, True)), *wanted], unwanted


def _anchored(items: list[Any], before: bool, after: bool) -> list[Any]:
    """Remove the anchors of a sequence; without an anchor, any text may come `before` or `after`."""
    if items and items[0] == _START:
        items, before = items[1:], False
    if items and items[-1] in ((ops.AT, ops.AT_END), (ops.AT, ops.AT_END_STRING)):
        items, after = items[:-1], False
    if len(items) == 1 and _has_anchor(items):
        return [_opened(items[0], before, after)]
    if items and before and _has_anchor(items[:1]):
        items, before = [_opened(items[0], True, False), *items[1:]], False
    if items and after and _has_anchor(items[-1:]):
        items, after = [*items[:-1], _opened(items[-1], False, True)], False
    return [*([_ANYTHING] if before else []), *items, *([_ANYTHING] if after else [])]


def _opened(item: Any, before: bool, after: bool) -> Any:
    op, value = item
    if op is ops.BRANCH:
        return op, (value[0], [_anchored(list(option), before, after) for option in value[1]])
    if op is ops.SUBPATTERN:
        return op, (*value[:3], _anchored(list(value[3]), before, after))
    raise UnsupportedError("an anchor in the middle")


def _has_anchor(items: Iterable[Any]) -> bool:
    for op, value in items:
        if op is ops.AT:
            return True
        inner = value[1] if op is ops.BRANCH else [value[3]] if op is ops.SUBPATTERN else []
        if any(map(_has_anchor, inner)):
            return True
    return False


class Regex:
    """One regular expression as a nondeterministic automaton over code points, made deterministic while it is used."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._edges: list[list[tuple[Ranges, int]]] = []
        self._free: list[list[int]] = []
        first = self._new()
        self._last = self._sequence(self.tree, first)
        self.start = self._closed({first})
        self._steps: dict[tuple[State, int], State] = {}

    def _new(self) -> int:
        if len(self._edges) > _MOST_STATES:
            raise UnsupportedError("too large")
        self._edges.append([])
        self._free.append([])
        return len(self._edges) - 1

    def _sequence(self, items: Iterable[Any], at: int) -> int:
        for op, value in items:
            at = self._item(op, value, at)
        return at

    def _item(self, op: Any, value: Any, at: int) -> int:
        """Add an item to the automaton from state `at`; returns the state in which the item ends."""
        single = characters(op, value)
        end = self._new()
        if single is not None:
            self._edges[at].append((single, end))
        elif op is ops.BRANCH:
            for option in value[1]:
                self._free[self._sequence(option, at)].append(end)
        elif op is ops.SUBPATTERN:
            if value[1] or value[2]:
                raise UnsupportedError("flags")
            self._free[self._sequence(value[3], at)].append(end)
        elif op in (ops.MAX_REPEAT, ops.MIN_REPEAT):
            self._repeat(value, at, end)
        else:
            raise UnsupportedError(str(op).lower())
        return end

    def _repeat(self, repeat: tuple[int, Any, Sequence[Any]], at: int, end: int) -> None:
        least, most, items = repeat
        for _ in range(least):
            at = self._sequence(items, at)
        if most is ops.MAXREPEAT:
            loop = self._new()
            self._free[at].append(loop)
            self._free[self._sequence(items, loop)].append(loop)
            self._free[loop].append(end)
            return
        self._free[at].append(end)
        for _ in range(most - least):
            at = self._sequence(items, at)
            self._free[at].append(end)

    def _closed(self, states: set[int]) -> State:
        todo = list(states)
        while todo:
            for free in self._free[todo.pop()]:
                if free not in states:
                    states.add(free)
                    todo.append(free)
        return frozenset(states)

    def step(self, state: State, code: int) -> State:
        """The state after one more character; empty if the character is not allowed."""
        key = (state, code)
        if key not in self._steps:
            edges = (edge for one in state for edge in self._edges[one])
            self._steps[key] = self._closed(
                {target for ranges, target in edges if any(low <= code <= high for low, high in ranges)}
            )
        return self._steps[key]

    def accepts(self, state: State) -> bool:
        """Whether the text may end here."""
        return self._last in state

    def borders(self, state: State) -> set[int]:
        """One code point from each set of characters that lead to the same next state."""
        found: set[int] = set()
        for one in state:
            for ranges, _ in self._edges[one]:
                for low, high in ranges:
                    found |= {low, high + 1}
        return found
