import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plateau.splits import subset

RNG = np.random.default_rng


@given(rows=st.integers(1, 200), size=st.integers(1, 80), fields=st.integers(0, 3), seed=st.integers(0, 9))
def test_a_subset_has_the_size_wanted_and_is_the_same_each_time(rows: int, size: int, fields: int, seed: int) -> None:
    labels = RNG(seed).integers(-1, 5, (rows, fields))
    marks = RNG(seed).integers(0, 256, (rows, 8)).astype(np.uint8)
    first, second = (subset.choose(labels, marks, size, RNG(seed)) for _ in range(2))
    assert np.array_equal(first, second)
    assert len(first) == min(rows, size)
    assert np.all(np.diff(first) > 0)


@given(seed=st.integers(0, 20))
def test_every_class_is_covered_and_the_rest_keeps_its_share(seed: int) -> None:
    rng = RNG(seed)
    labels = np.stack([rng.choice(6, 3000, p=[0.6, 0.3, 0.097, 0.001, 0.001, 0.001]), rng.integers(0, 2, 3000)], axis=1)
    labels[rng.choice(3000, 3, replace=False), 0] = 9
    chosen = labels[subset.choose(labels, np.zeros((3000, 8), np.uint8), 300, rng)]
    for value, have in zip(*np.unique(labels[:, 0], return_counts=True), strict=True):
        assert (chosen[:, 0] == value).sum() >= min(have, subset.LEAST)
    assert abs((chosen[:, 0] == 0).mean() - 0.6) < 0.04
    assert abs((chosen[:, 1] == 0).mean() - (labels[:, 1] == 0).mean()) < 0.02


def test_of_rows_with_the_same_labels_the_unlike_ones_are_chosen() -> None:
    rng = RNG(0)
    marks = np.repeat(rng.integers(0, 256, (1, 64)), 400, axis=0).astype(np.uint8)
    unlike = rng.choice(400, 40, replace=False)
    marks[unlike] = rng.integers(0, 256, (40, 64))
    chosen = subset.choose(np.zeros((400, 1), np.int64), marks, 60, RNG(1))
    drawn = len(set(unlike.tolist()) & set(RNG(2).choice(400, 60, replace=False).tolist()))
    assert len(set(unlike.tolist()) & set(chosen.tolist())) > 3 * drawn > 0


def test_the_subset_spans_the_whole_period() -> None:
    chosen = subset.choose(np.zeros((1000, 1), np.int64), np.zeros((1000, 8), np.uint8), 55, RNG(0))
    assert np.diff(np.array([0, *chosen, 999])).max() < 60
