"""Token files: one Arrow IPC file a split, written in batches and read by memory map."""

import mmap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from plateau.core.errors import BadInputError
from plateau.core.files import replacing

Int32s = npt.NDArray[np.int32]
Row = tuple[str, list[int], int]

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("ids", pa.list_(pa.field("item", pa.int32(), nullable=False)), nullable=False),
        pa.field("completion_start", pa.int32(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Tokens:
    """Rows of one split in file order. `lengths` and `completion_start` are int32 [N]; names and ids stay on disk."""

    lengths: Int32s
    completion_start: Int32s
    _map: mmap.mmap
    _names: list[pa.Array]
    _values: list[Int32s]
    _offsets: list[Int32s]
    _first_rows: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def names(self) -> list[str]:
        """The rows' ids, read from the file at each call."""
        return [name for part in self._names for name in part.to_pylist()]

    def ids(self, row: int) -> Int32s:
        """Token ids of one row, a read-only view into the file."""
        batch = int(np.searchsorted(self._first_rows, row, side="right")) - 1
        offsets = self._offsets[batch]
        local = row - int(self._first_rows[batch])
        return self._values[batch][offsets[local] : offsets[local + 1]]

    def release(self) -> None:
        """Release the memory pages that were read, so that memory does not grow with the file; they are read again on use."""
        self._map.madvise(mmap.MADV_DONTNEED)


def write(path: Path, rows: Iterable[Row], batch_rows: int = 4096) -> None:
    """Write (id, token ids, start of the completion) rows; memory is bounded by `batch_rows`."""
    rows = iter(rows)
    write_batches(path, map(batch, iter(lambda: list(islice(rows, batch_rows)), [])))


def write_batches(path: Path, batches: Iterable[pa.RecordBatch]) -> None:
    """Write batches of SCHEMA."""
    with replacing(path) as temporary, pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
        for made in batches:
            writer.write_batch(made)


def batch(rows: Sequence[Row]) -> pa.RecordBatch:
    """Rows as one batch of SCHEMA."""
    names, ids, starts = zip(*rows, strict=True)
    flat = np.fromiter(chain.from_iterable(ids), np.int32)
    ends = np.cumsum([0, *map(len, ids)], dtype=np.int32)
    lists = pa.ListArray.from_arrays(pa.array(ends), pa.array(flat), type=SCHEMA.types[1])
    return pa.record_batch([pa.array(names), lists, pa.array(starts, pa.int32())], SCHEMA)


def open_tokens(path: Path) -> Tokens:
    """Map a token file; raises BadInputError that names file and row where nothing is supervised."""
    try:
        with path.open("rb") as stream:
            mapped = mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ)
        reader = pa.ipc.open_file(pa.py_buffer(mapped))
    except FileNotFoundError:
        raise BadInputError(f"{path}: no such file; run `dvc repro convert` to make it") from None
    except (ValueError, pa.ArrowInvalid) as error:
        raise BadInputError(f"{path}: not an Arrow file ({error}); delete it and run `dvc repro convert`") from None
    batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
    offsets = [np.asarray(batch["ids"].offsets) for batch in batches]
    tokens = Tokens(
        lengths=_joined([np.diff(offset) for offset in offsets]),
        completion_start=_joined([np.asarray(batch["completion_start"]) for batch in batches]),
        _map=mapped,
        _names=[batch["id"] for batch in batches],
        _values=[np.asarray(batch["ids"].values) for batch in batches],
        _offsets=offsets,
        _first_rows=np.cumsum([0, *(len(batch) for batch in batches)], dtype=np.int64)[:-1],
    )
    _check(path, tokens)
    return tokens


def _joined(parts: list[Int32s]) -> Int32s:
    return np.concatenate([np.empty(0, np.int32), *parts])


def _check(path: Path, tokens: Tokens) -> None:
    bad = np.flatnonzero((tokens.completion_start < 1) | (tokens.completion_start >= tokens.lengths))
    if bad.size:
        raise BadInputError(f"{path}: row {bad[0]} ({tokens.names[bad[0]]}) has no prompt or no token to learn")
