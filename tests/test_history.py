import datetime as dt
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from plateau.core.figures import to_json
from plateau.data import history

START = dt.datetime(2025, 1, 1)
# Minutes on a coarse grid, so that moments coincide and windows end exactly on a contact.
CONTACTS = st.lists(
    st.tuples(
        st.integers(0, 12).map(lambda tens: tens * 30 * 24 * 6), st.integers(0, 7), st.sampled_from("abc") | st.none()
    ),
    min_size=1,
    max_size=40,
).map(lambda rows: [(START + dt.timedelta(minutes=10 * (days // 6 + minutes)), who) for days, minutes, who in rows])


def features(contacts: list[tuple[dt.datetime, str | None]]) -> list[tuple[Any, ...]]:
    utc = np.array([moment for moment, _ in contacts], "datetime64[us]")
    columns = history.features(utc, pa.array([who for _, who in contacts], pa.string()))
    assert list(columns) == ["days_since_last_contact", "contacts_last_30_days", "load_last_hour"]
    return list(zip(*(column.to_pylist() for column in columns.values()), strict=True))


def by_hand(contacts: list[tuple[dt.datetime, str | None]]) -> list[tuple[Any, ...]]:
    made = []
    for moment, who in contacts:
        own = [other for other, name in contacts if name == who and other < moment]
        recent = [other for other in own if other >= moment - dt.timedelta(days=30)]
        load = [other for other, _ in contacts if moment - dt.timedelta(hours=1) <= other < moment]
        days = round((moment - max(own)) / dt.timedelta(days=1), 2) if own and who else None
        made.append((days, len(recent) if who else None, len(load)))
    return made


@given(contacts=CONTACTS)
def test_vectors_give_what_a_loop_gives(contacts: list[tuple[dt.datetime, str | None]]) -> None:
    assert features(contacts) == by_hand(contacts)


@given(contacts=CONTACTS, data=st.data())
def test_no_feature_changes_when_later_records_are_removed(
    contacts: list[tuple[dt.datetime, str | None]], data: Any
) -> None:
    """Nor when contacts of the same moment are: what is kept is everything strictly earlier, and the record itself."""
    last = data.draw(st.integers(0, len(contacts) - 1))
    kept = [number for number, (moment, _) in enumerate(contacts) if moment < contacts[last][0] or number == last]
    whole, part = features(contacts), features([contacts[number] for number in kept])
    assert [whole[number] for number in kept] == part


@given(contacts=CONTACTS, seed=st.integers(0, 100))
def test_the_order_of_the_records_does_not_matter(contacts: list[tuple[dt.datetime, str | None]], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(contacts)).tolist()
    assert features([contacts[number] for number in order]) == [features(contacts)[number] for number in order]


def test_the_summary_counts_first_contacts_and_unknown_customers() -> None:
    columns = history.features(
        np.array(["2025-01-01", "2025-01-03", "2025-01-03"], "datetime64[us]"), pa.array(["a", "a", None])
    )
    assert to_json(history.summary(columns)) == {
        "customer_unknown": 1,
        "first_contacts": 1,
        "days_since_last_contact_median": 2.0,
        "contacts_last_30_days_mean": 0.5,
        "load_last_hour_mean": 0.0,
    }
