import datetime as dt
import zoneinfo
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plateau.core.errors import BadInputError
from plateau.data import calendar

OPTIONS: dict[str, Any] = {
    "time_zone": "America/New_York",
    "business_hours": {"monday": "08:00-20:00", "thursday": "08:00-20:00", "saturday": "22:00-06:00"},
    "holidays": "US",
    "closed_dates": ["2025-03-06"],
    "peak_months": [1, 12],
}
ZONES = st.sampled_from(
    ["America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Apia", "Australia/Lord_Howe", "UTC"]
)
MOMENTS = st.lists(st.datetimes(dt.datetime(1971, 1, 1), dt.datetime(2100, 1, 1)), min_size=1, max_size=20)


def utc(*moments: str) -> calendar.Times:
    return np.array(moments, "datetime64[us]")


def one(moment: str, **options: Any) -> dict[str, Any]:
    return {name: column[0].as_py() for name, column in calendar.features(utc(moment), {**OPTIONS, **options}).items()}


def test_the_seeds_example_of_a_wednesday_is_a_thursday() -> None:
    assert one("2026-01-15T19:30:00") == {
        "timestamp": "2026-01-15T14:30:00",
        "time_of_day": "afternoon",
        "day_of_week": "Thursday",
        "business_hours": True,
        "holiday": False,
        "peak_season": True,
    }


def test_daylight_saving_shifts_the_wall_clock() -> None:
    local = calendar.to_local(
        utc("2025-03-09T06:59:59", "2025-03-09T07:00:00", "2025-11-02T05:59:59", "2025-11-02T06:00:00"),
        "America/New_York",
    )
    assert [str(time)[11:19] for time in local] == ["01:59:59", "03:00:00", "01:59:59", "01:00:00"]


@given(moments=MOMENTS, zone=ZONES)
def test_local_time_and_weekday_are_those_of_the_standard_library(moments: list[dt.datetime], zone: str) -> None:
    expected = [moment.replace(tzinfo=dt.UTC).astimezone(zoneinfo.ZoneInfo(zone)) for moment in moments]
    local = calendar.to_local(np.array(moments, "datetime64[us]"), zone)
    assert local.tolist() == [time.replace(tzinfo=None) for time in expected]
    assert [calendar.DAYS[day] for day in calendar.weekday(local)] == [time.strftime("%A") for time in expected]
    assert calendar.month(local).tolist() == [time.month for time in expected]
    assert calendar.minute_of_day(local).tolist() == [time.hour * 60 + time.minute for time in expected]


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2025-03-03T12:59:59", False),
        ("2025-03-03T13:00:00", True),
        ("2025-03-04T00:59:59", True),
        ("2025-03-04T01:00:00", False),
        ("2025-03-04T17:00:00", False),
        ("2025-03-02T03:00:00", True),
        ("2025-03-02T10:59:59", True),
        ("2025-03-02T11:00:00", False),
        ("2025-11-27T15:00:00", False),
        ("2025-09-01T15:00:00", False),
    ],
    ids=[
        "before",
        "opens",
        "last minute",
        "closes",
        "closed day",
        "night shift",
        "past midnight",
        "night over",
        "Thanksgiving",
        "Labor Day",
    ],
)
def test_business_hours_follow_weekday_holiday_and_night_shifts(moment: str, is_open: bool) -> None:
    assert one(moment)["business_hours"] == is_open


def test_without_a_country_there_are_no_holidays() -> None:
    assert one("2025-11-27T15:00:00", holidays=None)["business_hours"]
    assert one("2025-11-27T15:00:00")["holiday"]


def test_holidays_of_a_part_of_a_country_and_dates_of_the_user_close_the_centre() -> None:
    assert not one("2025-03-06T15:00:00")["business_hours"]
    assert one("2025-03-13T15:00:00")["business_hours"]
    assert [one("2025-03-31T17:00:00", holidays=place)["holiday"] for place in ("US", "US-CA")] == [False, True]


@given(moments=MOMENTS)
def test_days_when_the_clocks_change_are_right_to_the_minute(moments: list[dt.datetime]) -> None:
    changes = [dt.datetime(2025, 3, 9, 7), dt.datetime(2025, 11, 2, 6), *moments]
    near = [moment + dt.timedelta(minutes=shift) for moment in changes for shift in (-1, 0, 1)]
    zone = zoneinfo.ZoneInfo("America/New_York")
    expected = [moment.replace(tzinfo=dt.UTC).astimezone(zone).replace(tzinfo=None) for moment in near]
    assert calendar.to_local(np.array(near, "datetime64[us]"), "America/New_York").tolist() == expected


@pytest.mark.parametrize(
    ("hour", "part"), [(0, "night"), (5, "night"), (6, "morning"), (12, "afternoon"), (18, "evening"), (23, "evening")]
)
def test_parts_of_the_day(hour: int, part: str) -> None:
    assert one(f"2025-06-02T{hour:02}:59:59", time_zone="UTC")["time_of_day"] == part


@given(moments=MOMENTS, keep=st.integers(0, 19))
def test_features_of_a_record_do_not_depend_on_other_records(moments: list[dt.datetime], keep: int) -> None:
    keep %= len(moments)
    whole = calendar.features(np.array(moments, "datetime64[us]"), OPTIONS)
    alone = calendar.features(np.array(moments[keep : keep + 1], "datetime64[us]"), OPTIONS)
    assert {name: column[keep] for name, column in whole.items()} == {name: column[0] for name, column in alone.items()}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_zone": "America/New_Yrok"}, "did you mean 'America/New_York'"),
        ({"time_zone": "../etc/passwd"}, "no known time zone"),
        ({"holidays": "XX"}, "no country code"),
        ({"closed_dates": ["2025-02-30"]}, "closed_dates: day is out of range"),
    ],
)
def test_an_unknown_zone_or_country_is_one_clear_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInputError, match=message) as caught:
        one("2025-06-02T10:00:00", **options)
    assert "\n" not in str(caught.value)
