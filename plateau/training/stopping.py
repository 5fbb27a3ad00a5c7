"""Early stopping: a pure function of the validation losses so far.

Two bests are kept: the strict minimum (which checkpoint is best) and the min_delta-gated one (whether patience runs). The
gated best is a fixed reference: slow steady gains count once they add up to more than min_delta. Where Lightning's
EarlyStopping and Keras' agree, this agrees with them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from plateau.metrics.evaluations import Point
from plateau.metrics.train import StopReason

BROKEN = ("non_finite", "divergence_threshold")  # stop reasons that mean that the run broke


@dataclass(frozen=True)
class Rules:
    """When to stop. Losses are in nats a token, patience is in evaluation points, min_iters in updates."""

    patience: int
    min_delta: float = 0.0
    min_iters: int = 0
    stopping_threshold: float | None = None
    divergence_threshold: float | None = None


@dataclass(frozen=True)
class Standing:
    """The state of early stopping: indices into the losses, the number of points since the last counted gain, and the reason to stop."""

    best: int | None
    waited: int
    reason: StopReason | None


def losses_of(points: Sequence[Point]) -> list[float]:
    """The validation losses of evaluation points; NaN where one was not finite, which files write as null."""
    return [math.nan if point.val_loss is None else point.val_loss for point in points]


def best_of(losses: Sequence[float]) -> int | None:
    """Index of the lowest finite loss, the earliest of equals; None where none is finite."""
    finite = [i for i, loss in enumerate(losses) if math.isfinite(loss)]
    return min(finite, key=lambda i: losses[i], default=None)


def standing(losses: Sequence[float], rules: Rules, iterations: Sequence[int] | None = None) -> Standing:
    """Judge the validation losses so far; the `iterations` of the points are only needed for `min_iters`."""
    reference, waited = math.inf, 0
    for i, loss in enumerate(losses):
        if not math.isfinite(loss):
            return Standing(best_of(losses[:i]), waited, "non_finite")
        if loss + rules.min_delta < reference:  # in this order, for Keras and Lightning agree on it where decimals tie
            reference, waited = loss, 0
        else:
            waited += 1
        reason = _reason(loss, waited, rules)
        early = iterations is not None and iterations[i] < rules.min_iters
        if reason and not (reason == "patience_exhausted" and early):
            return Standing(best_of(losses[: i + 1]), waited, reason)
    return Standing(best_of(losses), waited, None)


def _reason(loss: float, waited: int, rules: Rules) -> StopReason | None:
    if rules.stopping_threshold is not None and loss < rules.stopping_threshold:
        return "stopping_threshold"
    if rules.divergence_threshold is not None and loss > rules.divergence_threshold:
        return "divergence_threshold"
    return "patience_exhausted" if waited >= rules.patience else None


def summary(iterations: Sequence[int], losses: Sequence[float], reason: str) -> str:
    """One sentence: 'stopped at 1360, best 1200 (0.268), 160 iterations after the best: patience exhausted'."""
    best, words = best_of(losses), reason.replace("_", " ")
    if best is None:
        return f"stopped at {iterations[-1]} with no finite validation loss: {words}"
    after = iterations[-1] - iterations[best]
    return f"stopped at {iterations[-1]}, best {iterations[best]} ({losses[best]:.3f}), {after} iterations after the best: {words}"
