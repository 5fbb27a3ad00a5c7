"""Read raw files item by item, each with its file and line; an item that cannot be read carries the problem instead.

JSON stays bytes until `parse`, which may run in another process; rows of tables are parsed here.
"""

import codecs
import contextlib
import csv
import datetime as dt
import io
import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from plateau.data import sources
from plateau.data.sources import Problem, RefusedError
from plateau.data.strict_json import MAX_BYTES, SHOWN_CHARACTERS, elements, parse, problem_of_text

_MAX_ROW_BYTES = 2**20
_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
csv.field_size_limit(MAX_BYTES)


class Raw(NamedTuple):
    """One raw item: its file, its line (or its number in an array or table), its bytes, and either its value or its problem."""

    file: str
    line: int | None
    data: bytes
    value: Any = None
    problem: Problem | None = None

    def shown(self) -> str:
        """The raw text, cut after 2,000 characters, so that a person can find the record."""
        return self.data[: 4 * SHOWN_CHARACTERS].decode("utf-8", errors="replace").strip()[:SHOWN_CHARACTERS]


def read(folder: Path, name: str, relative_to: Path, encoding: str = "utf-8") -> Iterator[Raw]:
    """All items of a source's files, ordered by path; BadInputError if there is no file."""
    for path in sources.files(folder, name):
        yield from read_file(path, path.relative_to(relative_to).as_posix(), folder, encoding)


def read_file(path: Path, name: str, folder: Path, encoding: str = "utf-8") -> Iterator[Raw]:
    """The items of one file in `folder`. If the file breaks off, the last item carries the problem."""
    name = name.encode("utf-8", "replace").decode("utf-8")
    try:
        ending, codec = sources.form(path)
        sources.check_place(path, folder)
        with sources.opened(path, codec) as packed, _utf8(packed, encoding) as stream:
            yield from _READERS[ending](stream, name)
    except RefusedError as refused:
        yield Raw(name, None, b"", problem=refused.problem)
    except OSError as error:
        yield Raw(name, None, b"", problem=Problem("unreadable_file", str(error.strerror or error)))


def _utf8(stream: BinaryIO, encoding: str) -> BinaryIO:
    """Recode a stream to UTF-8. Bytes that are invalid in its encoding stay invalid, so that the check of each row finds them."""
    if codecs.lookup(encoding).name == "utf-8":
        return stream
    text = io.TextIOWrapper(stream, encoding, errors="surrogateescape", newline="")
    return io.BufferedReader(_Encoder(text))


class _Encoder(io.RawIOBase):
    """Presents text as a stream of UTF-8 bytes."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text, self._left = text, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._left or self._text.read(2**14).encode("utf-8", "surrogateescape")
        except UnicodeError as error:
            raise RefusedError("invalid_encoding", str(error)) from None
        taken, self._left = data[: len(buffer)], data[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


def _lines(stream: BinaryIO, name: str) -> Iterator[Raw]:
    for number, data in enumerate(_bounded(stream), 1):
        if data.strip():
            yield Raw(name, number, data)


def _bounded(stream: BinaryIO) -> Iterator[bytes]:
    """Read lines, each cut after MAX_BYTES + 1 bytes, so that a file without line ends cannot fill the memory."""
    first = True
    while data := stream.readline(MAX_BYTES + 1):
        if first and data.startswith(_WIDE):
            raise RefusedError(
                "invalid_utf8", "UTF-16; save it as UTF-8 or name it in prepare.mapping, encoding: utf-16"
            )
        yield data.removeprefix(_BOM) if first else data
        first = False
        while len(data) > MAX_BYTES and not data.endswith(b"\n"):
            data = stream.readline(MAX_BYTES + 1)


def _document(stream: BinaryIO, name: str) -> Iterator[Raw]:
    """Read a .json file of any size: one record, or an array of records, numbered from 1."""
    with io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="") as text:
        start = text.read(2**20)
        if start.lstrip().startswith("["):
            for number, element in enumerate(elements(start.lstrip()[1:], text), 1):
                yield Raw(name, number, element.encode("utf-8", "surrogateescape"))
        else:
            whole = start + text.read(MAX_BYTES + 1 - len(start)) if len(start) == 2**20 else start
            yield Raw(name, 1, whole.encode("utf-8", "surrogateescape"))


def _text(stream: BinaryIO, name: str) -> Iterator[Raw]:
    """A .txt file: one conversation, with the file's name as its id."""
    data = stream.read(MAX_BYTES + 1).removeprefix(_BOM)
    problem = problem_of_text(data)
    value = None if problem else {"id": Path(name).name.partition(".")[0], "text": data.decode("utf-8")}
    yield Raw(name, 1, data, value, problem)


