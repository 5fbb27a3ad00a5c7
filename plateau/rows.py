"""Rows of a stage as Parquet, read and written whole or in batches."""

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from plateau.errors import BadInputError
from plateau.files import replacing


def write(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write Arrow batches as one Parquet file, each a row group."""
    with replacing(path) as temporary, pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def read(path: Path) -> pa.Table:
    """All rows; raises BadInputError when the file is absent or broken."""
    try:
        return pq.read_table(path, memory_map=True)
    except FileNotFoundError:
        raise BadInputError(f"{path}: no such file; run `dvc repro` to make it") from None
    except pa.ArrowInvalid as error:
        raise BadInputError(f"{path}: not a Parquet file ({error}); delete it and run `dvc repro`") from None
