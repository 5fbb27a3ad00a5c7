"""metrics/temporal.json."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from plateau.core.figures import INLINE, Count, Decimals, Keys, Limits

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PARTS_OF_DAY = ("night", "morning", "afternoon", "evening")
_PartOfTimed = Annotated[float | None, Limits(0, 1), Decimals(6)]
_HOURS = ("from 0 to 6 o'clock", "from 6 to 12", "from 12 to 18", "from 18 to 24")


@dataclass(frozen=True)
class Clock:
    """Figures of the clock and the calendar."""

    rows: Annotated[Count, "records"]
    earliest: Annotated[str | None, "first local start, ISO 8601 without offset; null when no record has a time"]
    latest: Annotated[str | None, "last local start, ISO 8601 without offset; null when no record has a time"]
    start_unknown: Annotated[Count, "records without a time, which have no clock and calendar features"]
    business_hours_share: Annotated[
        _PartOfTimed, "share of the records with a time that are within business hours; null when none has one"
    ]
    holiday_share: Annotated[
        _PartOfTimed, "share of the records with a time on holidays, when the centre is closed; null when none has one"
    ]
    peak_season_share: Annotated[
        _PartOfTimed, "share of the records with a time that are in peak season; null when none has one"
    ]
    time_of_day: Annotated[
        Mapping[str, Count],
        Keys({part: f"records {hours}" for part, hours in zip(PARTS_OF_DAY, _HOURS, strict=True)}),
        "records by part of the day",
    ]
    day_of_week: Annotated[Mapping[str, Count], Keys({day: f"records of {day}s" for day in DAYS}), "records by weekday"]
    queue_wait_unknown: Annotated[Count, "records without a queue wait"]
    queue_wait_mean_seconds: Annotated[
        float | None, Limits(0), Decimals(3), "mean of the known queue waits, in seconds; null when none is known"
    ]


@dataclass(frozen=True)
class History:
    """Figures of earlier contacts of the same customer, and of the load."""

    customer_unknown: Annotated[Count, "records without a history, because customer or time is unknown"]
    first_contacts: Annotated[Count, "records of a customer with no earlier contact"]
    days_since_last_contact_median: Annotated[
        float | None,
        Limits(0),
        Decimals(2),
        "median of the days since the customer's last contact; null when no record has an earlier contact",
    ]
    contacts_last_30_days_mean: Annotated[
        float | None,
        Limits(0),
        Decimals(4),
        "mean number of the customer's contacts in the 30 days before; null when no customer is known",
    ]
    load_last_hour_mean: Annotated[
        float | None,
        Limits(0),
        Decimals(4),
        "mean number of contacts of all customers that began in the hour before; null when no record has a time",
    ]


@dataclass(frozen=True)
class Temporal:
    """Features of time and history: how the records are distributed."""

    clock: Annotated[Clock, INLINE]
    history: Annotated[History, INLINE]
