"""The overfit check: a verdict on the run in plain words, with a reason and a suggestion."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from plateau.core.numbers import is_finite
from plateau.decision.curve import best_point, gap_pct, onset, statuses, val_loss
from plateau.metrics.evaluations import Point
from plateau.metrics.overfit import Judged, Verdict
from plateau.metrics.train import Train
from plateau.training.stopping import BROKEN

_Finding = tuple[str, str] | None


@dataclass(frozen=True)
class Rules:
    """The section overfit of params.yaml: shares of losses, and a number of rows."""

    val_rise: float
    min_valid_rows: int
    min_reduction: float
    still_falling: float


class Judgement(NamedTuple):
    """The verdict on a run, the reason, and what to change."""

    verdict: Verdict
    reason: str
    suggestion: str


_WIDE, _TIMES = 40.0, 100.0  # gaps in per cent of the training loss: wide, and better said as a factor
NONE = "none needed"
# The curve looks the same for a learning rate that is too low and for one so high that only word frequencies are learnt.
_LEARN_MORE = "raise iters; raise lr, or lower it where `python -m stages.train --plan` calls it high"
_HIGH_LR = 0.01  # above this learning rate no method trains well


def timeline(points: Sequence[Point], val_rise: float) -> list[Judged]:
    """One row an evaluation point: losses, gap and status."""
    return [
        Judged(point.iteration, point.train_loss, point.val_loss, _rounded(gap_pct(point)), status)
        for point, status in zip(points, statuses(points, val_rise), strict=True)
    ]


def _rounded(value: float | None) -> float | None:
    """Round a percentage to two decimals."""
    return None if value is None else round(value, 2)


def verdict(points: Sequence[Point], chosen: int, train: Train, valid_rows: int, limits: Rules) -> Judgement:
    """The verdict on a run and its chosen checkpoint: `verdict`, `reason`, `suggestion`.

    `train` is metrics/train.json; The first rule that applies decides, from the least
    trustworthy state of affairs to the best: no evidence, unstable, overfit, underfit, healthy.
    """
    rules: tuple[tuple[Verdict, Callable[..., _Finding]], ...] = (
        ("insufficient_evidence", _few_rows),
        ("unstable", _unstable),
        ("insufficient_evidence", _few_points),
        ("overfit", _overfit),
        ("underfit", _underfit),
    )
    for name, rule in rules:
        found = rule(points, chosen, train, valid_rows, limits)
        if found:
            return Judgement(name, *found)
    return Judgement("healthy", _healthy_reason(points, chosen, limits), _healthy_suggestion(points, chosen))


def _few_rows(_: Any, __: int, ___: Any, valid_rows: int, limits: Rules) -> _Finding:
    """The validation split is too small for a verdict."""
    least = limits.min_valid_rows
    if valid_rows >= least:
        return None
    return f"{valid_rows} validation rows, fewer than {least}", f"raise split.valid_size to {least} or more"


def _few_points(points: Sequence[Point], chosen: int, _: Any, __: int, ___: Any) -> _Finding:
    """There are too few evaluation points, or losses are missing."""
    trained = [p for p in points if p.iteration > 0 and math.isfinite(val_loss(p))]
    if len(trained) < 2:
        return f"{len(trained)} evaluation points after the base, fewer than 2", "lower eval_every or raise iters"
    picked = next((p for p in points if p.iteration == chosen), None)
    first = points[0]
    known = math.isfinite(val_loss(first)) and is_finite(first.train_loss)
    if picked is None or gap_pct(picked) is None or not known:
        return f"losses are missing at iteration 0 or the chosen {chosen}", "run `dvc repro -f train`"
    return None


def _unstable(points: Sequence[Point], _: int, train: Train, __: int, limits: Rules) -> _Finding:
    """The run broke, skipped updates, rose above the base model's loss, or swung up and down."""
    remedy = "lower lr, raise warmup or lower train.max_grad_norm"
    if train.stop_reason in BROKEN:
        return f"training stopped: {train.stop_summary or train.stop_reason}", remedy
    lost = [p.iteration for p in points if not math.isfinite(val_loss(p))]
    if lost:
        return f"the validation loss is not finite at iteration {lost[0]}", remedy
    if train.skipped_steps:
        return f"{train.skipped_steps} updates were skipped for a non-finite loss or gradient", remedy
    return _above_base(points, limits.val_rise, remedy) or _rises(points, limits.val_rise, remedy)


def _above_base(points: Sequence[Point], val_rise: float, remedy: str) -> _Finding:
    """The training loss is above the base model's, at a point or over the batches before it: the updates destroy what the model knew."""
    start = points[0].train_loss
    limit = start * (1 + val_rise) if is_finite(start) else None
    for point in points[1:]:
        for loss, when in ((point.batch_loss, "over the batches up to"), (point.train_loss, "at")):
            if is_finite(loss) and limit is not None and loss > limit:
                return f"{when} iteration {point.iteration} the training loss is above the base model's", remedy
    return None


