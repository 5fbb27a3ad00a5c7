"""What went before a contact: the customer's last one, how many in a month, how busy the centre is. Never what comes after.

Each figure of a contact depends on contacts that began strictly earlier, so it stays the same whatever happens later, and
contacts that begin in the same moment do not see each other.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]

MONTH = np.timedelta64(30, "D")
HOUR = np.timedelta64(60, "m")
NAMES = ("days_since_last_contact", "contacts_last_30_days", "load_last_hour")


def features(utc: Times, customers: Ints) -> dict[str, npt.NDArray[Any]]:
    """Columns of NAMES for contacts in any order; `customers` are codes [N], negative where the customer is not known.

    Days are rounded to hundredths, NaN without an earlier contact; contacts of the last 30 days are NaN without a customer.
    """
    moments, rank = np.unique(utc, return_inverse=True)
    days, contacts = _of_customers(moments, rank, customers)
    known = customers >= 0
    starts = np.sort(rank)
    load = np.searchsorted(starts, rank) - np.searchsorted(starts, _ranks_before(moments, HOUR)[rank])
    values = (np.where(known, days, np.nan), np.where(known, contacts, np.nan), load)
    return dict(zip(NAMES, values, strict=True))


def _of_customers(moments: Times, rank: Ints, customers: Ints) -> tuple[npt.NDArray[np.float64], Ints]:
    """Days since the customer's last contact and contacts in the 30 days before, of contacts at moments[rank].

    Customer and moment make one number, so one sorted list answers every question by bisection.
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


def summary(columns: dict[str, npt.NDArray[Any]]) -> dict[str, Any]:
    """Figures for metrics/temporal.json of the columns of `features`."""
    days, contacts, load = (columns[name] for name in NAMES)
    first = ~np.isnan(contacts) & np.isnan(days)
    return {
        "customer_unknown": int(np.isnan(contacts).sum()),
        "first_contacts": int(first.sum()),
        "days_since_last_contact_median": None if np.isnan(days).all() else round(float(np.nanmedian(days)), 2),
        "contacts_last_30_days_mean": None if np.isnan(contacts).all() else round(float(np.nanmean(contacts)), 4),
        "load_last_hour_mean": round(float(load.mean()), 4),
    }
