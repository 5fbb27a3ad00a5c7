"""What the clock, the calendar and earlier contacts say of records: the columns that prompts may show beside the conversation."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from plateau.data import calendar, history

KNOWN = ("start_utc", "customer_id")  # columns of records that the features are made of
CONTACTS = ("days_since_last_contact", "contacts_last_30_days", "load_last_hour")  # those that other records decide


def features(records: pa.Table, options: Mapping[str, Any]) -> dict[str, pa.Array]:
    """Every feature of records with the columns KNOWN, in any order, all contacts among them; `options` is the section temporal."""
    return clock(records, options) | contacts(records)


def clock(records: pa.Table | pa.RecordBatch, options: Mapping[str, Any]) -> dict[str, pa.Array]:
    """Those of each record's own start."""
    return calendar.features(_starts(records), options)


def contacts(records: pa.Table) -> dict[str, pa.Array]:
    """Those of the contacts that started earlier."""
    return history.features(_starts(records), records["customer_id"].combine_chunks())


def _starts(records: pa.Table | pa.RecordBatch) -> npt.NDArray[np.datetime64]:
    starts: npt.NDArray[np.datetime64] = records["start_utc"].to_numpy(zero_copy_only=False)
    return starts.astype("datetime64[us]")
