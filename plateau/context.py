"""The columns that a conversation's moment adds to it, batch by batch; the history alone looks at all rows, at two columns."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from plateau import calendar, history
from plateau.history import summary

__all__ = ["added", "earlier", "schema", "summary"]

Columns = dict[str, npt.NDArray[Any]]
FIELDS = [
    *((name, pa.string()) for name in ("timestamp", "time_of_day", "day_of_week")),
    *((name, pa.bool_()) for name in ("business_hours", "holiday", "peak_season")),
    ("days_since_last_contact", pa.float64()),
    ("contacts_last_30_days", pa.int64()),
    ("load_last_hour", pa.int64()),
]


def schema(prepared: pa.Schema) -> pa.Schema:
    """The columns of the prepared records and the new ones."""
    return pa.schema([*prepared, *(pa.field(*one) for one in FIELDS)])


def earlier(records: pa.Table) -> Columns:
    """What went before each contact; `records` have start_utc and customer_id."""
    customers = records["customer_id"].combine_chunks().dictionary_encode().indices.cast(pa.int64()).fill_null(-1)
    return history.features(_utc(records["start_utc"]), np.asarray(customers))


def added(
    batches: Iterable[pa.RecordBatch], options: Mapping[str, Any], earlier: Columns, tally: calendar.Tally
) -> Iterator[pa.RecordBatch]:
    """Each batch with the new columns, counted in `tally`."""
    start = 0
    for batch in batches:
        columns = calendar.features(_utc(batch["start_utc"]), options)
        waits = batch["queue_wait_time_seconds"].to_numpy(zero_copy_only=False)
        tally.add(columns, waits)
        columns |= {name: values[start : start + len(batch)] for name, values in earlier.items()}
        start += len(batch)
        arrays = [pa.array(columns[name], kind, from_pandas=True) for name, kind in FIELDS]
        yield pa.RecordBatch.from_arrays([*batch.columns, *arrays], schema=schema(batch.schema))


def _utc(times: pa.Array | pa.ChunkedArray) -> calendar.Times:
    return np.asarray(times.cast(pa.int64())).astype("datetime64[us]")
