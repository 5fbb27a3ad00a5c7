"""What clock and calendar say about a moment, on whole vectors: local time, weekday, business hours, holidays, season.

Every feature of a row depends on that row's time and on params alone.
"""

import datetime as dt
import difflib
import zoneinfo
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from plateau.errors import BadInputError

Times = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PARTS_OF_DAY = ("night", "morning", "afternoon", "evening")
DAY_MINUTES = 24 * 60


def features(utc: Times, options: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """Columns timestamp, time_of_day, day_of_week, business_hours and peak_season of UTC times (datetime64[us], [N])."""
    local = to_local(utc, options["time_zone"])
    return {
        "timestamp": np.datetime_as_string(local.astype("datetime64[s]")),
        "time_of_day": time_of_day(local),
        "day_of_week": np.array(DAYS)[weekday(local)],
        "business_hours": business_hours(local, options["business_hours"], options["holidays"]),
        "peak_season": np.isin(month(local), options["peak_months"]),
    }


def to_local(utc: Times, time_zone: str) -> Times:
    """Wall-clock times in an IANA time zone, daylight saving included. Offsets are looked up once a distinct minute."""
    zone = _zone(time_zone)
    minutes, places = np.unique(utc.astype("datetime64[m]"), return_inverse=True)
    offsets = [_offset(minute, zone) for minute in minutes.astype("datetime64[s]").tolist()]
    local: Times = utc + np.array(offsets, dtype="timedelta64[s]")[places]
    return local


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        close = difflib.get_close_matches(name, sorted(zoneinfo.available_timezones()), n=1)
        hint = f"did you mean '{close[0]}'?" if close else "use an IANA name such as Europe/Berlin"
        raise BadInputError(f"temporal.time_zone: '{name}' is no known time zone; {hint}") from None


def _offset(utc: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.timedelta:
    return utc.replace(tzinfo=dt.UTC).astimezone(zone).utcoffset() or dt.timedelta(0)


def minute_of_day(local: Times) -> Ints:
    """Minutes since midnight, 0 to 1439."""
    midnight = local.astype("datetime64[D]")
    minutes: Ints = (local - midnight).astype("timedelta64[m]").astype(np.int64)
    return minutes


def weekday(local: Times) -> Ints:
    """0 for Monday to 6 for Sunday; 1 January 1970 was a Thursday."""
    return (local.astype("datetime64[D]").astype(np.int64) + 3) % 7


def month(local: Times) -> Ints:
    """1 to 12."""
    return local.astype("datetime64[M]").astype(np.int64) % 12 + 1


def time_of_day(local: Times) -> npt.NDArray[np.str_]:
    """Night (0 to 6 o'clock), morning (to 12), afternoon (to 18) or evening."""
    return np.array(PARTS_OF_DAY)[minute_of_day(local) // (6 * 60)]


def business_hours(local: Times, hours: Mapping[str, Sequence[str]], country: str | None) -> Bools:
    """Whether the centre is open: within the hours of a weekday that is no holiday.

    Hours that end at or before they begin run past midnight and belong to the day on which they began.
    """
    opening, closing = _opening_hours(hours)
    days = local.astype("datetime64[D]")
    yesterdays = (days.astype(np.int64) - 1).astype("datetime64[D]")
    closed, closed_before = holidays(days, country), holidays(yesterdays, country)
    minute, today = minute_of_day(local), weekday(local)
    before = (today - 1) % 7
    since_today = (opening[today] <= minute) & (minute < closing[today]) & ~closed
    since_before = (opening[before] <= minute + DAY_MINUTES) & (minute + DAY_MINUTES < closing[before]) & ~closed_before
    return since_today | since_before


def _opening_hours(hours: Mapping[str, Sequence[str]]) -> tuple[Ints, Ints]:
    """Opening and closing minute of each weekday, Monday first; closing may pass 1440; a closed day never opens."""
    opening, closing = np.full(7, 2 * DAY_MINUTES), np.zeros(7, np.int64)
    for name, (first, last) in hours.items():
        day = DAYS.index(name.capitalize())
        opening[day], closing[day] = _minutes(first), _minutes(last)
        closing[day] += DAY_MINUTES * (closing[day] <= opening[day])
    return opening, closing


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def holidays(days: Times, country: str | None) -> Bools:
    """Whether each day is a public holiday of a country (`US`) or a part of it (`US-CA`); never for None."""
    if country is None or not days.size:
        return np.zeros(days.shape, np.bool_)
    years = np.unique(days.astype("datetime64[Y]")).astype(np.int64) + 1970
    code, _, part = country.partition("-")
    import holidays as library

    try:
        dates = library.country_holidays(code, subdiv=part or None, years=years.tolist())
    except NotImplementedError:
        raise BadInputError(
            f"temporal.holidays: '{country}' is no country code of the holidays library, such as US or US-CA; null for none"
        ) from None
    return np.isin(days, np.array(sorted(dates), dtype="datetime64[D]"))


def summary(columns: Mapping[str, npt.NDArray[Any]], waits: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Figures for metrics/temporal.json; `waits` are queue waits in seconds, NaN where unknown."""
    known = waits[~np.isnan(waits)]
    return {
        "rows": len(waits),
        "earliest": min(columns["timestamp"].tolist()),
        "latest": max(columns["timestamp"].tolist()),
        "business_hours_share": round(float(columns["business_hours"].mean()), 6),
        "peak_season_share": round(float(columns["peak_season"].mean()), 6),
        "time_of_day": {part: int((columns["time_of_day"] == part).sum()) for part in PARTS_OF_DAY},
        "day_of_week": {day: int((columns["day_of_week"] == day).sum()) for day in DAYS},
        "queue_wait_unknown": len(waits) - len(known),
        "queue_wait_mean_seconds": round(float(known.mean()), 3) if known.size else None,
    }
