"""Unfinished strings and numbers: the shortest text that completes each."""

from functools import lru_cache
from typing import Any, NamedTuple

import llguidance
import numpy as np

from plateau.lm.grammar import Number, String, written

_KEPT_ALIKE = 16  # how many prefixes of equal length, with the same possible next characters, are kept
_LONGEST_NUMBER = 60  # the most characters of a number that are searched
_ESCAPES = {
    ord("b"): 8,
    ord("t"): 9,
    ord("n"): 10,
    ord("f"): 12,
    ord("r"): 13,
    ord('"'): 34,
    ord("\\"): 92,
    ord("/"): 47,
}


class Quoted(NamedTuple):
    """An unfinished string: the state of its language (None before the opening quote) and the bytes of an unfinished character."""

    language: Any
    partial: bytes


def character(text: bytes) -> int | None:
    """The code point of some bytes of a JSON string; None if the bytes are an unfinished character."""
    if text[0] == 92:
        if len(text) == 1:
            return None
        if text[1] != ord("u"):
            return _ESCAPES.get(text[1], 0)
        return int(text[2:], 16) if len(text) == 6 else None
    if text[0] < 0x80:
        return text[0]
    length = 2 if text[0] < 0xE0 else 3 if text[0] < 0xF0 else 4
    return ord(text.decode("utf-8", "replace")[0]) if len(text) == length else None


def string_rest(leaf: String, state: Quoted) -> bytes | None:
    """The shortest completion of a string, closing quote included."""
    language = leaf.language
    if state.language is None:
        rest = language.shortest(language.start)
        return None if rest is None else b'"' + _json(rest) + b'"'
    if not state.partial:
        rest = language.shortest(state.language)
        return None if rest is None else _json(rest) + b'"'
    best: bytes | None = None
    for code, ending in _endings(state.partial, language.codes(state.language)):
        after = language.step(state.language, code)
        rest = None if after is None else language.shortest(after)
        if rest is not None and (best is None or len(ending) + len(rest) < len(best)):
            best = ending + _json(rest)
    return None if best is None else best + b'"'


def _json(text: str) -> bytes:
    return "".join(map(written, text)).encode()


def _endings(partial: bytes, codes: list[int]) -> list[tuple[int, bytes]]:
    """The characters whose JSON bytes begin with `partial`, each with its missing bytes."""
    if partial[0] == 92:
        whole = [(code, written(chr(code)).encode()) for code in (*range(32), 34, 92)]
        return [(code, text[len(partial) :]) for code, text in whole if text.startswith(partial)]
    low = (partial + b"\x80" * 3)[: _width(partial[0])]
    if partial == b"\xe0":
        low = b"\xe0\xa0\x80"
    elif partial == b"\xf0":
        low = b"\xf0\x90\x80\x80"
    likely = [ord(low.decode()), *(code for code in codes if chr(code).encode().startswith(partial))]
    return [(code, chr(code).encode()[len(partial) :]) for code in likely]


def _width(lead: int) -> int:
    return 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


class Numbers:
    """The numbers that one leaf allows, checked byte by byte with llguidance."""

    def __init__(self, leaf: Number) -> None:
        inner = f"start: n\nn: %json {leaf.schema}" if leaf.pattern is None else f"start: /{leaf.pattern}/"
        grammar = llguidance.LLMatcher.grammar_from_lark(inner)
        self._start = llguidance.LLMatcher(_bytes(), grammar, log_level=0)
        self._known: dict[bytes, bytes | None] = {}

    def ends(self, text: bytes) -> bool:
        """Whether a text is a complete number."""
        return self.rest(text) == b""

    def rest(self, text: bytes) -> bytes | None:
        """The shortest text that completes an unfinished number; None if there is none."""
        if text not in self._known:
            self._known[text] = self._search(text)
        return self._known[text]

    def _search(self, text: bytes) -> bytes | None:
        """Breadth-first search. Among texts of equal length with the same possible next characters, only a few are kept."""
        start = self._start.deep_copy()
        if start.is_error() or (text and not start.consume_tokens(list(text))):
            return None
        level = [(b"", start)]
        for _ in range(_LONGEST_NUMBER):
            alike: dict[bytes, list[tuple[bytes, Any]]] = {}
            for rest, matcher in level:
                if matcher.is_accepting():
                    return rest
                mask = np.frombuffer(matcher.compute_bitmask(), np.uint8)
                for byte in np.flatnonzero(np.unpackbits(mask, bitorder="little")[:128]):
                    after = matcher.deep_copy()
                    after.consume_token(int(byte))
                    kept = alike.setdefault(bytes(after.compute_bitmask()), [])
                    if len(kept) < _KEPT_ALIKE:
                        kept.append((rest + bytes((int(byte),)), after))
            level = [one for kept in alike.values() for one in kept]
        return None


@lru_cache(maxsize=1)
def _bytes() -> Any:
    """A vocabulary of single bytes."""
    return llguidance.LLTokenizer("byte")
