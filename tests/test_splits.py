import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plateau.core.errors import BadInputError
from plateau.core.figures import to_json
from plateau.core.system import SPLITS
from plateau.data import fields, parquet
from plateau.data.records import SCHEMA, parse_time
from plateau.splits import assignment, near, partition
from tests.contracts import metrics_problems

TARGET = {"properties": {"label": {"enum": ["a", "b"]}, "done": {"type": "boolean"}, "note": {"type": "string"}}}


def known(
    times: assignment.Ints, groups: assignment.Ints, texts: assignment.Ints, clusters: assignment.Ints
) -> assignment.Known:
    """Facts for a split; equal texts are in one cluster, as they are in life."""
    first = np.unique(texts, return_index=True, return_inverse=True)
    clusters = clusters[first[1]][first[2]]
    labels = np.stack([groups % 3, texts % 2], axis=1)
    return assignment.Known(times, groups, texts, clusters, labels, (texts[:, None] % 256).astype(np.uint8))


@st.composite
def cases(draw: Any) -> tuple[assignment.Known, assignment.Sizes]:
    count = draw(st.integers(3, 60))
    whole = st.integers(0, draw(st.integers(1, 80)))
    columns = [np.array(draw(st.lists(whole, min_size=count, max_size=count)), np.int64) for _ in range(4)]
    train = draw(st.none() | st.integers(1, 10))
    facts = known(np.sort(columns[0]), *columns[1:])
    return facts, assignment.Sizes(train, draw(st.integers(1, 8)), draw(st.integers(1, 8)))


@given(case=cases(), strategy=st.sampled_from(["time", "random"]), seed=st.integers(0, 5))
def test_whatever_the_data_nothing_leaks_or_the_error_is_clear(case: Any, strategy: str, seed: int) -> None:
    facts, sizes = case
    try:
        made = assignment.split(facts, strategy, sizes, seed)
    except BadInputError as error:
        assert "too few rows" in str(error)  # noqa: PT017
        return
    rows = made.rows
    for codes in (facts.groups, facts.texts, facts.clusters, np.arange(len(facts.times))):
        assert set(assignment.shared({name: codes[rows[name]] for name in SPLITS}).values()) == {0}
    assert (len(rows["valid"]), len(rows["test"])) == (sizes.valid, sizes.test)
    assert len(rows["train"]) == sizes.train if sizes.train else len(rows["train"]) >= 1
    assert sum(map(len, rows.values())) + sum(made.dropped.values()) == len(facts.times)
    assert all(np.all(np.diff(numbers) > 0) for numbers in rows.values())
    if strategy == "time":
        assert assignment.is_ordered({name: facts.times[rows[name]] for name in SPLITS})


@given(case=cases(), strategy=st.sampled_from(["time", "random"]))
def test_the_same_seed_draws_the_same_rows(case: Any, strategy: str) -> None:
    try:
        first, second = (assignment.split(*case[:1], strategy, case[1], 1) for _ in range(2))
    except BadInputError:
        return
    assert all(np.array_equal(first.rows[name], second.rows[name]) for name in SPLITS)


def plain(count: int, strategy: str = "time", train: int | None = 20, seed: int = 0) -> assignment.Split:
    numbers = np.arange(count, dtype=np.int64)
    facts = assignment.Known(*[numbers] * 4, np.zeros((count, 1), np.int64), np.zeros((count, 2), np.uint8))
    return assignment.split(facts, strategy, assignment.Sizes(train, 10, 10), seed)


def test_the_test_keeps_the_latest_rows_and_the_train_subset_spans_its_period() -> None:
    made = plain(1000)
    assert made.rows["test"].tolist() == list(range(990, 1000))
    assert made.rows["valid"].tolist() == list(range(980, 990))
    assert (np.diff(np.array([0, *made.rows["train"], 979])) < 3 * 980 / 20).all()


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


WORDS = [f"word{number}" for number in range(300)]


def said(number: int) -> str:
    return " ".join(np.random.default_rng(number).choice(WORDS, 40))


