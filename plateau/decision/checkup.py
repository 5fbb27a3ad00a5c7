"""What metrics/overfit.json holds: the verdict with its evidence, from the metrics files of train, select and evaluate."""

from collections.abc import Mapping, Sequence
from typing import Any

from plateau.core.numbers import is_finite
from plateau.decision import overfit
from plateau.decision.risks import risks

Figures = Mapping[str, Any]
_MOST_ALTERNATIVES = 3


def check(
    points: Sequence[Figures], selection: Figures, train: Figures, evaluate: Figures, params: Figures
) -> dict[str, Any]:
    """The verdict on the chosen checkpoint, its losses on every split, risks, alternatives, and the timeline.

    `points` is metrics/evaluations.json; `params` is the section overfit.
    """
    points = sorted(points, key=lambda p: p["iteration"])
    chosen = selection.get("iteration", -1)
    rows = overfit.timeline(points, params["val_rise"])
    picked: Figures = next((row for row in rows if row["iteration"] == chosen), {})
    drift = evaluate["drift"] if isinstance(evaluate.get("drift"), Mapping) else {}
    valid_rows = drift.get("valid_rows")
    start = overfit.onset(points, params["val_rise"])
    return {
        **overfit.verdict(points, chosen, train, int(valid_rows) if is_finite(valid_rows) else 0, params),
        "iteration": chosen,
        "status": picked.get("status"),
        "gap_pct": picked.get("gap_pct"),
        "onset": start,
        "consistency": {"train_loss": picked.get("train_loss"), **drift},
        "risks": risks(picked, start, train, evaluate),
        "alternatives": alternatives(selection["candidates"]),
        "timeline": rows,
    }


def finite(value: Any) -> Any:
    """The same figures, with null for what is no number: a figure that is NaN or infinite is missing."""
    if isinstance(value, Mapping):
        return {key: finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [finite(inner) for inner in value]
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return None if numeric and not is_finite(value) else value


def alternatives(candidates: Sequence[Figures]) -> list[dict[str, Any]]:
    """The checkpoints of lowest validation loss that were not chosen, and why."""
    others = [c for c in candidates if not c["chosen"] and c["iteration"] > 0 and c["val_loss"] is not None]
    best = sorted(others, key=lambda c: (c["val_loss"], c["iteration"]))[:_MOST_ALTERNATIVES]
    return [{key: candidate[key] for key in ("iteration", "val_loss", "reason")} for candidate in best]
