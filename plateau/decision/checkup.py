"""The content of metrics/overfit.json: the verdict on training with its evidence, from the metrics files of train, select and evaluate."""

from collections.abc import Sequence

from plateau.decision import curve, overfit
from plateau.decision.risks import risks
from plateau.metrics.convert import Convert
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.evaluations import Point
from plateau.metrics.overfit import Alternative, Consistency, Judged, Overfit
from plateau.metrics.selection import Candidate, Selection
from plateau.metrics.split import Split
from plateau.metrics.train import Train

_MOST_ALTERNATIVES = 3


def check(
    points: Sequence[Point],
    selection: Selection,
    train: Train,
    evaluate: Evaluate,
    split: Split,
    convert: Convert,
    limits: overfit.Rules,
) -> Overfit:
    """The verdict on the chosen checkpoint, its losses on every split, risks, alternatives, and the timeline."""
    points = sorted(points, key=lambda p: p.iteration)
    chosen = selection.iteration if selection.iteration is not None else -1
    rows = overfit.timeline(points, limits.val_rise)
    nothing = Judged(chosen, None, None, None, None)
    picked = next((row for row in rows if row.iteration == chosen), nothing)
    start = curve.onset(points, limits.val_rise)
    judgement = overfit.verdict(points, chosen, train, evaluate.drift.valid_rows or 0, limits)
    return Overfit(
        verdict=judgement.verdict,
        reason=judgement.reason,
        suggestion=judgement.suggestion,
        iteration=chosen,
        status=picked.status,
        gap_pct=picked.gap_pct,
        onset=start,
        consistency=Consistency(picked.train_loss, evaluate.drift),
        risks=risks(picked, start, train, evaluate, split, convert),
        alternatives=alternatives(selection.candidates),
        timeline=rows,
    )


def alternatives(candidates: Sequence[Candidate]) -> list[Alternative]:
    """The checkpoints of lowest validation loss that were not chosen, each with the reason."""
    others = [
        (c.val_loss, c.iteration, c.reason)
        for c in candidates
        if not c.chosen and c.iteration > 0 and c.val_loss is not None
    ]
    return [Alternative(iteration, loss, reason) for loss, iteration, reason in sorted(others)[:_MOST_ALTERNATIVES]]
