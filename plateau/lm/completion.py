"""The shortest completion, in tokens, of an unfinished JSON text, tracked byte by byte.

An unfinished text can have several parses (the alternatives of a choice). Each parse is a `Way`: the leaf that is being written,
the position within the leaf, and a stack of the nodes that must follow, with their shortest length. All states are immutable.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from plateau.lm.grammar import INFINITE, Alt, Grammar, Many, Node, Number, Ref, Seq, String, Text, Words
from plateau.lm.leaves import Numbers, Quoted, character, string_rest

Leaf = Text | Words | String | Number
_MOST_ROUNDS = 200
_NUMERIC = frozenset(b"0123456789+-.eE")


class Stack(NamedTuple):
    """The nodes that must still follow, the next one on top; `cost` is the shortest length of all of them, in tokens."""

    node: Node
    below: "Stack | None"
    cost: float


class Way(NamedTuple):
    """One parse of an unfinished text: the current leaf, the position within the leaf, and the nodes that follow."""

    leaf: Leaf
    state: Any
    stack: Stack | None


@dataclass(frozen=True)
class State:
    """All parses of an unfinished text; `done` says whether the text may end here."""

    ways: tuple[Way, ...]
    done: bool


class Completions:
    """Finds the shortest completion of any unfinished text of a grammar; `tokens` is the tokenizer's encoding of bytes."""

    def __init__(self, grammar: Grammar, tokens: Callable[[bytes], list[int]]) -> None:
        self._rules = grammar.rules
        self._tokens = tokens
        self._lengths: dict[bytes, int] = {}
        self._words: dict[tuple[int, bytes], tuple[float, bytes]] = {}
        self._numbers: dict[int, Numbers] = {}
        self._costs: dict[int, float] = {}
        self._nodes = list(grammar.nodes())
        self._settle()
        self.start = self._opened([self._pushed(grammar.start, None)])

    def possible(self, node: Node) -> bool:
        """Whether a node has a text of finite length."""
        return self._cost(node) < INFINITE

    @cached_property
    def growth(self) -> int:
        """Roughly the most tokens by which one token can lengthen the shortest completion."""
        return 2 * max((int(self._detour(node)) for node in self._nodes), default=0) + 4

    def cost(self, state: State) -> float:
        """Length of the shortest completion in tokens, each node tokenized by itself; infinite if there is none."""
        return min((self._left(way) for way in state.ways), default=INFINITE) if not state.done else 0

    def completion(self, state: State) -> bytes | None:
        """The shortest completion; None if there is none."""
        if state.done:
            return b""
        way = min(state.ways, key=self._left, default=None)
        if way is None or self._left(way) == INFINITE:
            return None
        text, stack = self._suffix(way)[1], way.stack
        while stack is not None:
            text += self._best(stack.node)
            stack = stack.below
        return text

    def read(self, state: State, text: bytes) -> State:
        """The state after reading more text."""
        for byte in text:
            state = self._read(state.ways, byte)
        return state

    def _length(self, text: bytes) -> int:
        if text not in self._lengths:
            self._lengths[text] = len(self._tokens(text))
        return self._lengths[text]

    # The cost of a whole node.

    def _settle(self) -> None:
        """Compute the cost of every node. Nodes can be recursive, so repeat until no cost changes."""
        self._costs = {id(node): INFINITE for node in self._nodes}
        for _ in range(_MOST_ROUNDS):
            before = dict(self._costs)
            for node in self._nodes:
                self._costs[id(node)] = self._fresh(node)
            if self._costs == before:
                break

    def _cost(self, node: Node) -> float:
        found = self._costs.get(id(node))
        return self._fresh(node) if found is None else found

    def _fresh(self, node: Node) -> float:
        if isinstance(node, Ref):
            return self._cost(self._rules[node.name])
        if isinstance(node, Seq):
            return sum(map(self._cost, node.parts))
        if isinstance(node, Alt):
            return min(map(self._cost, node.options), default=INFINITE)
        if isinstance(node, Many):
            return (self._cost(node.item) + 1) * node.least if node.least else 0
        known = self._costs.get(id(node), INFINITE)
        return known if known < INFINITE else self._left(Way(node, self._first(node), None))

    def _detour(self, node: Node) -> float:
        """Cost of a node's dearest option less cost of its cheapest option."""
        costs: list[float] = [0]
        if isinstance(node, Alt):
            costs = [cost for option in node.options if (cost := self._cost(option)) < INFINITE]
        elif isinstance(node, Many):
            costs = [0, self._cost(node.item) + 1] if self.possible(node.item) else [0]
        elif isinstance(node, Words):
            costs = [self._length(word) for word in node.words]
        elif isinstance(node, String):
            costs = [0, node.language.detour()]
        return max(costs, default=0) - min(costs, default=0)

    def _best(self, node: Node) -> bytes:
        """The shortest text of a node."""
        if isinstance(node, Ref):
            return self._best(self._rules[node.name])
        if isinstance(node, Seq):
            return b"".join(map(self._best, node.parts))
        if isinstance(node, Alt):
            return self._best(min(node.options, key=self._cost))
        if isinstance(node, Many):
            separator = b"" if node.first else b", "
            return separator + b", ".join([self._best(node.item)] * node.least) if node.least else b""
        return self._suffix(Way(node, self._first(node), None))[1]

    # Read a text byte by byte.

    def _pushed(self, node: Node, below: Stack | None) -> Stack:
        return Stack(node, below, self._cost(node) + (below.cost if below else 0))

    def _opened(self, stacks: Iterable[Stack | None]) -> State:
        """The parses that begin with the top node of each stack."""
        ways: list[Way] = []
        waiting, done = list(stacks), False
        while waiting:
            stack = waiting.pop()
            if stack is None:
                done = True
            elif stack.cost < INFINITE:
                node, below = stack.node, stack.below
                if isinstance(node, Ref):
                    waiting.append(self._pushed(self._rules[node.name], below))
                elif isinstance(node, Seq):
                    for part in reversed(node.parts):
                        below = self._pushed(part, below)
                    waiting.append(below)
                elif isinstance(node, Alt | Many):
                    waiting += [self._pushed(option, below) for option in node.options]
                else:
                    ways.append(Way(node, self._first(node), below))
        return State(tuple(ways), done)

    def _first(self, leaf: Leaf) -> Any:
        return 0 if isinstance(leaf, Text) else Quoted(None, b"") if isinstance(leaf, String) else b""

    def _read(self, ways: Iterable[Way], byte: int) -> State:
        kept: list[Way] = []
        ended: list[Stack | None] = []
        done = False
        for way in ways:
            leaf, state, stack = way
            if isinstance(leaf, Text):
                if leaf.data[state] == byte:
                    (ended.append(stack) if state + 1 == len(leaf.data) else kept.append(Way(leaf, state + 1, stack)))
            elif isinstance(leaf, Words):
                self._read_word(leaf, state + bytes((byte,)), stack, kept, ended)
            elif isinstance(leaf, String):
                self._read_string(leaf, state, byte, stack, kept, ended)
            else:
                self._read_number(leaf, state, byte, stack, kept, ended)
        # Only the next character ends a number. So from its first digit on, both the number and the node after it are possible.
        opened = self._opened(ended)
        numbers = [way for way in kept if isinstance(way.leaf, Number) and self._number(way.leaf).ends(way.state)]
        done = opened.done or any(way.stack is None for way in numbers)
        return State((*kept, *opened.ways), done)

    def _read_word(
        self, leaf: Words, text: bytes, stack: Stack | None, kept: list[Way], ended: list[Stack | None]
    ) -> None:
        cost, rest = self._word(leaf, text)
        if text in leaf.words:
            ended.append(stack)
        if cost < INFINITE and (rest or any(len(word) > len(text) and word.startswith(text) for word in leaf.words)):
            kept.append(Way(leaf, text, stack))

    def _read_string(
        self, leaf: String, state: Quoted, byte: int, stack: Stack | None, kept: list[Way], ended: list[Stack | None]
    ) -> None:
        if state.language is None:
            if byte == 34:
                kept.append(Way(leaf, Quoted(leaf.language.start, b""), stack))
        elif byte == 34 and not state.partial:
            if leaf.language.accepts(state.language):
                ended.append(stack)
        else:
            partial = state.partial + bytes((byte,))
            code = character(partial)
            after = state.language if code is None else leaf.language.step(state.language, code)
            if after is not None and leaf.language.shortest(after) is not None:
                kept.append(Way(leaf, Quoted(after, partial if code is None else b""), stack))

    def _read_number(
        self, leaf: Number, state: bytes, byte: int, stack: Stack | None, kept: list[Way], ended: list[Stack | None]
    ) -> None:
        numbers = self._number(leaf)
        if byte in _NUMERIC:
            if numbers.rest(state + bytes((byte,))) is not None:
                kept.append(Way(leaf, state + bytes((byte,)), stack))
        elif numbers.ends(state) and stack is not None:
            after = self._read(self._opened([stack]).ways, byte)
            kept += after.ways
            if after.done:
                ended.append(None)

    # The rest of a parse.

    def _left(self, way: Way) -> float:
        return self._suffix(way)[0] + (way.stack.cost if way.stack else 0)

    def _suffix(self, way: Way) -> tuple[float, bytes]:
        """The shortest rest of a leaf: its length in tokens, and its text."""
        leaf, state, _ = way
        if isinstance(leaf, Words):
            return self._word(leaf, state)
        if isinstance(leaf, Text):
            rest: bytes | None = leaf.data[state:]
        elif isinstance(leaf, String):
            rest = string_rest(leaf, state)
        else:
            rest = self._number(leaf).rest(state)
        return (INFINITE, b"") if rest is None else (self._length(rest), rest)

    def _word(self, leaf: Words, start: bytes) -> tuple[float, bytes]:
        key = (id(leaf), start)
        if key not in self._words:
            rests = [word[len(start) :] for word in leaf.words if word.startswith(start)]
            found = ((self._length(rest), rest) for rest in rests)
            self._words[key] = min(found, default=(INFINITE, b""))
        return self._words[key]

    def _number(self, leaf: Number) -> Numbers:
        if id(leaf) not in self._numbers:
            self._numbers[id(leaf)] = Numbers(leaf)
        return self._numbers[id(leaf)]
