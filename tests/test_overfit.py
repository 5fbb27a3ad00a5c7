"""The overfit check: statuses, onset and verdict."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plateau.core.figures import from_json
from plateau.decision import curve as reading
from plateau.decision import overfit
from plateau.metrics.evaluations import Point
from plateau.metrics.train import Train

PARAMS = overfit.Rules(val_rise=0.05, min_valid_rows=30, min_reduction=0.05, still_falling=0.05)
PUBLISHED = [
    (0, 1.017, 1.017),
    (100, 0.334, 0.326),
    (200, 0.313, 0.306),
    (500, 0.236, 0.287),
    (700, 0.260, 0.272),
    (900, 0.233, 0.268),
    (1200, 0.198, 0.268),
    (1300, 0.180, 0.293),
]


def curve(*rows: tuple[int, float | None, float | None]) -> list[Point]:
    return from_json(list[Point], [{"iteration": i, "train_loss": t, "val_loss": v} for i, t, v in rows], "points")


def verdict(points, chosen, rows=188, **train):
    known = from_json(Train, {"stop_reason": "patience_exhausted", "skipped_steps": 0, **train}, "train")
    return overfit.verdict(points, chosen, known, rows, PARAMS)


def test_the_published_curve_gets_the_statuses_of_its_gaps_and_1300_is_overfitting():
    assert reading.statuses(curve(*PUBLISHED), 0.05) == [
        "baseline",
        "no_gap",
        "no_gap",
        "elevated",  # 21.6 %: the document says "slight"
        "minimal",
        "acceptable",
        "elevated",
        "overfitting",
    ]
    assert reading.onset(curve(*PUBLISHED), 0.05) == 1300


@pytest.mark.parametrize(
    ("gap", "status"),
    [(-0.001, "no_gap"), (0, "no_gap"), (0.01, "minimal"), (9.99, "minimal"), (10, "acceptable"), (19.9, "acceptable"),
     (20, "elevated"), (39.9, "elevated"), (40, "wide"), (400, "wide")],
)  # fmt: skip
def test_gap_bounds_belong_to_the_wider_status_except_zero(gap, status):
    assert reading.statuses(curve((0, 500, 600), (1, 100, 100 + gap)), 0.05)[1] == status


def test_a_rise_with_rising_training_loss_is_not_overfitting():
    assert reading.statuses(curve((0, 2, 2), (1, 1.0, 1.0), (2, 1.1, 1.2)), 0.05)[2] == "minimal"


def test_a_rise_of_exactly_val_rise_is_not_overfitting_yet():
    assert reading.statuses(curve((0, 2, 2), (1, 0.9, 1.0), (2, 0.8, 1.05)), 0.05)[2] == "elevated"
    assert reading.statuses(curve((0, 2, 2), (1, 0.9, 1.0), (2, 0.8, 1.0501)), 0.05)[2] == "overfitting"


def test_a_spike_that_training_recovers_from_is_no_onset():
    points = curve((0, 2, 2), (1, 1, 1), (2, 0.9, 1.2), (3, 0.8, 0.9))
    assert reading.statuses(points, 0.05)[2] == "overfitting"
    assert reading.onset(points, 0.05) is None


def test_missing_losses_have_no_status_and_do_not_hide_the_best():
    points = curve((0, 2, 2), (1, 1, 1), (2, None, math.nan), (3, None, 1.2), (4, 0.5, 1.2))
    assert reading.statuses(points, 0.05)[2:] == [None, None, "overfitting"]


losses = st.floats(0.01, 10)


@given(st.lists(st.tuples(losses, losses), min_size=2, max_size=12), st.floats(0, 0.5))
def test_statuses_depend_on_the_past_only_and_onset_comes_after_the_best(rows, rise):
    points = curve(*((i * 10, t, v) for i, (t, v) in enumerate(rows)))
    all_of_them = reading.statuses(points, rise)
    assert all_of_them[:-1] == reading.statuses(points[:-1], rise)
    start, best = reading.onset(points, rise), reading.best_point(points)
    assert start is None or start > best.iteration
    for point, status in zip(points, all_of_them, strict=True):
        if status == "overfitting":
            seen = [p for p in points if p.iteration < point.iteration]
            lowest = min(seen, key=lambda p: p.val_loss)
            assert point.val_loss > lowest.val_loss
            assert point.train_loss < lowest.train_loss


def test_the_published_run_is_healthy_and_says_when_overfitting_set_in():
    found = verdict(curve(*PUBLISHED), 1200)
    assert found.verdict == "healthy"
    assert "1300" in found.reason


def test_choosing_an_overfitting_checkpoint_is_overfit():
    assert verdict(curve(*PUBLISHED), 1300).verdict == "overfit"


def test_a_run_that_went_far_past_its_best_is_overfit_though_the_best_was_chosen():
    points = curve((0, 2, 2), (100, 1, 1.0), (200, 0.5, 1.2), (300, 0.2, 1.5), (400, 0.1, 1.9))
    found = verdict(points, 100)
    assert found.verdict == "overfit"
    assert "100" in found.reason


def test_a_learning_rate_far_too_low_is_underfit():
    points = curve((0, 2, 2.0), (100, 1.99, 1.99), (200, 1.98, 1.98))
    assert verdict(points, 200, stop_reason="max_iters").verdict == "underfit"


def test_a_model_no_better_than_token_frequencies_is_underfit_however_flat_its_curve():
    points = curve((0, 6.9, 6.9), (90, 3.1, 3.1), (120, 3.05, 3.08))
    found = verdict(points, 120, stop_reason="max_iters", unigram_loss=0.6)
    assert found.verdict == "underfit"
    assert "token frequencies" in found.reason
    assert verdict(points, 120, stop_reason="max_iters", unigram_loss=3.2).verdict == "healthy"


def test_a_run_cut_off_while_still_learning_is_underfit():
    points = curve((0, 2, 2.0), (100, 1.5, 1.5), (200, 1.0, 1.0))
    assert verdict(points, 200, stop_reason="max_iters").verdict == "underfit"
    assert verdict(points, 200, stop_reason="stopping_threshold").verdict == "healthy"


@pytest.mark.parametrize(
    ("rows", "train"),
    [
        ([(0, 2, 2), (100, 5, 5), (200, 1, 1)], {}),
        ([(0, 2, 2), (100, 1, 1), (200, 1.2, 1.2), (300, 1, 1), (400, 1.3, 1.3), (500, 0.9, 0.9)], {}),
        ([(0, 2, 2), (100, 1, 1), (200, 1.2, 1.2)], {}),
        ([(0, 2, 2), (100, 1, 1), (200, 1, 0.9)], {"skipped_steps": 3}),
        ([(0, 2, 2), (100, 1, 1), (200, 1, 0.9)], {"stop_reason": "non_finite", "stop_summary": "NaN"}),
        ([(0, 2, 2), (100, 1, 1), (200, 1, None)], {}),
    ],
)  # fmt: skip
def test_a_learning_rate_far_too_high_is_unstable(rows, train):
    found = verdict(curve(*rows), 100, **train)
    assert found.verdict == "unstable"
    assert "lr" in found.suggestion


def test_batches_above_the_base_are_unstable_though_every_point_is_below_it():
    points = curve((0, 6.9, 6.9), (100, 4.2, 4.1), (200, 3.1, 3.1))
    assert verdict(points, 200).verdict == "healthy"
    points[1] = replace(points[1], batch_loss=40.0)
    assert verdict(points, 200).verdict == "unstable"


def test_one_spike_that_training_recovers_from_is_not_unstable():
    points = curve((0, 2, 2), (100, 1, 1), (200, 1.2, 1.2), (300, 0.9, 0.9))
    assert verdict(points, 300).verdict == "healthy"


def test_five_validation_rows_are_insufficient_evidence():
    assert verdict(curve(*PUBLISHED), 1200, rows=5).verdict == "insufficient_evidence"
    assert verdict(curve(*PUBLISHED[:2]), 100).verdict == "insufficient_evidence"


def test_every_verdict_has_a_reason_and_a_suggestion():
    for rows in (PUBLISHED, *(PUBLISHED[:n] for n in range(2, 8))):
        for _, chosen in pairwise(r[0] for r in rows):
            assert all(verdict(curve(*rows), chosen))