def records(count: int = 60) -> pa.Table:
    """A row in seven without a customer; row 5 says what row 4 says, row 7 nearly what row 55 says."""
    first = dt.datetime(2025, 1, 1, 10, tzinfo=dt.UTC)
    start = [(first + dt.timedelta(days=n // 3, seconds=n % 3)).isoformat() for n in range(count)]
    texts = {5: said(4), 7: f"{said(55)} and more"}
    rows = [
        {
            "id": f"c{number}",
            "start": start[number],
            "start_utc": parse_time(start[number]),
            "customer_id": f"k{number % 40}" if number % 7 else None,
            "turns": [{"role": "customer", "text": texts.get(number, said(number)), "time": None}],
            "target": json.dumps({"label": "ab"[number % 2], **({"done": True} if number % 3 else {}), "note": "x"}),
        }
        for number in range(count)
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


OPTIONS = {
    "strategy": "time",
    "train_size": None,
    "valid_size": 5,
    "test_size": 10,
    "group_by": "customer_id",
    "near_duplicates": 0.7,
    "review_rows": 10,
    "column": None,
    "calibration_size": 0,
    "blind_size": 0,
    "test_from": None,
    "valid_from": None,
}


def divided(
    folder: Path, table: pa.Table, **options: Any
) -> tuple[partition.Survey, partition.Divided, dict[str, Path]]:
    """The split of a table, and its files."""
    source = folder / "temporal.parquet"
    parquet.write(source, table.schema, table.to_batches(max_chunksize=7))
    known = partition.survey(source, fields.fields(TARGET), {**OPTIONS, **options})
    made = partition.divide(known, {**OPTIONS, **options}, 0)
    paths = {name: folder / f"{name}.parquet" for name in SPLITS}
    partition.write(known, made, paths)
    return known, made, paths


def test_the_proof_is_counted_from_the_files_and_follows_its_schema(tmp_path: Path) -> None:
    known, made, paths = divided(tmp_path, records())
    summary = to_json(partition.summary(paths, known, made, OPTIONS))
    assert metrics_problems("split", summary) == []
    assert summary["ordered_in_time"]
    assert made.dropped["repeated_conversation"] == 1
    assert made.dropped["near_duplicate_in_later_split"] == 1
    assert summary["near_duplicates"] == {"pairs": 1, "rows": 2}
    assert set(summary["classes"]) == set(summary["label_drift"]) == {"label", "done"}
    assert sum(summary["classes"]["done"]["test"].values()) == 10
    assert "(none)" in summary["classes"]["done"]["train"]


def test_the_files_hold_the_rows_chosen_in_order_of_time_whatever_the_order_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "shuffled").mkdir()
    table = records()
    shuffled = table.take(pa.array(np.random.default_rng(0).permutation(len(table))))
    first, second = (divided(folder, one)[2] for folder, one in ((tmp_path, table), (tmp_path / "shuffled", shuffled)))
    for name in SPLITS:
        found = parquet.read(first[name])
        assert found.equals(found.sort_by([("start_utc", "ascending"), ("id", "ascending")]))
        assert found["target"].to_pylist() == parquet.read(second[name])["target"].to_pylist() or name == "train"
    assert parquet.read(first["test"]).equals(parquet.read(second["test"]))


@pytest.mark.parametrize("leak", ["id", "customer_id", "turns"])
def test_the_proof_finds_a_planted_leak(leak: str, tmp_path: Path) -> None:
    known, made, paths = divided(tmp_path, records())
    train, test = parquet.read(paths["train"]), parquet.read(paths["test"])
    stolen, rest = train[leak][1:2].combine_chunks(), test[leak][1:].combine_chunks()
    test = test.set_column(SCHEMA.get_field_index(leak), leak, pa.concat_arrays([stolen, rest]))
    parquet.write(paths["test"], test.schema, test.to_batches())
    key = {"id": "shared_ids", "customer_id": "shared_groups", "turns": "shared_conversations"}[leak]
    assert to_json(partition.summary(paths, known, made, OPTIONS))[key] == {
        "train_valid": 0,
        "train_test": 1,
        "valid_test": 0,
    }


def test_the_proof_finds_a_planted_near_duplicate(tmp_path: Path) -> None:
    known, made, paths = divided(tmp_path, records())
    ids = known.ids.to_pylist()
    numbers = np.append(made.rows["train"], ids.index("c7"))
    parquet.write(paths["train"], parquet.schema(known.path), parquet.pick(known.path, numbers))
    found = to_json(partition.summary(paths, known, made, OPTIONS))["shared_near_duplicates"]
    assert found == {"train_valid": 0, "train_test": 1, "valid_test": 0}


def test_near_duplicates_join_groups_in_a_random_split(tmp_path: Path) -> None:
    known, made, paths = divided(tmp_path, records(), strategy="random", group_by=None)
    where = {row: name for name in SPLITS for row in made.rows[name].tolist()}
    assert where.get(7) == where.get(55) or None in (where.get(7), where.get(55))
    assert set(to_json(partition.summary(paths, known, made, OPTIONS))["shared_near_duplicates"].values()) == {0}


def test_rows_without_a_group_are_groups_of_their_own() -> None:
    codes = partition.codes(pa.chunked_array([["a", None], ["a", None, ""]]))
    assert codes[0] == codes[2]
    assert len(set(codes.tolist())) == 4


def test_an_unknown_column_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"split\.group_by: no column 'shop'; the records have id, start"):
        divided(tmp_path, records(), group_by="shop")


def test_a_very_long_conversation_costs_no_more_than_its_size() -> None:
    table = records()
    long = [[{"role": "agent", "text": "x" * 20_000, "time": None}] * 500, *table["turns"].to_pylist()[1:]]
    table = table.set_column(SCHEMA.get_field_index("turns"), "turns", pa.array(long, SCHEMA.field("turns").type))
    before = pa.total_allocated_bytes()
    assert len(set(near.texts_of(table["turns"].combine_chunks()))) == len(table) - 1
    assert pa.default_memory_pool().max_memory() - before < 200_000_000
