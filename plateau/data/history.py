"""Features of earlier contacts: days since the customer's last one, contacts in 30 days, load of the centre. Later contacts never count.

Each feature uses only contacts that started strictly earlier. So later rows never change it, and contacts that start at the
same moment do not count each other.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from plateau.data.calendar import spread
from plateau.metrics.temporal import History

Times = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]

MONTH = np.timedelta64(30, "D")
HOUR = np.timedelta64(60, "m")


def features(utc: Times, customers: pa.Array) -> dict[str, pa.Array]:
    """days_since_last_contact, contacts_last_30_days and load_last_hour of contacts in any order; null for an unknown customer.

    Days are rounded to hundredths; null if there is no earlier contact. All are null where there is no time (NaT).
    """
    known = ~np.isnat(utc)
    return spread(known, _features(utc[known], customers.filter(pa.array(known))))


def _features(utc: Times, customers: pa.Array) -> dict[str, pa.Array]:
    days, contacts, load = figures(
        utc, np.asarray(customers.dictionary_encode().indices.cast(pa.int64()).fill_null(-1))
    )
    unknown = np.asarray(customers.is_null())
    return {
        "days_since_last_contact": pa.array(days, mask=unknown | np.isnan(days)),
        "contacts_last_30_days": pa.array(contacts, mask=unknown),
        "load_last_hour": pa.array(load),
    }


def figures(utc: Times, customers: Ints) -> tuple[npt.NDArray[np.float64], Ints, Ints]:
    """The same features as arrays, from customer codes; NaN if there is no earlier contact."""
    moments, rank = np.unique(utc, return_inverse=True)
    days, contacts = _of_customers(moments, rank, customers)
    starts = np.sort(rank)
    load = np.searchsorted(starts, rank) - np.searchsorted(starts, _ranks_before(moments, HOUR)[rank])
    return days, contacts, load


def _of_customers(moments: Times, rank: Ints, customers: Ints) -> tuple[npt.NDArray[np.float64], Ints]:
    """Days since the customer's last contact, and the number of contacts in the 30 days before, for contacts at moments[rank].

    Customer and moment are packed into one number, so a single sorted list can be searched by bisection.
    """
    width = len(moments) + 1
    keys = customers * width + rank
    ordered = np.sort(keys)
    place = np.searchsorted(ordered, keys)
    last = ordered[np.maximum(place - 1, 0)]
    has = (place > 0) & (last // width == customers)
    waited = moments[rank] - moments[np.where(has, last % width, rank)]
    days = np.where(has, np.round(waited / np.timedelta64(1, "D"), 2), np.nan)
    first = np.searchsorted(ordered, customers * width + _ranks_before(moments, MONTH)[rank])
    return days, place - first


def _ranks_before(moments: Times, span: np.timedelta64) -> Ints:
    """For each moment, the rank of the first one at most `span` earlier."""
    return np.searchsorted(moments, moments - span)


def summary(columns: Mapping[str, pa.Array]) -> History:
    """The part of metrics/temporal.json of the columns of `features`."""
    days, contacts = columns["days_since_last_contact"], columns["contacts_last_30_days"]
    return History(
        customer_unknown=contacts.null_count,
        first_contacts=days.null_count - contacts.null_count,
        days_since_last_contact_median=pc.quantile(days, 0.5)[0].as_py(),
        contacts_last_30_days_mean=pc.mean(contacts).as_py(),
        load_last_hour_mean=pc.mean(columns["load_last_hour"]).as_py(),
    )
