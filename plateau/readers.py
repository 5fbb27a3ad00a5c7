"""Raw files to JSON values, one at a time, each with its place; what cannot be read is a value with a problem instead."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from plateau.errors import BadInputError

MAX_BYTES = 16 * 2**20
SHOWN_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something was refused: a reason to count by, and a detail for people."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Raw:
    """One raw item: its file, its line (or its number in an array), its bytes, and its value or its problem."""

    file: str
    line: int | None
    data: bytes
    value: Any = None
    problem: Problem | None = None

    def shown(self) -> str:
        """The raw text, at most 2,000 characters of it, for a person to find it again."""
        return self.data[: 4 * SHOWN_CHARACTERS].decode("utf-8", errors="replace").strip()[:SHOWN_CHARACTERS]


def read(folder: Path, kind: str, relative_to: Path) -> Iterator[Raw]:
    """Every item of `<kind>.jsonl` and of the .json and .jsonl files in the folder `<kind>`, in order of their paths.

    Raises BadInputError when there is no such file at all.
    """
    paths = sources(folder, kind)
    if not paths:
        raise BadInputError(
            f"{folder}: found no {kind}.jsonl and no .json or .jsonl file in {kind}/; put raw {kind} there"
        )
    for path in paths:
        yield from read_file(path, path.relative_to(relative_to).as_posix())


def sources(folder: Path, kind: str) -> list[Path]:
    """The files that hold raw items of one kind; hidden ones are passed over."""
    single = folder / f"{kind}.jsonl"
    below = [path for path in sorted((folder / kind).rglob("*")) if not path.name.startswith(".") and not path.is_dir()]
    return [single, *below] if single.exists() else below


def read_file(path: Path, name: str) -> Iterator[Raw]:
    """The items of one file; a file that cannot be read, or of another format, is one item with a problem."""
    readers = {".jsonl": _lines, ".json": _document}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        yield Raw(name, None, b"", problem=Problem("unknown_format", f"not {' or '.join(readers)}"))
        return
    try:
        with path.open("rb") as stream:
            yield from reader(stream, name)
    except OSError as error:
        yield Raw(name, None, b"", problem=Problem("unreadable_file", str(error.strerror)))


def _lines(stream: BinaryIO, name: str) -> Iterator[Raw]:
    for number, data in enumerate(_bounded(stream), 1):
        if data.strip():
            yield _parsed(name, number, data)


def _bounded(stream: BinaryIO) -> Iterator[bytes]:
    """Lines, each cut after MAX_BYTES + 1 bytes, so that a file without line ends cannot fill the memory."""
    first = True
    while data := stream.readline(MAX_BYTES + 1):
        yield data.removeprefix(b"\xef\xbb\xbf") if first else data
        first = False
        while len(data) > MAX_BYTES and not data.endswith(b"\n"):
            data = stream.readline(MAX_BYTES + 1)


def _document(stream: BinaryIO, name: str) -> Iterator[Raw]:
    """A .json file: one record, or an array of records that are numbered from 1."""
    whole = _parsed(name, 1, stream.read(MAX_BYTES + 1).removeprefix(b"\xef\xbb\xbf"))
    if isinstance(whole.value, list):
        for number, value in enumerate(whole.value, 1):
            yield Raw(name, number, json.dumps(value, ensure_ascii=False).encode(), value)
    else:
        yield whole


def _parsed(name: str, number: int, data: bytes) -> Raw:
    try:
        return Raw(name, number, data, parse(data))
    except _RefusedError as refused:
        return Raw(name, number, data, problem=refused.args[0])


class _RefusedError(Exception):
    """Carries the problem of bytes that are no clean JSON value."""


def parse(data: bytes) -> Any:
    """One JSON value of finite numbers and clean Unicode text; raises _RefusedError with the problem otherwise."""
    if len(data) > MAX_BYTES:
        raise _RefusedError(Problem("too_large", f"more than {MAX_BYTES:,} bytes"))
    if b"\0" in data:
        raise _RefusedError(Problem("nul_byte", f"at byte {data.find(0):,}"))
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
        if b"\\u" in data:
            _check_escapes(value)
    except UnicodeDecodeError as error:
        raise _RefusedError(Problem("invalid_utf8", f"{error.reason} at byte {error.start:,}")) from None
    except RecursionError:
        raise _RefusedError(Problem("invalid_json", "nested too deeply")) from None
    except ValueError as error:
        raise _RefusedError(Problem("invalid_json", str(error))) from None
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _check_escapes(value: Any) -> None:
    """Escapes can smuggle in a NUL and half a surrogate pair, which no later file format can hold."""
    text = json.dumps(value, ensure_ascii=False)
    if "\\u0000" in text and any("\0" in part for part in strings(value)):
        raise _RefusedError(Problem("nul_byte", "\\u0000 in a text"))
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _RefusedError(Problem("invalid_utf8", "half of a surrogate pair in a text")) from None


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
