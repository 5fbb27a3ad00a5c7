"""Splits that stay: no row that is added moves one of the test, what gives way is counted, and no row is lost without a reason."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plateau.core import checks, params
from plateau.core.errors import BadInputError
from plateau.core.figures import to_json
from plateau.core.system import SPLITS
from plateau.data.records import SCHEMA, WITH_SPLIT
from plateau.evaluation import leaks
from plateau.splits import assignment, fixed, near, partition, yielding
from stages import evaluate
from tests.contracts import metrics_problems
from tests.test_splits import OPTIONS, divided, records, said

SHARES = {**OPTIONS, "strategy": "hash", "valid_size": 0.2, "test_size": 0.2}
ROOT = Path(__file__).parent.parent


def ids(known: partition.Survey, made: partition.Divided) -> dict[str, set[str]]:
    """The ids of each split."""
    return {name: set(known.ids.take(pa.array(rows)).to_pylist()) for name, rows in made.rows.items()}


def row(name: str, customer: str | None, text: str) -> dict[str, Any]:
    turns = [{"role": "customer", "text": text, "time": None}]
    return {"id": name, "customer_id": customer, "turns": turns, "target": '{"label": "a"}'}


def without_time(table: pa.Table) -> pa.Table:
    for name in ("start", "start_utc"):
        place = SCHEMA.get_field_index(name)
        table = table.set_column(place, SCHEMA.field(name), pa.nulls(len(table), SCHEMA.field(name).type))
    return table


def added(table: pa.Table, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.concat_tables([pa.Table.from_pylist(rows, SCHEMA), table])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_no_row_that_is_added_moves_one_of_the_test(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    draw, table = np.random.default_rng(seed), without_time(records())
    known, made, _ = divided(tmp_path_factory.mktemp("before"), table, **SHARES)
    before = ids(known, made)
    texts = dict(zip(known.ids.to_pylist(), known.texts(np.arange(len(known.ids))), strict=True))
    copied = draw.choice(sorted(before["test"]), 6).tolist()
    words = [f"{texts[name].partition(': ')[2]}{' and more' * int(draw.integers(2))}" for name in copied]
    names = [f"{draw.choice(['a', 'new', 'z'])}{number}" for number in range(12)]
    customers = [f"k{draw.integers(60)}" if draw.random() < 0.7 else None for _ in names]
    new = [row(*one) for one in zip(names, customers, [*words, *(said(900 + n) for n in range(6))], strict=True)]
    known, made, _ = divided(tmp_path_factory.mktemp("after"), added(table, new), **SHARES)
    after = ids(known, made)
    assert before["test"] <= after["test"]
    assert not before["train"] & (after["test"] | after["valid"])
    assert after["test"] - before["test"] <= set(names)


def test_no_group_no_text_and_no_near_duplicate_is_in_two_splits_and_all_rows_are_counted(tmp_path: Path) -> None:
    table = without_time(records(400))
    known, made, paths = divided(tmp_path, table, **{**SHARES, "calibration_size": 0.1})
    summary = to_json(partition.summary({n: paths[n] for n in SPLITS if n in paths}, known, made, {**SHARES}))
    assert metrics_problems("split", summary) == []
    for name in ("shared_ids", "shared_groups", "shared_conversations", "shared_near_duplicates"):
        assert set(summary[name].values()) == {0}
    assert sum(map(len, made.rows.values())) + sum(made.dropped.values()) == 400
    assert summary["calibration_rows"] == len(made.rows["calibration"]) > 10
    assert (summary["earliest"]["test"], summary["ordered_in_time"]) == (None, None)


def test_another_size_of_one_split_moves_no_row_of_the_others(tmp_path: Path) -> None:
    found = []
    for number, sizes in enumerate(({}, {"valid_size": 0.3}, {"calibration_size": 0.2})):
        (tmp_path / str(number)).mkdir()
        found.append(ids(*divided(tmp_path / str(number), records(200), **{**SHARES, "group_by": None, **sizes})[:2]))
    assert found[0]["test"] == found[1]["test"] == found[2]["test"]
    assert found[0]["valid"] < found[1]["valid"]
    assert found[0]["valid"] == found[2]["valid"]
    assert not found[2]["calibration"] & (found[2]["train"] | found[2]["valid"] | found[2]["test"])


def test_equal_tests_have_equal_hashes_of_ids(tmp_path: Path) -> None:
    hashes = []
    for number, sizes in enumerate(({}, {"valid_size": 0.3}, {"test_size": 0.3})):
        (tmp_path / str(number)).mkdir()
        options = {**SHARES, **sizes}
        known, made, paths = divided(tmp_path / str(number), records(200), **options)
        hashes.append(partition.summary(paths, known, made, options).test_ids)
    assert hashes[0] == hashes[1] != hashes[2]


def named(names: list[str | None]) -> pa.Table:
    table = without_time(records(len(names)))
    return table.add_column(len(SCHEMA) - 1, WITH_SPLIT.field("split"), pa.array(names, pa.string()))


def test_a_predefined_split_is_kept_but_for_what_leaks_into_its_test(tmp_path: Path) -> None:
    names = [{0: "test", 1: "Validation"}.get(number % 5, "TRAIN") for number in range(60)]
    known, made, _ = divided(tmp_path, named(names), **{**OPTIONS, "column": "split", "group_by": None})
    found = ids(known, made)
    assert found["test"] == {f"c{number}" for number in range(0, 60, 5)}
    assert made.dropped["near_duplicate_in_other_split"] == 1  # c7, nearly what c55 of the test says
    assert found["valid"] == {f"c{number}" for number in range(1, 60, 5)}
    assert "c7" not in found["train"]


def test_a_predefined_split_without_validation_takes_it_from_training(tmp_path: Path) -> None:
    names = [None if number == 3 else "test" if number % 4 == 0 else "train" for number in range(200)]
    known, made, _ = divided(
        tmp_path, named(names), **{**OPTIONS, "column": "split", "group_by": None, "valid_size": 0.2}
    )
    assert made.dropped["no_split_named"] == 1
    assert 15 <= len(made.rows["valid"]) <= 45
    assert ids(known, made)["test"] == {f"c{number}" for number in range(0, 200, 4)}


def test_a_name_that_is_no_split_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(
        BadInputError, match=r"split\.column: it names no split with 'holdout' \(2 rows\); the names are train"
    ):
        divided(tmp_path, named(["train", "holdout", "holdout", "test", "valid"]), **{**OPTIONS, "column": "split"})
    with pytest.raises(BadInputError, match=r"no column 'split'; .* prepare\.mapping\.transcripts\.split says where"):
        divided(tmp_path, records(), column="split")


def test_a_time_split_of_records_without_a_time_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"60 of 60 records have no start; set split\.strategy to hash"):
        divided(tmp_path, without_time(records()))


def test_cuts_in_time_stay_where_they_are_when_later_rows_are_added(tmp_path: Path) -> None:
    cuts = {"test_from": "2025-01-16", "valid_from": "2025-01-14T00:00:00+00:00"}
    found = []
    for number, count in enumerate((60, 90)):
        (tmp_path / str(number)).mkdir()
        found.append(ids(*divided(tmp_path / str(number), records(count), **cuts)[:2]))
    assert found[0]["test"] == {f"c{number}" for number in range(45, 60)}
    assert found[1]["test"] == {f"c{number}" for number in range(45, 90)}
    assert found[1]["valid"] <= found[0]["valid"] <= {f"c{number}" for number in range(39, 45)}
    with pytest.raises(BadInputError, match=r"split\.test_from: no row is as late"):
        divided(tmp_path, records(), test_from="2031-01-01")


def test_calibration_lies_between_validation_and_test_in_time(tmp_path: Path) -> None:
    known, made, _ = divided(tmp_path, records(200), calibration_size=20, group_by=None)
    spans = {name: known.times[rows] for name, rows in made.rows.items()}
    order = ("train", "valid", "calibration", "test")
    assert all(spans[a].max() < spans[b].min() for a, b in pairwise(order))
    assert len(spans["calibration"]) == 20


def chained(count: int = 300) -> tuple[assignment.Known, yielding.Links]:
    """One chain through two thirds of the rows, in which each tenth link is weak, and single rows."""
    numbers = np.arange(count, dtype=np.int64)
    a = np.arange(2 * count // 3 - 1, dtype=np.int64)
    similarity = np.where(a % 10 == 9, 0.7, 0.95)
    clusters = near.components(count, (a, a + 1))
    none = (np.zeros((count, 1), np.int64), np.zeros((count, 2), np.uint8))
    return assignment.Known(numbers, numbers, numbers, clusters, *none), yielding.Links(
        a, a + 1, similarity, 0.7, lambda _: []
    )


def test_a_chain_longer_than_the_test_is_broken_at_its_weakest_links_and_few_rows_are_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known, links = chained()
    monkeypatch.setattr(near, "WINDOW", 1000)  # the links are all there are; no text is compared
    made = assignment.split(known, "random", assignment.Sizes(None, 30, 40), 0, links)
    assert len(made.rows["test"]) == 40
    where = dict.fromkeys(range(300), "") | {n: name for name, rows in made.rows.items() for n in rows.tolist()}
    assert not [n for n in links.a.tolist() if where[n] and where[n + 1] and where[n] != where[n + 1]]
    assert sum(made.dropped.values()) <= 0.1 * 300
    assert sum(map(len, made.rows.values())) + sum(made.dropped.values()) == 300


def test_a_group_larger_than_the_test_trains_and_shares_cut_no_group() -> None:
    groups = np.array([0] * 400 + [1 + n // 3 for n in range(95)], np.int64)
    numbers = np.arange(495, dtype=np.int64)
    none = (np.zeros((495, 1), np.int64), np.zeros((495, 2), np.uint8))
    known = assignment.Known(numbers, groups, numbers, numbers, *none)
    made = assignment.split(known, "random", assignment.Sizes(None, 20, 30), 0)
    assert sum(made.dropped.values()) <= 4
    whole = assignment.split(known, "random", assignment.Sizes(None, 20, 30, whole=True), 0)
    assert sum(whole.dropped.values()) == 0
    assert len(whole.rows["train"]) >= 400


def test_how_strictly_a_split_is_judged_is_no_param_of_the_split() -> None:
    """A third of the test rows have nine tenths of their triples in training."""
    train = [said(number) for number in range(60)]
    test = [f"{said(number)} and" if number < 20 else said(500 + number) for number in range(60)]
    assert near.find([train[0], test[0]], 0.7).similarity[0] < 0.98
    assert leaks.overlap(train, test, leaks.NEAR).leaked_rows == 20
    assert "split.near_duplicates" not in evaluate.PARAMS


def refusals(**split: Any) -> str:
    values = params.check(ROOT / "params.yaml")
    with pytest.raises(BadInputError) as error:
        checks.refuse({**values, "split": {**values["split"], **split}}, "params.yaml")
    return str(error.value)


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (
            {"test_size": 30.5},
            r"split.test_size: 30.5 is not allowed: it must be a whole number of rows, or a share below 1",
        ),
        ({"strategy": "hash"}, "it must be a share of all rows, such as 0.2, with split.strategy hash"),
        ({"strategy": "hash", "valid_size": 0.6, "test_size": 0.5}, "must leave rows for training"),
        ({"test_from": "2025-02-30"}, 'split.test_from: "2025-02-30" is not allowed: it is no moment'),
        ({"test_from": "2025-02-01", "valid_from": "2025-03-01"}, "it must be before split.test_from, 2025-02-01"),
        ({"strategy": "random", "test_from": "2025-02-01"}, "only with split.strategy time"),
    ],
)
def test_sizes_and_cuts_that_cannot_be_meant_are_refused(split: dict[str, Any], words: str) -> None:
    assert words in refusals(**split)


def test_hashes_are_the_same_on_every_machine() -> None:
    assert fixed.hashed(["k1", "k2", ""]).round(6).tolist() == [0.601069, 0.273657, 0.893168]
