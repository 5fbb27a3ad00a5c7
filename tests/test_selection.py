"""Which checkpoint is chosen, and what is said about the others."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_overfit import PUBLISHED, curve

from plateau.core.errors import BadInputError
from plateau.decision import curve as reading
from plateau.decision import selection

POLICIES = ("latest_within_tolerance", "best", "earliest_within_tolerance")


def choose(points, policy="latest_within_tolerance", tolerance=0.005, k=3, losses=None, scores=None):
    return selection.choose(points, selection.Policy(policy, tolerance, k), 0.05, losses, scores)


def test_the_published_curve_gives_iteration_1200_and_marks_1300_as_overfitting():
    chosen = choose(curve(*PUBLISHED))
    assert chosen.iteration == 1200
    assert chosen.val_perplexity == pytest.approx(1.30735, abs=1e-5)
    reasons = {c.iteration: c.reason for c in chosen.candidates}
    assert "overfitting" in reasons[1300]
    assert "never chosen" in reasons[0]
    assert "1200" in reasons[900]
    assert [c.iteration for c in chosen.candidates if c.chosen] == [1200]


def test_a_generous_tolerance_does_not_reach_past_the_onset_of_overfitting():
    points = curve(*PUBLISHED, (1400, 0.2, 0.270))
    assert choose(points, tolerance=0.2).iteration == 1200
    assert "after overfitting set in" in choose(points, tolerance=0.2).candidates[-1].reason


def test_best_takes_the_earliest_of_equals():
    assert choose(curve(*PUBLISHED), "best").iteration == 900
    assert choose(curve(*PUBLISHED), "earliest_within_tolerance", tolerance=0.02).iteration == 700


def test_the_base_model_is_never_chosen_even_when_it_is_best():
    points = curve((0, 1, 0.1), (100, 1, 0.5), (200, 1, 0.4))
    for policy in POLICIES:
        assert choose(points, policy).iteration == 200
    assert "keep the base model" in choose(points).reason


def test_the_bound_of_the_tolerance_belongs_to_it():
    points = curve((0, 2, 2), (100, 1, 0.200), (200, 0.9, 0.201))
    assert choose(points, tolerance=0.005).iteration == 200
    assert choose(points, tolerance=0.0049).iteration == 100


def rows(loss, spread, n=100):
    values = loss + spread * np.where(np.arange(n) % 2, 1.0, -1.0)
    return values * 10, np.full(n, 10)


def test_one_standard_error_takes_the_least_trained_within_it():
    points = curve((0, 2, 2), (100, 1, 0.55), (200, 1, 0.52), (300, 1, 0.50), (400, 1, 0.51))
    losses = {300: rows(0.50, 0.25)}
    expected = 0.25 / math.sqrt(99)  # equal tokens: the plain standard error of a mean
    assert selection.standard_error(losses[300]) == pytest.approx(expected)
    assert choose(points, "one_standard_error", losses=losses).iteration == 200


def test_one_standard_error_without_example_losses_is_refused():
    with pytest.raises(BadInputError, match="per-example"):
        choose(curve(*PUBLISHED), "one_standard_error")


def test_quality_takes_the_best_score_among_the_top_k():
    points = curve((0, 2, 2), (100, 1, 0.5), (200, 1, 0.4), (300, 1, 0.3), (400, 1, 0.35))
    assert selection.top_k(points, 2) == [300, 400]
    assert choose(points, "quality", k=2, scores={300: 0.8, 400: 0.9}).iteration == 400
    assert choose(points, "quality", k=2, scores={300: 0.9, 400: 0.9}).iteration == 300
    assert choose(points, "quality", k=2, scores={100: 1.0, 300: 0.8, 400: 0.7}).iteration == 300


@pytest.mark.parametrize("missing", [{}, {300: 0.5, 400: math.nan}])
def test_quality_with_a_missing_score_is_refused(missing):
    points = curve((0, 2, 2), (300, 1, 0.3), (400, 1, 0.35))
    with pytest.raises(BadInputError, match="no score"):
        choose(points, "quality", k=2, scores=missing)


def test_checkpoints_without_a_finite_loss_are_not_eligible():
    points = curve((0, 2, 2), (100, 1, 0.5), (200, None, None), (300, 1, math.nan))
    chosen = choose(points)
    assert chosen.iteration == 100
    assert [c.eligible for c in chosen.candidates] == [False, True, False, False]
    with pytest.raises(BadInputError, match="no checkpoint"):
        choose(curve((0, 2, 2), (100, 1, math.nan)))


@given(
    st.lists(st.tuples(st.floats(0.01, 10), st.floats(0.01, 10)), min_size=2, max_size=12),
    st.sampled_from(POLICIES),
    st.floats(0, 0.5),
    st.randoms(use_true_random=False),
)
def test_any_curve_gives_one_choice_within_its_policy_whatever_the_order_of_the_record(rows, policy, tolerance, random):
    points = curve(*((i * 10, t, v) for i, (t, v) in enumerate(rows)))
    chosen = choose(points, policy, tolerance)
    shuffled = list(points)
    random.shuffle(shuffled)
    assert choose(shuffled, policy, tolerance) == chosen
    assert chosen.iteration > 0
    assert len(chosen.candidates) == len(points)
    assert all(c.reason for c in chosen.candidates)
    picked = [c for c in chosen.candidates if c.chosen]
    assert [c.eligible for c in picked] == [True]
    lowest = min(v for _, v in rows[1:])
    assert chosen.val_loss <= lowest * (1 + tolerance) + 1e-9
    start = reading.onset(points, 0.05)
    if policy == "latest_within_tolerance" and start is not None:
        assert chosen.iteration < start


def test_a_loss_whose_perplexity_no_float_holds_is_chosen_all_the_same():
    points = curve((0, 900.0, 900.0), (10, 800.0, 800.0))
    assert choose(points).val_perplexity == math.exp(700)
