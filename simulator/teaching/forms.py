"""Invented JSON layouts: what the reference model learns to fill in, in words that are not the target's.

Each form has keys and values of its own, made of pieces of the whole vocabulary, and reads some of the facts of a
conversation: tags of a fact, scores that add facts up, advice on what the agent left out, lines of the prompt copied.
"""

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from simulator.contacts import analysis, facts
from simulator.contacts.facts import Facts
from simulator.contacts.grammar import pick, weighted
from simulator.teaching.words import COMMON_WORDS

Value = str | int | bool
Context = Mapping[str, Value]
Reader = Callable[[Facts, Context], Value]

WAIT_STEPS = (60, 120, 300, 600)

# What can be tagged: the levels of a fact, and which of them holds.
FACTORS: dict[str, tuple[tuple[Value, ...], Callable[[Facts], Value]]] = {
    "topic": (facts.TOPICS, lambda told: told.topic),
    "tone": (facts.TONES, lambda told: told.tone),
    "outcome": (facts.OUTCOMES, lambda told: told.outcome),
    "path": (facts.PATHS, lambda told: told.path),
    "ending": ((*facts.PATHS[1:], *facts.OUTCOMES), lambda told: told.outcome if told.path == "direct" else told.path),
    "leaving": ((False, True), lambda told: told.leaving),
    "peak": ((False, True), lambda told: told.peak),
    "wait": (tuple(range(5)), lambda told: sum(told.wait >= step for step in WAIT_STEPS)),
    "long wait": ((False, True), lambda told: told.long_wait),
    "first missing": ((*facts.BEHAVIOURS, "none"), lambda told: (*told.missing, "none")[0]),
    **{name: ((False, True), lambda told, name=name: name in told.behaviours) for name in facts.BEHAVIOURS},  # type: ignore[misc]
}
_FACTOR_WEIGHTS = dict.fromkeys(FACTORS, 1.0) | {"topic": 6.0, "long wait": 3.0, "ending": 3.0, "tone": 2.0}

# What a score adds up: how often each disappointment occurred.
COSTS: dict[str, Callable[[Facts], int]] = {
    "tone": lambda told: facts.TONES.index(told.tone),
    "outcome": lambda told: facts.OUTCOMES.index(told.outcome),
    "failed": lambda told: told.outcome == "failed",
    "long wait": lambda told: told.long_wait,
    "leaving": lambda told: told.leaving,
    "repeat": lambda told: told.path == "repeat",
    "escalation": lambda told: told.path == "escalation",
    "peak": lambda told: told.peak,
    **{name: lambda told, name=name: name in told.missing for name in facts.BEHAVIOURS},  # type: ignore[misc]
}
_MOODS = ("tone", "outcome", "failed", "long wait", "leaving", "repeat", "escalation", "peak")


@dataclass(frozen=True)
class Form:
    """How the form is asked for, its keys, and how each value is read off a conversation."""

    request: str
    fields: tuple[tuple[str, Reader], ...]

    def fill(self, told: Facts, context: Context) -> str:
        """The form as JSON text."""
        return json.dumps({key: read(told, context) for key, read in self.fields})


class Words:
    """Makes names out of everyday words and of pieces of the vocabulary; none contains a word of the target."""

    def __init__(self, pieces: Sequence[str], rng: random.Random) -> None:
        self._pieces = [piece for piece in pieces if piece.isascii() and piece.isalpha()]
        self._rng = rng

    def word(self) -> str:
        """One lower-case word, as often invented as not."""
        while True:
            invented = "".join(pick(self._rng, self._pieces) for _ in range(1 + int(self._rng.random() * 2))).lower()
            word = pick(self._rng, (pick(self._rng, COMMON_WORDS), invented))
            if 2 < len(word) < 15 and not any(part in word for part in FORBIDDEN):
                return word

    def label(self) -> str:
        """A word or two, in some case."""
        text = " ".join(self.word() for _ in range(weighted(self._rng, {1: 2.0, 2: 1.0})))
        return weighted(self._rng, {text: 1.0, text.title(): 2.0, text.upper(): 0.1})

    def key(self) -> str:
        """A name such as JSON keys have."""
        return "_".join(self.word() for _ in range(weighted(self._rng, {1: 1.0, 2: 1.0})))

    def sentence_part(self) -> str:
        """Two to five words."""
        return " ".join(self.word() for _ in range(2 + int(self._rng.random() * 4)))


def target_words() -> frozenset[str]:
    """Lower-case words of the target's keys and labels, which no form may use."""
    targets = [*analysis.CATEGORIES.values(), *analysis.JOURNEYS.values(), *analysis.FIRST_CALL.values()]
    return frozenset(re.findall(r"[a-z]{4,}", " ".join([*targets, *analysis.KEYS]).lower()))


FORBIDDEN = target_words()


def draw_forms(count: int, words: Words, rng: random.Random) -> list[Form]:
    """`count` forms; the first is asked for with no words at all."""
    return [Form(f"Fill in {words.label()}." if number else "", _fields(words, rng)) for number in range(count)]


def _fields(words: Words, rng: random.Random) -> tuple[tuple[str, Reader], ...]:
    """Tags of ten different facts, two scores, one piece of advice and sometimes a copied line, in any order."""
    left = dict(_FACTOR_WEIGHTS)
    readers = [_score(rng), _score(rng), _advice(words, rng), *([_copy(rng)] if rng.random() < 0.5 else [])]
    for _ in range(10):
        factor = weighted(rng, left)
        del left[factor]
        readers.insert(int(rng.random() * (len(readers) + 1)), _tag(factor, words, rng))
    return tuple((words.key(), reader) for reader in readers)


def _tag(factor: str, words: Words, rng: random.Random) -> Reader:
    """A word for each level of one fact, or the truth value itself."""
    levels, read = FACTORS[factor]
    plain = len(levels) == 2 and rng.random() < 0.5
    names: dict[Value, Value] = {level: level if plain else words.label() for level in levels}
    return lambda told, _: names[read(told)]


def _score(rng: random.Random) -> Reader:
    """A number that starts at one end of its range and moves with some of the facts."""
    step, top, most = pick(rng, ((1, 5, 1), (1, 10, 3), (5, 100, 5), (5, 100, 5), (10, 100, 3)))
    causes = [name for name in pick(rng, (_MOODS, facts.BEHAVIOURS, tuple(COSTS))) if rng.random() < 0.7]
    weights = {name: step * (1 + int(rng.random() * most)) for name in causes}
    falls = rng.random() < 0.5

    def score(told: Facts, _: Context) -> Value:
        moved = min(top, sum(weight * COSTS[name](told) for name, weight in weights.items()))
        return top - moved if falls else moved

    return score


def _advice(words: Words, rng: random.Random) -> Reader:
    """A sentence with a phrase for each of the first few things that the agent left out."""
    phrases = {name: words.sentence_part() for name in facts.BEHAVIOURS}
    nothing, most = words.sentence_part(), 1 + int(rng.random() * 3)
    link = pick(rng, (" and ", ", ", " then ", "; "))

    def advice(told: Facts, _: Context) -> Value:
        text = link.join(phrases[name] for name in told.missing[:most]) or nothing
        return f"{text[:1].upper()}{text[1:]}."

    return advice


def _copy(rng: random.Random) -> Reader:
    """A line of the prompt's temporal block."""
    number = rng.random()
    return lambda _, context: list(context.values())[int(number * len(context))]
