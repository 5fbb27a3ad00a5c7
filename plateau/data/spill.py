"""Arrow batches in temporary files: cut to size, written, read back, and sorted by an external merge sort."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

BATCH_ROWS = 4096
BATCH_BYTES = 64 * 2**20
_RUN_ROWS = 512


def rebatched(
    found: Iterable[pa.RecordBatch], size: int = BATCH_ROWS, limit: int = BATCH_BYTES
) -> Iterator[pa.RecordBatch]:
    """Cut rows into batches of `size` rows, or fewer rows where a batch would exceed `limit` bytes."""
    held: list[pa.RecordBatch] = []
    for batch in found:
        while len(batch):
            rows, used = sum(map(len, held)), sum(part.nbytes for part in held)
            if rows == size or (held and used + batch.nbytes > limit):
                yield pa.concat_batches(held)
                held, rows = [], 0
            held.append(batch.slice(0, size - rows))
            batch = batch.slice(size - rows)
    if held:
        yield pa.concat_batches(held)


def writer(path: Path, schema: pa.Schema) -> pa.ipc.RecordBatchStreamWriter:
    """Open a compressed temporary Arrow file for writing."""
    return pa.ipc.new_stream(str(path), schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))


def batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Read the batches of a temporary file."""
    with pa.OSFile(str(path)) as source:
        yield from pa.ipc.open_stream(source)


class Cursor:
    """Reads sorted batches up to a key; rows after the key stay for the next call."""

    def __init__(self, found: Iterable[pa.RecordBatch], keys: Sequence[str]) -> None:
        self._batches, self._keys = iter(found), keys
        self._held: pa.RecordBatch | None = next(self._batches, None)

    def last(self) -> tuple[object, ...] | None:
        """The key of the last row in memory; None at the end."""
        return None if self._held is None else key_of(self._held, len(self._held) - 1, self._keys)

    def up_to(self, key: tuple[object, ...]) -> Iterator[pa.RecordBatch]:
        """Read the rows whose key is at most `key`."""
        while self._held is not None:
            held = self._held
            count = bisect_right(range(len(held)), key, key=lambda row: key_of(held, row, self._keys))
            if count:
                yield held.slice(0, count)
            if count < len(held):
                self._held = held.slice(count)
                return
            self._held = next(self._batches, None)


def key_of(batch: pa.RecordBatch, row: int, keys: Sequence[str]) -> tuple[object, ...]:
    """The sort key of one row; what is null comes last, as where Arrow sorts."""
    return tuple((value is None, value) for value in (batch[name][row].as_py() for name in keys))


def in_order(
    found: Iterable[pa.RecordBatch], keys: Sequence[str], folder: Path, memory: int
) -> Iterator[pa.RecordBatch]:
    """Sort rows by `keys` with an external merge sort: runs of about `memory` bytes are sorted, written to `folder` and merged."""
    runs = [_run(part, keys, folder / f"run{number}") for number, part in enumerate(_parts(found, memory))]
    cursors = [Cursor(batches(path), keys) for path in runs]
    while ends := [last for cursor in cursors if (last := cursor.last()) is not None]:
        due = [batch for cursor in cursors for batch in cursor.up_to(min(ends))]
        yield from _sorted(due, keys).to_batches(max_chunksize=_RUN_ROWS)


def _parts(found: Iterable[pa.RecordBatch], memory: int) -> Iterator[list[pa.RecordBatch]]:
    held: list[pa.RecordBatch] = []
    used = 0
    for batch in found:
        held.append(batch)
        used += batch.nbytes
        if used > memory:
            yield held
            held, used = [], 0
    if held:
        yield held


def _run(part: list[pa.RecordBatch], keys: Sequence[str], path: Path) -> Path:
    with writer(path, part[0].schema) as run:
        run.write_table(_sorted(part, keys), max_chunksize=_RUN_ROWS)
    return path


def _sorted(part: Sequence[pa.RecordBatch], keys: Sequence[str]) -> pa.Table:
    return pa.Table.from_batches(part).sort_by([(name, "ascending") for name in keys])
