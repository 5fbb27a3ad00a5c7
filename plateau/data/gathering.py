"""Group tables with one turn per row into one item per conversation, out of core: rows are hashed by id into bucket files."""

import contextlib
import heapq
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO
from zlib import crc32

from plateau.data import mapping
from plateau.data.readers import Raw, parsed
from plateau.data.sources import RefusedError
from plateau.data.strict_json import MAX_BYTES

Line = tuple[int, str, int | None, str]


def by_id(raws: Iterable[Raw], path: str, folder: Path, buckets: int) -> Iterator[Raw]:
    """Yield one item for each conversation: its first row, with all its rows in reading order under `$rows`.

    Items are ordered by their first rows. A row that cannot be read or has no id is passed on unchanged.
    """
    with ExitStack() as stack:
        rows = [stack.enter_context((folder / f"turns{n}").open("w+", encoding="utf-8")) for n in range(buckets)]
        yield from _without_id(raws, path, rows)
        gathered = [stack.enter_context((folder / f"gathered{n}").open("w+", encoding="utf-8")) for n in range(buckets)]
        for source, sink in zip(rows, gathered, strict=True):
            source.seek(0)
            sink.writelines(json.dumps(line) + "\n" for line in _conversations(source))
            source.truncate(0)
            sink.seek(0)
        for _, file, number, text in heapq.merge(*(map(json.loads, lines) for lines in gathered)):
            yield Raw(file, number, text.encode("utf-8"))


def _without_id(raws: Iterable[Raw], path: str, files: Sequence[TextIO]) -> Iterator[Raw]:
    """Write rows to bucket files by the hash of their id; yields rows without an id."""
    for seq, raw in enumerate(map(parsed, raws)):
        name = None
        with contextlib.suppress(RefusedError):
            name = None if raw.problem else mapping.identity(raw.value, (raw.file, raw.line), {"id": path})
        if not isinstance(name, str) or not name:
            yield raw
        else:
            row = [seq, name, raw.file, raw.line, raw.value]
            files[crc32(name.encode()) % len(files)].write(json.dumps(row) + "\n")


def _conversations(lines: Iterable[str]) -> Iterator[Line]:
    """The conversations of one bucket, ordered by their first rows; one that exceeds the size limit is cut, and then refused."""
    found: dict[str, tuple[int, str, int | None, list[Any]]] = {}
    sizes: dict[str, int] = {}
    for line in lines:
        seq, name, file, number, value = json.loads(line)
        sizes[name] = sizes.get(name, 0) + len(line)
        if sizes[name] <= 2 * MAX_BYTES:
            found.setdefault(name, (seq, file, number, []))[3].append(value)
    for seq, file, number, rows in found.values():
        yield seq, file, number, json.dumps({**rows[0], mapping.ROWS: rows}, ensure_ascii=False)
