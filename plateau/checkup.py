"""What metrics/overfit.json holds: the verdict with its evidence, from the metrics files of train, select and evaluate."""

from collections.abc import Mapping, Sequence
from typing import Any

from plateau import overfit
from plateau.risks import risks

Figures = Mapping[str, Any]
_MOST_ALTERNATIVES = 3


def check(
    points: Sequence[Figures], selection: Figures, train: Figures, evaluate: Figures, params: Figures
) -> dict[str, Any]:
    """The verdict on the chosen checkpoint, its losses on every split, risks, alternatives, and the timeline.

    `points` is metrics/evaluations.json; `params` is the section overfit.
    """
    points = sorted(points, key=lambda p: p["iteration"])
    rows = overfit.timeline(points, params["val_rise"])
    picked: Figures = next((row for row in rows if row["iteration"] == selection["iteration"]), {})
    drift = evaluate.get("drift") or {}
    start = overfit.onset(points, params["val_rise"])
    return {
        **overfit.verdict(points, selection["iteration"], train, drift.get("valid_rows") or 0, params),
        "iteration": selection["iteration"],
        "status": picked.get("status"),
        "gap_pct": picked.get("gap_pct"),
        "onset": start,
        "consistency": {"train_loss": picked.get("train_loss"), **drift},
        "risks": risks(picked, start, train, evaluate),
        "alternatives": alternatives(selection["candidates"]),
        "timeline": rows,
    }


def alternatives(candidates: Sequence[Figures]) -> list[dict[str, Any]]:
    """The checkpoints of lowest validation loss that were not chosen, and why."""
    others = [c for c in candidates if not c["chosen"] and c["iteration"] > 0 and c["val_loss"] is not None]
    best = sorted(others, key=lambda c: (c["val_loss"], c["iteration"]))[:_MOST_ALTERNATIVES]
    return [{key: candidate[key] for key in ("iteration", "val_loss", "reason")} for candidate in best]
