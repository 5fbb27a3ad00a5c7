"""Calendar features of start times, on whole vectors: local time, weekday, business hours, holidays, season.

Each feature of a row depends only on its time and on params. Features that need earlier contacts are in plateau.data.history.
"""

import datetime as dt
import difflib
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from plateau.core.errors import BadInputError
from plateau.metrics.temporal import DAYS, PARTS_OF_DAY, Clock

Times = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

DAY_MINUTES = 24 * 60


@dataclass(frozen=True)
class Closed:
    """Days on which the centre is closed: public holidays of a country (`US`) or a part of it (`US-CA`), and dates (ISO 8601)."""

    country: str | None = None
    dates: tuple[str, ...] = ()

    def on(self, days: Times) -> Bools:
        """Whether the centre is closed on each day (datetime64[D])."""
        named = _dates(self.dates)
        if not days.size:
            return np.zeros(days.shape, np.bool_)
        first, last = (int(day.astype("datetime64[Y]").astype(np.int64)) + 1970 for day in (days.min(), days.max()))
        public = _holidays(self.country, tuple(range(first, last + 1))) if self.country else ()
        closed = np.array([*public, *named], dtype="datetime64[D]").astype(np.int64)
        return np.isin(days.astype(np.int64), closed, kind="table" if len(closed) else None)


def _dates(texts: Sequence[str]) -> list[dt.date]:
    """Parse dates; the params schema checks only their shape, so BadInputError for a date such as 2025-02-30."""
    try:
        return [dt.date.fromisoformat(text) for text in texts]
    except ValueError as error:
        raise BadInputError(f"temporal.closed_dates: {error}; write dates as 2025-12-24") from None


@lru_cache(maxsize=64)
def _holidays(country: str, years: tuple[int, ...]) -> tuple[dt.date, ...]:
    code, _, part = country.partition("-")
    import holidays as library

    try:
        return tuple(sorted(library.country_holidays(code, subdiv=part or None, years=years)))
    except NotImplementedError:
        raise BadInputError(
            f"temporal.holidays: '{country}' is no country code of the holidays library, such as US or US-CA; null for none"
        ) from None


def features(utc: Times, options: Mapping[str, Any]) -> dict[str, pa.Array]:
    """Columns timestamp, time_of_day, day_of_week, business_hours, holiday and peak_season of UTC times (datetime64[us], [N]);
    null where there is no time (NaT).
    """
    known = ~np.isnat(utc)
    return spread(known, _features(utc[known], options))


