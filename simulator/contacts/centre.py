"""When customers call and how long they hold: opening hours, weekdays, holidays, peak season, and queues that follow load."""

import datetime as dt
import math
import random
from bisect import bisect
from collections.abc import Iterator
from itertools import accumulate
from zoneinfo import ZoneInfo

TIME_ZONE = ZoneInfo("America/New_York")
PEAK_MONTHS = (1, 11, 12)
LONG_WAIT_SECONDS = 300

_OPEN_HOURS = {**dict.fromkeys(range(5), (8, 20)), 5: (9, 17), 6: (0, 0)}
_DAY_VOLUME = (1.3, 1.1, 1.0, 1.0, 1.05, 0.9, 0.6)
_HOUR_VOLUME = dict(zip(range(8, 20), (0.7, 1.0, 1.35, 1.3, 1.1, 0.95, 1.0, 1.1, 1.2, 1.15, 0.9, 0.7), strict=True))
_PEAK_VOLUME = 1.35
_MEAN_WAIT_SECONDS = 130.0


def is_open(local: dt.datetime) -> bool:
    """Whether the centre is fully staffed at this local hour; an emergency desk answers at other times."""
    opens, closes = _OPEN_HOURS[local.weekday()]
    return opens <= local.hour < closes


def volume(local: dt.datetime) -> float:
    """Expected calls in this local hour, relative to an average open hour."""
    season = _PEAK_VOLUME if local.month in PEAK_MONTHS else 1.0
    hour = _HOUR_VOLUME.get(local.hour, 0.2 if 6 <= local.hour < 23 else 0.06)
    return season * _DAY_VOLUME[local.weekday()] * hour * (1.0 if is_open(local) else 0.25)


def load(local: dt.datetime) -> float:
    """Expected calls an agent on shift in this local hour; 1 is a normal day. Staff follows hours, not season."""
    staff = 1.0 if is_open(local) else 0.2
    return volume(local) / staff


def draw_wait(local: dt.datetime, rng: random.Random) -> int:
    """Seconds in the queue: exponential, with a mean that grows with the square of the load."""
    mean = _MEAN_WAIT_SECONDS * load(local) ** 2
    return min(3600, int(5 + mean * (0.3 - 0.7 * math.log(1.0 - rng.random()))))


def draw_starts(count: int, first: dt.date, last: dt.date, rng: random.Random) -> Iterator[dt.datetime]:
    """`count` local start times from `first` to `last`, both included, in time order, as frequent as `volume`."""
    hours = list(_hours(first, last))
    totals = list(accumulate(volume(hour) for hour in hours))
    seconds = sorted(
        (bisect(totals, rng.random() * totals[-1], hi=len(hours) - 1), int(rng.random() * 3600)) for _ in range(count)
    )
    for index, second in seconds:
        yield after(hours[index], second)


def after(moment: dt.datetime, seconds: int) -> dt.datetime:
    """Local time `seconds` of real time later, across changes of the clock."""
    return (moment.astimezone(dt.UTC) + dt.timedelta(seconds=seconds)).astimezone(TIME_ZONE)


def _hours(first: dt.date, last: dt.date) -> Iterator[dt.datetime]:
    """Every hour that exists from local midnight of `first` to that after `last`."""
    hour = dt.datetime.combine(first, dt.time(), TIME_ZONE).astimezone(dt.UTC)
    end = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), TIME_ZONE).astimezone(dt.UTC)
    while hour < end:
        yield hour.astimezone(TIME_ZONE)
        hour += dt.timedelta(hours=1)
