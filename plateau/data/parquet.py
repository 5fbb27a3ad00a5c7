"""Parquet files of rows, read and written whole or in batches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from plateau.core.errors import BadInputError
from plateau.core.files import replacing

PICKED = 65_536  # rows that `pick` holds at once


def write(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write Arrow batches as one Parquet file, each a row group."""
    with replacing(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def read(path: Path) -> pa.Table:
    """All rows; raises BadInputError when the file is absent or broken."""
    with _opened(path) as file:
        return file.read()


def columns(path: Path, names: Sequence[str]) -> pa.Table:
    """A few columns of all rows; raises BadInputError as `read` does."""
    with _opened(path) as file:
        return file.read(list(names))


def scan(path: Path, names: Sequence[str], batch_rows: int = 4096) -> Iterator[pa.RecordBatch]:
    """Read a few columns batch by batch, so that memory does not grow with the file."""
    with _opened(path) as file:
        yield from file.iter_batches(batch_rows, columns=list(names))


def pick(path: Path, numbers: npt.NDArray[np.int64], names: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Read the rows with these numbers, in this order; at most PICKED rows and one row group are in memory."""
    with _opened(path) as file:
        ends = np.cumsum([file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)])
        for start in range(0, len(numbers), PICKED):
            wanted = numbers[start : start + PICKED]
            order = np.argsort(wanted, kind="stable")
            rows = wanted[order]
            groups, firsts = np.unique(np.searchsorted(ends, rows, side="right"), return_index=True)
            parts = [
                file.read_row_group(group, columns=names).take(pa.array(part - (ends[group - 1] if group else 0)))
                for group, part in zip(groups.tolist(), np.split(rows, firsts[1:]), strict=True)
            ]
            yield from pa.concat_tables(parts).take(pa.array(np.argsort(order))).combine_chunks().to_batches(4096)


def schema(path: Path) -> pa.Schema:
    """Names and types of the columns."""
    with _opened(path) as file:
        return file.schema_arrow


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, memory_map=True)
    except FileNotFoundError:
        raise BadInputError(f"{path}: no such file; run `dvc repro` to make it") from None
    except pa.ArrowInvalid as error:
        raise BadInputError(f"{path}: not a Parquet file ({error}); delete it and run `dvc repro`") from None


def with_columns(path: Path, more: Mapping[str, pa.Array]) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Add columns to the rows of a file: the new schema, and the batches. `more` has one value for each row of the file."""
    made = pa.schema([*schema(path), *(pa.field(name, values.type) for name, values in more.items())])

    def batches() -> Iterator[pa.RecordBatch]:
        start = 0
        for batch in scan(path, schema(path).names):
            added = [values.slice(start, len(batch)) for values in more.values()]
            yield pa.RecordBatch.from_arrays([*batch.columns, *added], schema=made)
            start += len(batch)

    return made, batches()
