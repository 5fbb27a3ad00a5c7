import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plateau.training.stopping import Rules, Standing, standing, summary

NAN = math.nan
LOSSES = st.lists(st.floats(0.01, 20), min_size=1, max_size=40)


def stop(losses: list[float], **rules: float) -> tuple[int, str] | None:
    """0-based index at which a run that sees one loss after another stops, and why."""
    for end in range(1, len(losses) + 1):
        now = standing(losses[:end], Rules(**{"patience": 10**9, **rules}))  # type: ignore[arg-type]
        if now.reason:
            return end - 1, now.reason
    return None


@pytest.mark.parametrize(
    ("losses", "rules", "expected"),
    [
        ([6, 5, 5, 5, 5, 5], {"patience": 3}, 4),
        ([6, 5, 4, 4, 3, 3], {"patience": 1}, 3),
        ([8, 4, 2, 3, 4, 5, 8, 10], {"patience": 3}, 5),
        ([9, 8, 7, 6, 5, 6, 4, 3, 2, 1], {"stopping_threshold": 2.9}, 8),
        ([9, 4, 2, 16, 32, 64], {"divergence_threshold": 15.9}, 3),
        ([4, 3, NAN, 2, 1], {"patience": 3}, 2),
        ([4, 3, math.inf, 2, 1], {"patience": 3}, 2),
        ([1 - 0.01 * i for i in range(60)], {"patience": 3, "min_delta": 0.015}, None),
        ([1.0, 0.75], {"patience": 1, "min_delta": 0.25}, 1),
        ([1.0, 0.749], {"patience": 1, "min_delta": 0.25}, None),
        ([5, 4, 3, 2, 1], {"patience": 1}, None),
        ([1, 1], {"patience": 1}, 1),
        ([3.0], {"patience": 1}, None),
        ([2.9, 2.9], {"stopping_threshold": 2.9}, None),
        ([15.9, 15.9], {"divergence_threshold": 15.9}, None),
        ([NAN], {"patience": 1}, 0),
        ([0.2, 0.05], {"patience": 1, "min_delta": 0.15}, 1),
        ([0.4, 0.1], {"patience": 1, "min_delta": 0.3}, 1),
        ([0.2, 0.15], {"patience": 1, "min_delta": 0.05}, 1),
    ],
)
def test_stops_where_lightning_and_keras_agree(
    losses: list[float], rules: dict[str, float], expected: int | None
) -> None:
    found = stop(losses, **rules)
    assert (found[0] if found else None) == expected


def test_names_the_reason() -> None:
    assert stop([5, 6], patience=1) == (1, "patience_exhausted")
    assert stop([5, 1], stopping_threshold=2) == (1, "stopping_threshold")
    assert stop([5, 9], divergence_threshold=8) == (1, "divergence_threshold")
    assert stop([5, NAN], patience=1) == (1, "non_finite")


def test_a_tie_leaves_the_earlier_point_the_best() -> None:
    assert standing([3, 2, 2, 2], Rules(patience=9)).best == 1


def test_the_strict_best_moves_where_the_gated_one_does_not() -> None:
    assert standing([1.0, 0.99, 0.98], Rules(patience=9, min_delta=0.05)) == Standing(best=2, waited=2, reason=None)


def test_patience_waits_for_min_iters() -> None:
    rules = Rules(patience=1, min_iters=300)
    assert standing([1, 2, 2], rules, [0, 100, 200]).reason is None
    assert standing([1, 2, 2, 2], rules, [0, 100, 200, 300]).reason == "patience_exhausted"


def test_says_when_it_stopped_and_how_long_after_the_best() -> None:
    sentence = summary([0, 1200, 1300, 1360], [1.017, 0.268, 0.293, 0.3], "patience_exhausted")
    assert sentence == "stopped at 1360, best 1200 (0.268), 160 iterations after the best: patience exhausted"


@given(LOSSES, st.integers(1, 6), st.floats(0, 2))
def test_stops_exactly_patience_points_after_the_last_gain(
    losses: list[float], patience: int, min_delta: float
) -> None:
    found = stop(losses, patience=patience, min_delta=min_delta)
    if found is None:
        return
    tail = losses[found[0] - patience + 1 : found[0] + 1]
    reference = losses[found[0] - patience]
    assert len(tail) == patience
    assert all(loss >= reference - min_delta for loss in tail)


@given(LOSSES, st.integers(1, 6), st.floats(0, 2))
def test_more_patience_never_stops_earlier(losses: list[float], patience: int, min_delta: float) -> None:
    less, more = (stop(losses, patience=p, min_delta=min_delta) for p in (patience, patience + 1))
    assert more is None or (less is not None and less[0] < more[0])


@given(LOSSES)
def test_the_best_is_the_first_of_the_lowest(losses: list[float]) -> None:
    assert standing(losses, Rules(patience=99)).best == losses.index(min(losses))


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=30), st.integers(1, 4), st.integers(-8, 8))
def test_only_differences_between_losses_matter(losses: list[int], patience: int, shift: int) -> None:
    moved = [float(loss + shift) for loss in losses]
    assert stop([float(loss) for loss in losses], patience=patience) == stop(moved, patience=patience)
