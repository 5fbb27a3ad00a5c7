"""JSON that is strict: finite numbers, clean Unicode, bounded size and depth; and arrays of it taken apart piece by piece."""

import io
import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

from plateau.data.sources import Problem, RefusedError

MAX_BYTES = 16 * 2**20
MAX_DEPTH = 100
SHOWN_CHARACTERS = 2000


def problem_of_text(data: bytes) -> Problem | None:
    """What keeps bytes from being clean text."""
    if len(data) > MAX_BYTES:
        return Problem("too_large", f"more than {MAX_BYTES:,} bytes")
    if b"\0" in data:
        return Problem("nul_byte", f"at byte {data.find(0):,}")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return Problem("invalid_utf8", f"{error.reason} at byte {error.start:,}")
    return None


def parse(data: bytes) -> Any:
    """One JSON value of finite numbers and clean Unicode text; raises RefusedError with the problem otherwise."""
    if problem := problem_of_text(data):
        raise RefusedError(*problem)
    try:
        value = STRICT.decode(data.decode())
        if b"\\u" in data:
            _check_escapes(value)
    except RecursionError:
        raise RefusedError("invalid_json", "nested too deeply") from None
    except ValueError as error:
        raise RefusedError("invalid_json", str(error)) from None
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise RefusedError("invalid_json", f"nested more than {MAX_DEPTH} deep")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def finite(text: str) -> float:
    """A JSON number as a float; raises ValueError for one that no float holds, such as 1e999."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is more than a number can hold")
    return number


STRICT = json.JSONDecoder(parse_constant=_no_constant, parse_float=finite)


def _check_escapes(value: Any) -> None:
    """Escapes can smuggle in a NUL and half a surrogate pair, which no later file format can hold."""
    text = json.dumps(value, ensure_ascii=False)
    if "\\u0000" in text and any("\0" in part for part in strings(value)):
        raise RefusedError("nul_byte", "\\u0000 in a text")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise RefusedError("invalid_utf8", "half of a surrogate pair in a text") from None


def _depth(value: Any) -> int:
    """How deep lists and objects are nested; does not recurse."""
    depth, level = 0, [value]
    while level := [inner for outer in level for inner in _inside(outer)]:
        depth += 1
    return depth


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def strings(value: Any) -> Iterable[str]:
    """Every string of a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings(item)


def elements(text: str, stream: io.TextIOWrapper) -> Iterator[str]:
    """Texts of the elements of a JSON array after its bracket; where it breaks off, the rest is the last."""
    at, more = 0, True
    while True:
        found = _element(text, at)
        if found is None and more and len(text) - at <= MAX_BYTES:
            read = stream.read(max(2**20, len(text) - at))
            text, at, more = text[at:] + read, 0, bool(read)
        elif found is None:
            rest = text[at : at + MAX_BYTES + 1].strip()
            if rest and _element(f"{rest}]", 0):
                yield rest
                rest = ""
            yield rest or "["
            return
        else:
            element, at, last = found
            if element:
                yield element
            if last:
                break
    if after := (text[at:] + stream.read(SHOWN_CHARACTERS)).strip():
        yield f"] {after}"


def _element(text: str, at: int) -> tuple[str, int, bool] | None:
    """The element that begins at a place, where what follows it begins, and whether it is the last; None for no whole one."""
    start = _past_space(text, at)
    if text[start : start + 1] == "]":
        return "", start + 1, True
    try:
        _, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    follows = _past_space(text, end)
    mark = text[follows : follows + 1]
    return (text[start:end], follows + 1, mark == "]") if mark and mark in ",]" else None


def _past_space(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]


_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
