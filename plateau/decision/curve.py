"""Read a loss curve: the gap and the status of each evaluation point, when overfitting set in, and which point is best."""

import math
from collections.abc import Sequence

from plateau.core.numbers import is_finite
from plateau.metrics.evaluations import Point, Status

# Upper bounds of the gap between validation and training loss, in per cent of the training loss.
_GAPS: tuple[tuple[Status, float], ...] = (("no_gap", 0.0), ("minimal", 10.0), ("acceptable", 20.0), ("elevated", 40.0))


def val_loss(point: Point) -> float:
    """The validation loss of an evaluation point; infinity where it is missing or not finite."""
    return point.val_loss if is_finite(point.val_loss) else math.inf


def gap_pct(point: Point) -> float | None:
    """(val - train) / train * 100 of one evaluation point; None where a loss is missing or the training loss is 0."""
    train, val = point.train_loss, point.val_loss
    if not is_finite(train) or not is_finite(val) or train == 0:
        return None
    return float((val - train) / train * 100)


def statuses(points: Sequence[Point], val_rise: float) -> list[Status | None]:
    """The status of each evaluation point, in order of iteration; None where its losses are not finite.

    The first point is the `baseline`. A validation loss more than `val_rise` (relative) above the best so far, while the
    training loss is below its value there, is `overfitting`. Otherwise the gap names the status.
    """
    found: list[Status | None] = []
    best: Point | None = None
    for index, point in enumerate(points):
        if not math.isfinite(val_loss(point)):
            found.append(None)
            continue
        found.append("baseline" if index == 0 else _status(point, best, val_rise))
        if best is None or val_loss(point) < val_loss(best):
            best = point
    return found


def _status(point: Point, best: Point | None, val_rise: float) -> Status | None:
    """The status of a point after the first, compared with the best point before it."""
    gap = gap_pct(point)
    if best is not None and _overfits(point, best, val_rise):
        return "overfitting"
    if gap is None:
        return None
    if gap <= 0:
        return "no_gap"
    return next((name for name, bound in _GAPS[1:] if gap < bound), "wide")


def _overfits(point: Point, best: Point, val_rise: float) -> bool:
    """Whether validation got worse than at `best` by more than `val_rise` while training got better."""
    if not is_finite(point.train_loss) or not is_finite(best.train_loss):
        return False
    risen = val_loss(point) > val_loss(best) * (1 + val_rise) + 1e-12
    return bool(risen and point.train_loss < best.train_loss)


def onset(points: Sequence[Point], val_rise: float) -> int | None:
    """The first overfitting iteration after the best checkpoint; None if there is none.

    A rise after which the validation loss falls to a new low is a spike, not the onset.
    """
    best = best_point(points)
    if best is None:
        return None
    marked = zip(points, statuses(points, val_rise), strict=True)
    return next((p.iteration for p, s in marked if s == "overfitting" and p.iteration > best.iteration), None)


def best_point(points: Sequence[Point]) -> Point | None:
    """The point with the lowest finite validation loss, the earliest of equals, never iteration 0; None where none is finite."""
    usable = [p for p in points if p.iteration > 0 and math.isfinite(val_loss(p))]
    return min(usable, key=lambda p: (val_loss(p), p.iteration)) if usable else None
