"""Rows of a stage as Parquet, read and written whole or in batches."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from plateau.errors import BadInputError
from plateau.files import replacing

BATCH_ROWS = 4096
PICKED = 65_536  # rows that `pick` holds at once


def write(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write Arrow batches as one Parquet file, each a row group."""
    with replacing(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """All rows, or some columns of them; raises BadInputError when the file is absent or broken."""
    with _opened(path) as file:
        return file.read(columns=columns)


def batches(path: Path, columns: Sequence[str] | None = None, size: int = BATCH_ROWS) -> Iterator[pa.RecordBatch]:
    """The rows in order, at most `size` at once; raises BadInputError when the file is absent or broken."""
    with _opened(path) as file:
        yield from file.iter_batches(size, columns=columns)


def pick(path: Path, numbers: npt.NDArray[np.int64], columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of these numbers, in this order; at most PICKED of them are in memory, and one row group."""
    with _opened(path) as file:
        ends = np.cumsum([file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)])
        for start in range(0, len(numbers), PICKED):
            wanted = numbers[start : start + PICKED]
            order = np.argsort(wanted, kind="stable")
            rows = wanted[order]
            groups, firsts = np.unique(np.searchsorted(ends, rows, side="right"), return_index=True)
            parts = [
                file.read_row_group(group, columns=columns).take(pa.array(part - (ends[group - 1] if group else 0)))
                for group, part in zip(groups.tolist(), np.split(rows, firsts[1:]), strict=True)
            ]
            yield from pa.concat_tables(parts).take(pa.array(np.argsort(order))).combine_chunks().to_batches(BATCH_ROWS)


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
