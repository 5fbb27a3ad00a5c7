import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from plateau.core.figures import to_json
from plateau.core.system import SPLITS
from plateau.data import fields
from plateau.data.contracts import Contract
from plateau.splits import labels, review
from plateau.splits.near import Pairs
from tests.contracts import metrics_problems

TARGET: dict[str, Any] = {
    "type": "object",
    "properties": {
        "mood": {"enum": ["calm", "angry", "sad"]},
        "score": {"type": "number"},
        "solved": {"type": "boolean"},
        "note": {"type": "string"},
        "channel": {"const": "phone"},
        "unused": {"type": "string"},
    },
}
TARGETS = [
    {"mood": "calm", "score": 1, "solved": True, "note": "x", "channel": "phone"},
    {"mood": "angry", "score": 2.5, "solved": True, "note": "y", "channel": "phone"},
    {"mood": "calm", "solved": True, "note": "x", "channel": "phone"},
]


def columns(targets: list[Any]) -> list[labels.Column]:
    return labels.columns(fields.fields(TARGET), map(json.dumps, targets))


def pairs(*found: tuple[int, int]) -> Pairs:
    a, b = np.array(found, np.int64).reshape(-1, 2).T
    return Pairs(a, b, np.linspace(0.9, 0.7, len(a)))


def test_odd_labels_are_named_and_the_figures_follow_their_schema() -> None:
    found = columns(TARGETS)
    summary = to_json(labels.summary(found, pairs((0, 1), (0, 2)), review.counts([])))
    assert metrics_problems("labels", summary) == []
    assert summary["constant_fields"] == ["channel", "solved"]
    assert summary["missing_fields"] == ["unused"]
    assert summary["unseen_values"] == {"mood": ["sad"], "solved": ["false"]}
    assert (summary["alike_pairs"], summary["conflicting_pairs"]) == (2, 1)
    assert summary["conflicts"] == {"mood": 1, "solved": 0, "channel": 0}
    assert summary["fields"]["mood"]["counts"] == {"calm": 2, "angry": 1, "sad": 0}
    assert (summary["fields"]["score"]["present"], summary["fields"]["score"]["mean"]) == (2, 1.75)


def test_numbers_are_covered_by_their_ranks() -> None:
    found = columns([{"score": float(number)} for number in range(100)] + [{}])
    few = labels.few(found[1])
    assert np.unique(few, return_counts=True)[1].tolist() == [1, 20, 20, 20, 20, 20]


def test_drift_is_nothing_between_alike_splits_and_much_between_others() -> None:
    rng = np.random.default_rng(0)
    alike = [{"mood": str(rng.choice(["calm", "angry"])), "score": rng.normal()} for _ in range(600)]
    other = [{"mood": "sad", "score": 5 + rng.normal()} for _ in range(300)]
    found = {"train": columns(alike[:300]), "valid": columns(alike[300:]), "test": columns(other)}
    drift = to_json(labels.drift(found))
    assert set(drift) == {"mood", "score"}
    for name in drift:
        assert drift[name]["train_valid"]["distance"] < 0.1 < 0.95 < drift[name]["train_test"]["distance"]
        assert drift[name]["train_valid"]["p_value"] > 0.01 > drift[name]["train_test"]["p_value"]
    assert drift["mood"]["train_test"]["psi"] > 0.2 > drift["mood"]["train_valid"]["psi"]
    assert drift["score"]["train_test"]["psi"] is None


TOPICS = {"calm": "garden flowers tea sun", "angry": "bill refund error broken", "sad": "rain loss alone night"}


def planted() -> tuple[list[labels.Column], list[str], set[int]]:
    """Three topics in words of their own; six rows with a wrong label."""
    rng = np.random.default_rng(0)
    moods = [str(mood) for mood in rng.choice(list(TOPICS), 300)]
    texts = [" ".join(rng.choice([*TOPICS[mood].split(), "the", "a", "and"], 12)) for mood in moods]
    wrong = set(rng.choice(300, 6, replace=False).tolist())
    given = [str(rng.choice([m for m in TOPICS if m != mood])) if n in wrong else mood for n, mood in enumerate(moods)]
    return columns([{"mood": mood, "solved": bool(rng.integers(2))} for mood in given]), texts, wrong


def test_wrong_labels_are_doubted_and_fields_that_the_words_do_not_tell_are_left_alone() -> None:
    found, texts, wrong = planted()
    doubts = review.doubtful(found, np.arange(300), lambda rows: [texts[row] for row in rows.tolist()])
    assert {one.row for one in doubts[:6]} == wrong
    assert {one.field for one in doubts} == {"mood"}
    assert all(one.label != one.other for one in doubts)


def test_too_few_rows_are_not_doubted() -> None:
    found, texts, _ = planted()
    assert review.doubtful(found, np.arange(20), lambda rows: [texts[row] for row in rows.tolist()]) == []


def test_conflicts_come_first_by_similarity_and_leave_room_for_doubts() -> None:
    conflicts = review.conflicting(columns(TARGETS), pairs((1, 2), (0, 1), (0, 2)))
    assert [(one.row, one.other_row, one.label, one.other) for one in conflicts] == [
        (1, 2, "angry", "calm"),
        (0, 1, "calm", "angry"),
    ]
    doubt = review.Finding("doubtful", 0, "mood", "calm", "sad", -1, 1.0)
    assert [one.reason for one in review.chosen(conflicts * 5, [doubt] * 9, 6)] == ["conflicting"] * 3 + [
        "doubtful"
    ] * 3
    assert len(review.chosen(conflicts * 5, [doubt], 6)) == 6
    assert review.chosen(conflicts, [doubt], 0) == []


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_the_review_is_a_formula(start: str, tmp_path: Path) -> None:
    finding = review.Finding("conflicting", 0, f"{start}field", f"{start}1+1", "x", 1, 0.75)
    review.write(
        tmp_path / "review.csv", [finding], pa.array([f"{start}id", "b"]), {0: "train"}, {0: f"{start}cmd|' /C'!A0"}
    )
    with (tmp_path / "review.csv").open(newline="") as lines:
        header, cells = csv.reader(lines)
    assert tuple(header) == review.HEADER
    assert [cell for cell in cells if cell.startswith(start)] == []
    assert cells[review.HEADER.index("text")] == f"'{start}cmd|' /C'!A0"


def test_a_combination_that_the_schema_forbids_has_a_reason_of_its_own() -> None:
    rule = {"if": {"properties": {"mood": {"const": "calm"}}}, "then": {"properties": {"solved": {"const": True}}}}
    contract = Contract({**TARGET, **rule}, "target")
    problem = contract.check({"mood": "calm", "solved": False})
    assert problem is not None
    assert problem.reason == "impossible_combination"
    assert contract.check({"mood": "angry", "solved": False}) is None
    dependent = Contract({**TARGET, "dependentRequired": {"mood": ["score"]}}, "target").check({"mood": "calm"})
    assert dependent is not None
    assert dependent.reason == "impossible_combination"
    plain = Contract(TARGET, "target").check({"mood": "bored"})
    assert plain is not None
    assert plain.reason == "unknown_value"


def test_every_split_is_compared() -> None:
    found = columns(TARGETS)
    assert set(labels.drift(dict.fromkeys(SPLITS, found))["mood"]) == {"train_valid", "train_test", "valid_test"}
