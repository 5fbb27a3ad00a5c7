"""What else could answer, as parts of the report: who wins which field, and what each arm scores for what it costs."""

from collections.abc import Iterator, Mapping
from typing import Any

from plateau.core.figures import Estimate, value_of
from plateau.evaluation.arms import BASELINES
from plateau.evaluation.external import colours
from plateau.metrics.compared import Compared
from plateau.metrics.evaluate import Arm, Evaluate
from plateau.report import charts
from plateau.report.page import Chart, Charts, Part, Table
from plateau.report.text import spaced

_WHOLE = "whole answer"
_PAIR = "adapter_vs_"


def parts(evaluate: Evaluate, min_gain: float) -> Iterator[Part]:
    """A table of who wins what, and score against cost; nothing where the adapter was compared with nobody."""
    names = [
        pair.removeprefix(_PAIR)
        for pair, found in evaluate.comparisons.items()
        if pair.startswith(_PAIR) and found.score
    ]
    names = [name for name in names if name in evaluate.arms]
    if names:
        yield _wins(evaluate, names, min_gain)
    if drawn := _costs(evaluate):
        unit = "cost of 1,000 calls" if _priced(evaluate) else "tokens of a call, prompt and answer"
        table = Table(
            "Score against cost",
            ["arm", unit, "score"],
            [(spaced(one["arm"]), one["cost"], _score(one)) for one in drawn],
            folded=True,
        )
        words = f"Score of each arm by {unit}, with intervals; an arm without a language model takes none."
        known = colours(evaluate.arms)
        drawing = charts.cost(drawn, unit, {one["arm"]: known.get(one["arm"], charts.GREY) for one in drawn})
        yield Charts([Chart(words, drawing, table)])


def _wins(evaluate: Evaluate, names: list[str], min_gain: float) -> Table:
    arms = {name: evaluate.arm(name) for name in ("adapter", *names)}
    fields = list(arms["adapter"].fields or {})
    rows, marks = [], []
    for field in (_WHOLE, *fields):
        scores = {name: value_of(_estimate(arm, field)) for name, arm in arms.items()}
        winner = _winner(scores, {name: _compared(evaluate, name, field) for name in names}, min_gain)
        rows.append([field, *scores.values(), winner])
        marks.append("wrong" if winner in map(spaced, names) else "")
    return Table(
        f"Who wins what, by more than {min_gain:g} and more than chance",
        ["field", *map(spaced, arms), "wins"],
        rows,
        marks,
    )


def _winner(scores: Mapping[str, float | None], found: Mapping[str, Compared | None], min_gain: float) -> str:
    """The best opponent that beats the adapter; the adapter, where it beats all; else those that it is not told apart from."""
    beaten, beating = [], []
    for name, one in found.items():
        difference = one.difference.value if one else None
        if one and difference is not None and abs(difference) > min_gain:
            beaten += [name] if one.result == "better" else []
            beating += [name] if one.result == "worse" else []
    if beating:
        return spaced(max(beating, key=lambda name: scores[name] or 0.0))
    equal = [name for name in found if name not in beaten]
    return f"nobody: not told apart from {', '.join(map(spaced, equal))}" if equal else "adapter"


def _estimate(arm: Arm, field: str) -> Estimate | None:
    if field == _WHOLE:
        return arm.score
    found = (arm.fields or {}).get(field)
    return found.score if found else None


def _compared(evaluate: Evaluate, name: str, field: str) -> Compared | None:
    found = evaluate.comparison("adapter", name)
    return found.score if field == _WHOLE else (found.fields or {}).get(field)


def _priced(evaluate: Evaluate) -> bool:
    return evaluate.arm("adapter").cost_per_1000 is not None


def _costs(evaluate: Evaluate) -> list[dict[str, Any]]:
    """Arm, cost and score with its interval; empty where the cost of no arm is known."""
    priced = _priced(evaluate)
    found = []
    for name, arm in evaluate.arms.items():
        taken = None if arm.input_tokens is None or arm.output_tokens is None else arm.input_tokens + arm.output_tokens
        cost = arm.cost_per_1000 if priced else taken
        if name in BASELINES:
            cost = 0.0
        if arm.score is not None and arm.score.value is not None and cost is not None:
            found.append(
                {"arm": name, "cost": cost, "score": arm.score.value, "low": arm.score.low, "high": arm.score.high}
            )
    return found if any(one["cost"] for one in found) else []


def _score(one: Mapping[str, Any]) -> Estimate:
    return Estimate(one["score"], one["low"], one["high"])
