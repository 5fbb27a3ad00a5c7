import json
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plateau import partition, splits
from plateau.errors import BadInputError
from plateau.files import read_json
from plateau.records import SCHEMA, parse_time
from plateau.system import SHARED_SCHEMAS, SPLITS

TARGET = {"properties": {"label": {"enum": ["a", "b"]}, "done": {"type": "boolean"}, "note": {"type": "string"}}}


@st.composite
def cases(draw: Any) -> tuple[splits.Ints, splits.Ints, splits.Ints, splits.Sizes]:
    count = draw(st.integers(3, 60))
    whole = st.integers(0, draw(st.integers(1, 80)))
    columns = [np.array(draw(st.lists(whole, min_size=count, max_size=count)), np.int64) for _ in range(3)]
    train = draw(st.none() | st.integers(1, 10))
    return (
        np.sort(columns[0]),
        columns[1],
        columns[2],
        splits.Sizes(train, draw(st.integers(1, 8)), draw(st.integers(1, 8))),
    )


@given(case=cases(), strategy=st.sampled_from(["time", "random"]), seed=st.integers(0, 5))
def test_whatever_the_data_nothing_leaks_or_the_error_is_clear(case: Any, strategy: str, seed: int) -> None:
    times, groups, texts, sizes = case
    try:
        made = splits.split(times, groups, texts, strategy, sizes, seed)
    except BadInputError as error:
        assert "too few rows" in str(error)  # noqa: PT017
        return
    rows = made.rows
    for codes in (groups, texts, np.arange(len(times))):
        assert set(splits.shared({name: codes[rows[name]] for name in SPLITS}).values()) == {0}
    assert (len(rows["valid"]), len(rows["test"])) == (sizes.valid, sizes.test)
    assert len(rows["train"]) == sizes.train if sizes.train else len(rows["train"]) >= 1
    assert sum(map(len, rows.values())) + sum(made.dropped.values()) == len(times)
    assert all(np.all(np.diff(numbers) > 0) for numbers in rows.values())
    if strategy == "time":
        assert splits.is_ordered({name: times[rows[name]] for name in SPLITS})


@given(case=cases(), strategy=st.sampled_from(["time", "random"]))
def test_the_same_seed_draws_the_same_rows(case: Any, strategy: str) -> None:
    times, groups, texts, sizes = case
    try:
        first, second = (splits.split(times, groups, texts, strategy, sizes, 1) for _ in range(2))
    except BadInputError:
        return
    assert all(np.array_equal(first.rows[name], second.rows[name]) for name in SPLITS)


def plain(count: int, strategy: str = "time", train: int | None = 20, seed: int = 0) -> splits.Split:
    numbers = np.arange(count, dtype=np.int64)
    return splits.split(numbers, numbers, numbers, strategy, splits.Sizes(train, 10, 10), seed)


def test_the_test_keeps_the_latest_rows_and_the_train_subset_spans_its_period() -> None:
    made = plain(1000)
    assert made.rows["test"].tolist() == list(range(990, 1000))
    assert made.rows["valid"].tolist() == list(range(980, 990))
    assert (np.diff(np.array([0, *made.rows["train"], 979])) < 2 * 980 / 20).all()


def test_another_seed_draws_another_train_subset_but_the_same_test() -> None:
    first, second = plain(1000, seed=0), plain(1000, seed=1)
    assert not np.array_equal(first.rows["train"], second.rows["train"])
    assert np.array_equal(first.rows["test"], second.rows["test"])
    assert not np.array_equal(plain(1000, "random", seed=0).rows["test"], plain(1000, "random", seed=1).rows["test"])


def test_no_train_size_keeps_all_that_is_left() -> None:
    assert len(plain(1000, train=None).rows["train"]) == 980


def test_too_few_rows_say_what_to_lower() -> None:
    with pytest.raises(BadInputError, match=r"there are 39 different conversations, .* lower split\.train_size"):
        plain(39)


def records(count: int = 60) -> pa.Table:
    start = [f"2025-01-{1 + number // 3:02}T10:00:0{number % 3}+00:00" for number in range(count)]
    rows = [
        {
            "id": f"c{number}",
            "start": start[number],
            "start_utc": parse_time(start[number]),
            "customer_id": f"k{number % 40}" if number % 7 else None,
            "turns": [{"role": "customer", "text": f"Hello {number if number != 5 else 4}.", "time": None}],
            "target": json.dumps({"label": "ab"[number % 2], **({"done": True} if number % 3 else {}), "note": "x"}),
        }
        for number in range(count)
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


OPTIONS = {"strategy": "time", "train_size": None, "valid_size": 5, "test_size": 10, "group_by": "customer_id"}


def test_the_proof_is_counted_from_the_tables_and_follows_its_schema() -> None:
    tables, dropped = partition.divide(records(), OPTIONS, 0)
    summary = partition.summary(tables, dropped, OPTIONS, TARGET)
    jsonschema.validate(summary, read_json(SHARED_SCHEMAS / "metrics" / "split.schema.json"))
    assert summary["ordered_in_time"]
    assert dropped["repeated_conversation"] == 1
    assert set(summary["classes"]) == {"label", "done"}
    assert sum(summary["classes"]["done"]["test"].values()) == 10
    assert "absent" in summary["classes"]["done"]["train"]


@pytest.mark.parametrize("leak", ["id", "customer_id", "turns"])
def test_the_proof_finds_a_planted_leak(leak: str) -> None:
    tables, dropped = partition.divide(records(), OPTIONS, 0)
    stolen = tables["train"][leak][1:2].combine_chunks()
    rest = tables["test"][leak][1:].combine_chunks()
    tables["test"] = tables["test"].set_column(SCHEMA.get_field_index(leak), leak, pa.concat_arrays([stolen, rest]))
    summary = partition.summary(tables, dropped, OPTIONS, TARGET)
    key = {"id": "shared_ids", "customer_id": "shared_groups", "turns": "shared_conversations"}[leak]
    assert summary[key] == {"train_valid": 0, "train_test": 1, "valid_test": 0}


def test_rows_without_a_group_are_groups_of_their_own() -> None:
    codes = partition.codes(pa.chunked_array([["a", None], ["a", None, ""]]))
    assert codes[0] == codes[2]
    assert len(set(codes.tolist())) == 4


def test_an_unknown_column_is_a_clear_error() -> None:
    with pytest.raises(BadInputError, match=r"split\.group_by: no column 'shop'; the records have id, start"):
        partition.divide(records(), {**OPTIONS, "group_by": "shop"}, 0)


def test_a_very_long_conversation_costs_no_more_than_its_size() -> None:
    table = records()
    long = [[{"role": "agent", "text": "x" * 20_000, "time": None}] * 500, *table["turns"].to_pylist()[1:]]
    table = table.set_column(SCHEMA.get_field_index("turns"), "turns", pa.array(long, SCHEMA.field("turns").type))
    before = pa.total_allocated_bytes()
    assert len(set(partition.texts_of(table).tolist())) == len(table) - 1
    assert pa.default_memory_pool().max_memory() - before < 200_000_000