def _table(stream: BinaryIO, name: str) -> Iterator[Raw]:
    """Read a .csv or .tsv file. Its first row names the columns; the delimiter is the most frequent separator in that row.

    A quoted cell may hold line ends. If lines joined by an open quote do not make a valid row, the first line is refused and the
    others are read again.
    """
    lines = enumerate(_bounded(stream), 1)
    header = next(lines, (1, b""))[1]
    if problem := problem_of_text(header):
        raise RefusedError(*problem)
    delimiter = max(",;\t|", key=header.decode("utf-8").count)
    names = _cells(header.decode("utf-8"), delimiter) or []
    if len(set(names)) < len(names) or not all(names):
        wrong = next((f"'{name}' stands twice" for name in names if name and names.count(name) > 1), None)
        wrong = wrong or (f"column {names.index('') + 1} has no name" if names else "it cannot be taken apart")
        raise RefusedError("invalid_csv", f"its first row must name every column, each once: {wrong}")
    waiting: deque[tuple[int, bytes]] = deque()
    while held := _held_together(waiting, lines):
        raw = _row(name, held[0][0], b"".join(data for _, data in held), names, delimiter)
        if raw.problem and len(held) > 1:
            raw = raw._replace(data=held[0][1])
            waiting.extendleft(reversed(held[1:]))
        if raw.data.strip():
            yield raw


def _held_together(waiting: deque[tuple[int, bytes]], lines: Iterator[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Read the next line, and following lines while a quote is open, up to about 1 MiB; empty at the end."""
    held: list[tuple[int, bytes]] = []
    quotes = size = 0
    while line := waiting.popleft() if waiting else next(lines, None):
        held.append(line)
        quotes += line[1].count(b'"')
        size += len(line[1])
        if quotes % 2 == 0 or size > _MAX_ROW_BYTES:
            break
    return held


def _row(name: str, line: int, data: bytes, names: list[str], delimiter: str) -> Raw:
    """One row as a mapping from column to value; an empty cell is null."""
    problem, value = problem_of_text(data), None
    if problem is None:
        cells = _cells(data.decode("utf-8"), delimiter)
        if cells is None:
            problem = Problem("invalid_csv", "its quotes do not match; write a quote in a quoted text twice")
        elif len(cells) != len(names):
            problem = Problem("invalid_csv", f"{len(cells)} values in a table of {len(names)} columns")
        else:
            value = {column: cell or None for column, cell in zip(names, cells, strict=True)}
    return Raw(name, line, data, value, problem)


def _cells(text: str, delimiter: str) -> list[str] | None:
    """Parse the cells of one row. A quote inside a cell is doubled or, as some databases write it, escaped by a backslash. None if invalid."""
    for escape in (None, "\\") if '\\"' in text else (None,):
        with contextlib.suppress(csv.Error):
            lines = io.StringIO(text, newline="")
            rows = list(csv.reader(lines, delimiter=delimiter, doublequote=not escape, escapechar=escape, strict=True))
            if len(rows) <= 1:
                return rows[0] if rows else []
    return None


def _parquet(stream: BinaryIO, name: str) -> Iterator[Raw]:
    """A .parquet file, row by row, numbered from 1; times as ISO 8601, NaN as null."""
    number = 0
    try:
        for batch in pq.ParquetFile(stream).iter_batches(batch_size=256):
            for value in batch.to_pylist():
                number += 1
                yield _parquet_row(name, number, value)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise RefusedError("broken_parquet", f"after row {number:,}: {str(error)[:300]}") from None


def _parquet_row(name: str, number: int, value: Any) -> Raw:
    try:
        plain = _plain(value)
    except UnicodeDecodeError:
        return Raw(name, number, str(value).encode(), problem=Problem("invalid_utf8", "bytes that are no text"))
    text = json.dumps(plain, ensure_ascii=False)
    problem = Problem("nul_byte", "NUL in a text") if "\\u0000" in text else None
    return Raw(name, number, text.encode(), plain, problem)


def of_values(values: Iterable[Any], name: str) -> Iterator[Raw]:
    """Python values as items, numbered from 1: dicts of what JSON can hold, of times and of numbers of other libraries."""
    for number, value in enumerate(values, 1):
        try:
            yield _parquet_row(name, number, value)
        except (TypeError, ValueError) as error:
            shown = str(error).encode("utf-8", "replace").decode("utf-8")
            yield Raw(name, number, b"", problem=Problem("invalid_json", f"not what JSON can hold: {shown}"))


def _plain(value: Any) -> Any:
    """Convert a table value to its JSON form."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int) else _plain(float(value))


_READERS: dict[str, Callable[[BinaryIO, str], Iterator[Raw]]] = {
    ".json": _document,
    ".jsonl": _lines,
    ".ndjson": _lines,
    ".csv": _table,
    ".tsv": _table,
    ".parquet": _parquet,
    ".txt": _text,
}


def parsed(raw: Raw) -> Raw:
    """Parse an item's bytes: the item with its value, or with the problem."""
    if raw.problem or raw.value is not None:
        return raw
    try:
        return raw._replace(value=parse(raw.data))
    except RefusedError as refused:
        return raw._replace(problem=refused.problem)
