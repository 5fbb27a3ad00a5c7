"""Choose a checkpoint: a pure function of the recorded evaluation points and params; no model runs."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from plateau.core.errors import BadInputError
from plateau.core.numbers import is_finite, perplexity
from plateau.decision import curve
from plateau.decision.curve import val_loss
from plateau.evaluation.chosen import RowLosses
from plateau.metrics import selection as metrics
from plateau.metrics.evaluations import Point
from plateau.metrics.selection import Candidate, Selection


@dataclass(frozen=True)
class Policy:
    """The section selection of params.yaml: the name of the policy, and the figures that some policies need."""

    policy: metrics.Policy
    tolerance: float
    top_k: int


class _Rule(NamedTuple):
    """A policy applied to a run: the reason to refuse a checkpoint (None accepts it), the order of the others (least first), and a description."""

    refuse: Callable[[Point], str | None]
    order: Callable[[Point], tuple[float, ...]]
    words: str


def choose(
    points: Sequence[Point],
    policy: Policy,
    val_rise: float,
    row_losses: Mapping[int, RowLosses] | None = None,
    scores: Mapping[int, float] | None = None,
) -> Selection:
    """Choose by a policy; returns what metrics/selection.json holds, every candidate with why (not).

    `row_losses` serves one_standard_error and `scores` (iteration to score, higher is better) serves quality; both are
    needed there. Iteration 0 is never chosen. Raises BadInputError when there is nothing to choose from.
    """
    points = sorted(points, key=lambda p: p.iteration)
    best = curve.best_point(points)
    if best is None:
        raise BadInputError("no checkpoint with a finite validation loss to choose from; see metrics/evaluations.json")
    rule = _rule(points, best, policy, val_rise, row_losses or {}, scores or {})
    refused = {p.iteration: _unusable(p) or rule.refuse(p) for p in points}
    eligible = sorted((p for p in points if refused[p.iteration] is None), key=rule.order)
    chosen = eligible[0]
    reason = f"iteration {chosen.iteration}: {rule.words}"
    candidates = [_candidate(p, chosen, refused[p.iteration], rule.words, scores) for p in points]
    loss = val_loss(chosen)
    return Selection(
        policy.policy, chosen.iteration, loss, perplexity(loss), reason + _base_note(points, chosen), candidates
    )


def top_k(points: Sequence[Point], k: int) -> list[int]:
    """The `k` iterations of lowest validation loss, best first, which policy quality generates with."""
    usable = [p for p in points if _unusable(p) is None]
    return [p.iteration for p in sorted(usable, key=_by_loss)[:k]]


def standard_error(losses: RowLosses) -> float:
    """Standard error of a token-weighted mean loss, as that of a ratio of sums over rows (Cochran 1977, 2.11)."""
    loss_sum, tokens = losses
    if len(loss_sum) < 2:
        return math.inf
    residual = loss_sum - tokens * (loss_sum.sum() / tokens.sum())
    rows = len(loss_sum)
    return float(np.sqrt(rows / (rows - 1) * np.square(residual).sum()) / tokens.sum())


def _rule(
    points: Sequence[Point],
    best: Point,
    policy: Policy,
    val_rise: float,
    row_losses: Mapping[int, RowLosses],
    scores: Mapping[int, float],
) -> _Rule:
    """The rule of a policy for this run."""
    tolerance = policy.tolerance
    within = _at_most(val_loss(best) * (1 + tolerance), best, f"the tolerance of {tolerance:.4g} (relative)")
    if policy.policy == "best":
        return _Rule(lambda _: None, _by_loss, "the lowest validation loss")
    if policy.policy == "earliest_within_tolerance":
        return _Rule(within, _by_iteration, f"the least trained within {tolerance:.4g} of the best validation loss")
    if policy.policy == "latest_within_tolerance":
        refuse = _before(curve.onset(points, val_rise), within)
        words = f"the most trained within {tolerance:.4g} of the best validation loss, before overfitting"
        return _Rule(refuse, _latest_first, words)
    if policy.policy == "one_standard_error":
        return _one_standard_error(best, row_losses)
    return _quality(points, policy.top_k, scores)


def _one_standard_error(best: Point, row_losses: Mapping[int, RowLosses]) -> _Rule:
    """Breiman's rule: the least trained checkpoint within one standard error of the best."""
    if best.iteration not in row_losses:
        raise BadInputError(f"no per-example validation losses at iteration {best.iteration}; run `dvc repro -f train`")
    error = standard_error(row_losses[best.iteration])
    refuse = _at_most(val_loss(best) + error, best, f"one standard error ({error:.4g})")
    return _Rule(refuse, _by_iteration, f"the least trained within one standard error ({error:.4g}) of the best")


