"""Intervals cover, comparisons tell apart what differs and only that."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from plateau.core.numbers import significant
from plateau.evaluation import stats


def test_the_bootstrap_interval_of_a_mean_is_close_to_its_theory():
    values = np.random.default_rng(0).normal(3, 1, 400)
    value, low, high = stats.estimate(stats.mean_of(values), 400, 2000, 0.95, 0)
    assert value == pytest.approx(values.mean(), rel=1e-5)
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.02)
    assert high == pytest.approx(values.mean() + half, abs=0.02)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    generator = np.random.default_rng(1)
    covered = 0
    for seed in range(200):
        values = generator.exponential(1, 80)
        _, low, high = stats.estimate(stats.mean_of(values), 80, 300, 0.95, seed)
        covered += low <= 1 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_blocks_do_not_change_the_number_of_resamples():
    values = np.arange(5000.0)
    assert stats.bootstrap(stats.mean_of(values), 5000, 1001, 0).shape == (1001,)


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(2).normal(size=50)
    assert stats.estimate(stats.mean_of(values), 50, 200, 0.9, 7) == stats.estimate(
        stats.mean_of(values), 50, 200, 0.9, 7
    )


def test_no_rows_have_no_estimate():
    assert stats.estimate(stats.mean_of(np.zeros(0)), 0, 100, 0.95, 0) == (None, None, None)


def compare(difference, up=True, weights=None):
    return stats.compare(np.asarray(difference, dtype=float), up, 500, 0.95, 0, weights)


def test_a_clear_difference_is_better_or_worse_by_its_direction():
    shift = np.random.default_rng(3).normal(1, 1, 200)
    assert compare(shift).result == "better"
    assert compare(shift, up=False).result == "worse"
    assert compare(-shift).result == "worse"


def test_equal_arms_are_not_told_apart():
    found = compare(np.zeros(50))
    assert (found.result, found.p_value, found.required_rows) == ("not_told_apart", 1.0, None)


def test_noise_is_rarely_told_apart():
    generator = np.random.default_rng(4)
    results = [compare(generator.normal(size=100)).result for _ in range(100)]
    assert results.count("not_told_apart") >= 90


def test_a_single_row_tells_nothing():
    assert compare([1.0]).result == "not_told_apart"


def test_binary_differences_use_mcnemars_exact_test():
    difference = np.array([1.0] * 9 + [-1.0] + [0.0] * 90)
    assert stats.paired_p_value(difference) == pytest.approx(2 * (1 + 10) / 2**10)


def test_other_differences_use_wilcoxons_test():
    difference = np.random.default_rng(5).normal(0.3, 1, 80)
    assert stats.paired_p_value(difference) == pytest.approx(scipy_stats.wilcoxon(difference).pvalue)


def test_required_rows_grow_with_the_square_of_the_noise():
    quiet, loud = (np.array([1 + spread, 1 - spread] * 50) for spread in (2, 4))
    factor = (1.959964 + 0.841621) ** 2
    assert stats.required_rows(quiet, 0.95) == math.ceil(factor * 4 * 100 / 99)
    assert stats.required_rows(loud, 0.95) == math.ceil(factor * 16 * 100 / 99)


def test_weights_make_it_a_difference_per_token():
    found = compare([10.0, 0.0], weights=np.array([1.0, 9.0]))
    assert found.difference.value == 1.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_swapping_the_arms_turns_the_result_round(difference):
    one, other = compare(difference), compare([-value for value in difference])
    turned = {"better": "worse", "worse": "better", "not_told_apart": "not_told_apart"}
    assert other.result == turned[one.result]
    assert other.p_value == pytest.approx(one.p_value)


@given(st.floats())
def test_significant_figures_are_json_numbers_or_none(value):
    rounded = significant(value)
    assert rounded is None or math.isclose(rounded, value, rel_tol=1e-5)