def _rises(points: Sequence[Point], val_rise: float, remedy: str) -> _Finding:
    """Training and validation loss both rise above an earlier point, at the end or more than once: the steps are too long.

    This is not overfitting, where the training loss falls.
    """
    best, rises = points[0], []
    for point in points[1:]:
        if is_finite(point.train_loss) and is_finite(best.train_loss):
            pairs = ((val_loss(point), val_loss(best)), (point.train_loss, best.train_loss))
            if all(loss > before * (1 + val_rise) for loss, before in pairs):
                rises.append(point.iteration)
        if val_loss(point) < val_loss(best):
            best = point
    if len(rises) < 2 and rises != [points[-1].iteration]:
        return None
    return f"training and validation loss are both above an earlier point's, first at iteration {rises[0]}", remedy


def _overfit(points: Sequence[Point], chosen: int, _: Any, __: int, limits: Rules) -> _Finding:
    """The chosen checkpoint overfits, or most of the run does."""
    marks = {p.iteration: s for p, s in zip(points, statuses(points, limits.val_rise), strict=True)}
    best = best_point(points)
    if marks.get(chosen) == "overfitting":
        return (
            f"the chosen iteration {chosen} is overfitting: its validation loss rose while the training loss fell",
            "selection.policy latest_within_tolerance or best, lower lr or rank, or more training rows",
        )
    after = [i for i, status in marks.items() if status == "overfitting" and best is not None and i > best.iteration]
    if best is not None and len(after) >= 3 and len(after) * 2 >= len(points) - 1:
        return (
            f"{len(after)} of {len(points) - 1} evaluation points are overfitting, from iteration {after[0]} on: "
            f"training went far past its best, iteration {best.iteration}",
            "lower lr, rank or patience, evaluate more often, or add training rows",
        )
    return None


def _underfit(points: Sequence[Point], chosen: int, train: Train, _: int, limits: Rules) -> _Finding:
    """Nothing was learnt, or the model was still learning when training ended."""
    base, last = points[0], points[-1]
    picked = next(p for p in points if p.iteration == chosen)
    fall = (val_loss(base) - val_loss(picked)) / val_loss(base) if val_loss(base) else 0.0
    if fall < limits.min_reduction:
        return (
            f"the validation loss fell by {fall:.1%} from the base model's, less than {limits.min_reduction:.0%}",
            f"{_LEARN_MORE}; check that labels follow from the prompt; or keep the base model",
        )
    floor = train.unigram_loss
    if is_finite(floor) and val_loss(picked) >= floor:
        rates = [lr for point in points if is_finite(lr := point.lr)]
        high = max(rates, default=0.0)
        return (
            f"the validation loss {val_loss(picked):.4g} is no lower than token frequencies give, {floor:.4g}: "
            "the model learnt which tokens are frequent and nothing else"
            + (f"; lr {high:g} is far too high" if high > _HIGH_LR else ""),
            f"lower lr to {_HIGH_LR:g} or less" if high > _HIGH_LR else _LEARN_MORE,
        )
    rate = (val_loss(points[-2]) - val_loss(last)) / val_loss(points[-2])
    if train.stop_reason == "max_iters" and best_point(points) == last and rate > limits.still_falling:
        return (
            f"the validation loss still fell by {rate:.1%} at the last evaluation point, iteration {last.iteration}",
            _LEARN_MORE,
        )
    return None


def _healthy_reason(points: Sequence[Point], chosen: int, limits: Rules) -> str:
    """The reason for the verdict healthy."""
    picked = next(p for p in points if p.iteration == chosen)
    start = onset(points, limits.val_rise)
    after = f"overfitting set in later, at iteration {start}" if start else "no evaluation point is overfitting"
    gap = gap_pct(picked) or 0.0
    if gap < _WIDE:
        return f"iteration {chosen}: validation loss {val_loss(picked):.4g}, {_against_training(gap)}; {after}"
    return (
        f"iteration {chosen}: validation loss {val_loss(picked):.4g}, {_against_training(gap)}: it knows its training rows far better than "
        f"others, but others no worse for it; {after}"
    )


def _against_training(gap: float) -> str:
    """A gap in words: in per cent, or where that is hard to read by how many times."""
    if gap >= _TIMES:
        return f"{1 + gap / 100:.1f} times the training loss"
    return f"{abs(gap):.1f} % {'above' if gap >= 0 else 'below'} training"


def _healthy_suggestion(points: Sequence[Point], chosen: int) -> str:
    """Nothing, or what narrows a wide gap."""
    picked = next(p for p in points if p.iteration == chosen)
    if (gap_pct(picked) or 0.0) < _WIDE:
        return NONE
    return f"{NONE}; more training rows, a lower rank or a higher train.weight_decay would narrow the gap"