def _quality(points: Sequence[Point], k: int, scores: Mapping[int, float]) -> _Rule:
    """The best score among the top k by validation loss; equal scores go to the lower loss, then the earlier."""
    tried = top_k(points, k)
    lost = [i for i in tried if not is_finite(scores.get(i))]
    if lost:
        raise BadInputError(f"policy quality: no score for iteration {lost[0]}; it must be generated with first")

    def refuse(point: Point) -> str | None:
        return None if point.iteration in tried else f"not among the {k} lowest validation losses"

    def order(point: Point) -> tuple[float, ...]:
        return (-scores[point.iteration], *_by_loss(point))

    return _Rule(refuse, order, f"the best score on the validation set among the {len(tried)} lowest validation losses")


def _by_loss(point: Point) -> tuple[float, ...]:
    return (val_loss(point), point.iteration)


def _by_iteration(point: Point) -> tuple[float, ...]:
    return (point.iteration,)


def _latest_first(point: Point) -> tuple[float, ...]:
    return (-point.iteration,)


def _unusable(point: Point) -> str | None:
    """The reason why no policy may choose a point; None where there is none."""
    if point.iteration == 0:
        return "the base model: it is never chosen"
    return None if math.isfinite(val_loss(point)) else "its validation loss is not finite"


def _at_most(limit: float, best: Point, name: str) -> Callable[[Point], str | None]:
    """Refuse a validation loss above `limit`."""

    def refuse(point: Point) -> str | None:
        if val_loss(point) <= limit + 1e-12:
            return None
        above = val_loss(point) - val_loss(best)
        return f"validation loss {above:.4g} above the best ({val_loss(best):.4g}), more than {name}"

    return refuse


def _before(start: int | None, within: Callable[[Point], str | None]) -> Callable[[Point], str | None]:
    """Refuse what comes at or after the onset of overfitting, then what `within` refuses."""

    def refuse(point: Point) -> str | None:
        if start is not None and point.iteration >= start:
            return "overfitting" if point.iteration == start else f"after overfitting set in at iteration {start}"
        return within(point)

    return refuse


def _candidate(
    point: Point, chosen: Point, refused: str | None, words: str, scores: Mapping[int, float] | None
) -> Candidate:
    """One row of selection.json."""
    picked = point.iteration == chosen.iteration
    return Candidate(
        iteration=point.iteration,
        val_loss=point.val_loss if is_finite(point.val_loss) else None,
        train_loss=point.train_loss if is_finite(point.train_loss) else None,
        eligible=refused is None,
        chosen=picked,
        reason=refused or (f"chosen: {words}" if picked else f"eligible, but {chosen.iteration} is {words}"),
        score=(scores or {}).get(point.iteration),
    )


def _base_note(points: Sequence[Point], chosen: Point) -> str:
    """A warning when the base model has the lower validation loss."""
    base = points[0]
    if base.iteration == 0 and math.isfinite(val_loss(base)) and val_loss(base) <= val_loss(chosen):
        return f"; but the base model's validation loss {val_loss(base):.4g} is no higher: keep the base model"
    return ""
