"""Sets of texts as automata, defined by length and by the regular expressions that must or must not match."""

import heapq
from collections.abc import Sequence
from typing import Any

from plateau.lm.regular import ANY, Ranges, Regex

_WRITTEN: Ranges = ((9, 10), (32, ANY[0][1]), ANY[1])  # candidate characters of the shortest texts
_NICE = "a0 "  # tried first if any character is allowed
_MOST_STATES = 20_000  # the most states that a search visits


class Language:
    """An automaton for texts of `least` to `most` characters that match all of `wanted` and none of `unwanted`.

    A state is (the state of each expression, the number of characters so far, capped where it no longer matters).
    """

    def __init__(
        self, wanted: Sequence[Regex] = (), unwanted: Sequence[Regex] = (), least: int = 0, most: int | None = None
    ) -> None:
        self.wanted, self.unwanted, self.least, self.most = tuple(wanted), tuple(unwanted), least, most
        self._expressions = (*self.wanted, *self.unwanted)
        self.start = (tuple(expression.start for expression in self._expressions), 0)
        self._shortest: dict[Any, str | None] = {}

    @property
    def free(self) -> bool:
        """Whether all characters are interchangeable, because no expression restricts them."""
        return not self._expressions

    def step(self, state: Any, code: int) -> Any:
        """The state after one more character; None if the character is not allowed."""
        states, count = state
        if count == self.most:
            return None
        after = tuple(e.step(one, code) for e, one in zip(self._expressions, states, strict=True))
        if not all(after[: len(self.wanted)]):
            return None
        return after, count + 1 if self.most is not None or count < self.least else count

    def accepts(self, state: Any) -> bool:
        """Whether the text may end here."""
        ends = [e.accepts(one) for e, one in zip(self._expressions, state[0], strict=True)]
        fine = all(ends[: len(self.wanted)]) and not any(ends[len(self.wanted) :])
        return fine and bool(state[1] >= self.least)

    def codes(self, state: Any) -> list[int]:
        """One code point from each set of characters that lead to the same next state, most readable first."""
        found = set().union(*(e.borders(one) for e, one in zip(self._expressions, state[0], strict=True)))
        found |= {ord(nice) for nice in _NICE}
        usable = (code for code in found if any(low <= code <= high for low, high in _WRITTEN))
        return sorted(usable, key=lambda code: (_effort(code), _NICE.find(chr(code)) % 4, code))

    def shortest(self, state: Any) -> str | None:
        """The shortest text that completes a match from this state; None if there is none."""
        if self.free:
            return "a" * int(self.least - state[1])
        if state not in self._shortest:
            found = self._shortest[state] = self._search(state)
            for place, character in enumerate(found or ""):  # every suffix of a shortest path is a shortest path
                state = self.step(state, ord(character))
                self._shortest.setdefault(state, (found or "")[place + 1 :])
            return found
        return self._shortest[state]

    def _search(self, state: Any) -> str | None:
        """Dijkstra's algorithm over states; the distance is the length of the JSON text."""
        queue: list[tuple[int, int, Any, str]] = [(0, 0, state, "")]
        seen, number = {state}, 0
        while queue and len(seen) < _MOST_STATES:
            cost, _, at, text = heapq.heappop(queue)
            if self.accepts(at):
                return text
            for code in self.codes(at):
                after = self.step(at, code)
                if after is not None and after not in seen:
                    seen.add(after)
                    number += 1
                    heapq.heappush(queue, (cost + _effort(code), number, after, text + chr(code)))
        return None

    def detour(self, most_states: int = 500) -> int:
        """The most bytes by which one character can lengthen the shortest completion, over the first `most_states` states reached."""
        todo, seen, found = [self.start], {self.start}, 0
        while todo and len(seen) < most_states:
            at = todo.pop()
            here = len(self.shortest(at) or "")
            for code in self.codes(at):
                after = self.step(at, code)
                if after is not None and after not in seen:
                    seen.add(after)
                    todo.append(after)
                    found = max(found, len(self.shortest(after) or "") - here)
        return found


def _effort(code: int) -> int:
    """Number of bytes of a character in JSON text."""
    return 2 if code in (9, 10, 34, 92) else len(chr(code).encode())