def spread(known: Bools, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """Columns of the rows that are `known`, [N], as columns of all rows: null in the others."""
    if known.all():
        return dict(columns)
    places = pa.array(np.cumsum(known) - 1, mask=~known)
    return {name: column.take(places) for name, column in columns.items()}


def _features(utc: Times, options: Mapping[str, Any]) -> dict[str, pa.Array]:
    local = to_local(utc, options["time_zone"])
    closed = Closed(options["holidays"], tuple(options["closed_dates"]))
    return {
        "timestamp": pc.replace_substring(pa.array(local.astype("datetime64[s]")).cast(pa.string()), " ", "T"),
        "time_of_day": pa.array(PARTS_OF_DAY).take(pa.array(part_of_day(local))),
        "day_of_week": pa.array(DAYS).take(pa.array(weekday(local))),
        "business_hours": pa.array(business_hours(local, options["business_hours"], closed)),
        "holiday": pa.array(closed.on(local.astype("datetime64[D]"))),
        "peak_season": pa.array(np.isin(month(local), options["peak_months"])),
    }


def to_local(utc: Times, time_zone: str) -> Times:
    """Wall-clock times in an IANA time zone, daylight saving included.

    Each distinct day is looked up once; on days when the clocks change, each distinct minute.
    """
    zone = _zone(time_zone)
    days = utc.astype("datetime64[D]").astype(np.int64)
    start = int(days.min()) if days.size else 0
    places = days - start
    midnights = (start + np.flatnonzero(np.bincount(places))).astype("datetime64[D]")
    first, last = np.zeros((2, int(places.max(initial=0)) + 1), "timedelta64[s]")
    first[midnights.astype(np.int64) - start] = _offsets(midnights, zone)
    last[midnights.astype(np.int64) - start] = _offsets((midnights.astype(np.int64) + 1).astype("datetime64[D]"), zone)
    offsets = first[places]
    changing = (first != last)[places]
    if changing.any():
        minutes, where = np.unique(utc[changing].astype("datetime64[m]"), return_inverse=True)
        offsets[changing] = _offsets(minutes, zone)[where]
    local: Times = utc + offsets
    return local


def _offsets(times: Times, zone: zoneinfo.ZoneInfo) -> npt.NDArray[np.timedelta64]:
    """Offsets from UTC at UTC times."""
    moments = times.astype("datetime64[s]").tolist()
    return np.array([_offset(moment, zone) for moment in moments], dtype="timedelta64[s]")


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        close = difflib.get_close_matches(name, sorted(zoneinfo.available_timezones()), n=1)
        hint = f"did you mean '{close[0]}'?" if close else "use an IANA name such as Europe/Berlin"
        raise BadInputError(f"temporal.time_zone: '{name}' is no known time zone; {hint}") from None


@lru_cache(maxsize=1 << 16)
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


def part_of_day(local: Times) -> Ints:
    """Which of PARTS_OF_DAY: night (0 to 6 o'clock), morning (to 12), afternoon (to 18) or evening."""
    return minute_of_day(local) // (6 * 60)


def business_hours(local: Times, hours: Mapping[str, str], closed_on: Closed) -> Bools:
    """Whether the centre is open: inside the hours of that weekday, and not on a holiday.

    Hours whose end is not after their start run past midnight and belong to the day on which they started.
    """
    opening, closing = _opening_hours(hours)
    days = local.astype("datetime64[D]")
    yesterdays = (days.astype(np.int64) - 1).astype("datetime64[D]")
    closed, closed_before = closed_on.on(days), closed_on.on(yesterdays)
    minute, today = minute_of_day(local), weekday(local)
    before = (today - 1) % 7
    since_today = (opening[today] <= minute) & (minute < closing[today]) & ~closed
    since_before = (opening[before] <= minute + DAY_MINUTES) & (minute + DAY_MINUTES < closing[before]) & ~closed_before
    return since_today | since_before


def _opening_hours(hours: Mapping[str, str]) -> tuple[Ints, Ints]:
    """Opening and closing minute of each weekday, Monday first; closing may pass 1440; a closed day never opens."""
    opening, closing = np.full(7, 2 * DAY_MINUTES), np.zeros(7, np.int64)
    for name, span in hours.items():
        day = DAYS.index(name.capitalize())
        opening[day], closing[day] = map(_minutes, span.split("-"))
        closing[day] += DAY_MINUTES * (closing[day] <= opening[day])
    return opening, closing


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def summary(columns: Mapping[str, pa.Array], waits: pa.ChunkedArray) -> Clock:
    """The calendar figures of metrics/temporal.json; `waits` are queue waits in seconds."""
    rows, ends = len(waits), pc.min_max(columns["timestamp"]).as_py()
    timed = rows - columns["timestamp"].null_count

    def share(name: str) -> float | None:
        return columns[name].true_count / timed if timed else None

    counts = {
        name: {one["values"]: one["counts"] for one in columns[name].value_counts().to_pylist()}
        for name in ("time_of_day", "day_of_week")
    }
    known = rows - waits.null_count
    return Clock(
        rows=rows,
        earliest=ends["min"],
        latest=ends["max"],
        start_unknown=rows - timed,
        business_hours_share=share("business_hours"),
        holiday_share=share("holiday"),
        peak_season_share=share("peak_season"),
        time_of_day={part: counts["time_of_day"].get(part, 0) for part in PARTS_OF_DAY},
        day_of_week={day: counts["day_of_week"].get(day, 0) for day in DAYS},
        queue_wait_unknown=waits.null_count,
        queue_wait_mean_seconds=pc.mean(waits).as_py() if known else None,
    )
