"""The judgement: every gate that is asked, and the answer ship, do_not_ship or insufficient_evidence. Missing figures never pass."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from plateau.core.figures import value_of
from plateau.core.numbers import is_finite
from plateau.decision.gates import GATES
from plateau.evaluation.arms import entry
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.gates import Answer, Gates, Row, Rule
from plateau.metrics.overfit import Overfit

_RULES: dict[Rule, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "==": operator.eq,
}


def row(criterion: str, rule: Rule, target: float | str, actual: Any) -> Row:
    """One gate: `actual` `rule` `target`; status pass, fail, or missing where `actual` is absent, NaN or of another type.

    `gap` is actual - target, None for words.
    """
    numeric = not isinstance(target, str)
    if not (is_finite(actual) if numeric else isinstance(actual, str)):
        return Row(criterion, rule, target, None, None, "missing")
    gap = actual - target if numeric else None
    return Row(criterion, rule, target, actual, gap, "pass" if _RULES[rule](actual, target) else "fail")


def judge(params: Mapping[str, Any], overfit: Overfit, evaluate: Evaluate, manifest: str) -> Gates:
    """The content of metrics/gates.json: the answer, its reason, every gate, and the SHA-256 of the manifest."""
    judged = rows(params, overfit, evaluate)
    return Gates(*answer(judged, evaluate), judged, manifest)


def rows(params: Mapping[str, Any], overfit: Overfit, evaluate: Evaluate) -> list[Row]:
    """Every gate that is asked, from the section gates, metrics/overfit.json and metrics/evaluate.json."""
    asked = (gate for gate in GATES if gate.asked(evaluate))
    return [row(gate.criterion, gate.rule, gate.target(params), gate.figure(overfit, evaluate)) for gate in asked]


def answer(gates: Sequence[Row], evaluate: Evaluate) -> tuple[Answer, str]:
    """The answer and its reason, one sentence: ship only where every gate passes."""
    evidential = [gate.criterion for gate in GATES if gate.evidence]
    short = [gate for gate in gates if gate.status != "pass"]
    evidence = [gate for gate in short if gate.criterion in evidential]
    failed = [gate for gate in short if gate.status == "fail"]
    if not gates:
        return "insufficient_evidence", "no gate was evaluated"
    if evidence:
        return "insufficient_evidence", f"too little evidence: {_words(evidence)}"
    if failed:
        return "do_not_ship", f"{_instead(failed, evaluate)}: {_words(failed)}"
    if short:
        return "insufficient_evidence", f"figures are missing: {_words(short)}"
    return "ship", f"all {len(gates)} gates pass"


def _instead(failed: Sequence[Row], evaluate: Evaluate) -> str:
    """What to keep in place of the adapter: of the rivals that it does not beat, the one with the highest score."""
    criteria = {gate.criterion for gate in failed}
    scores = {
        gate.rival: value_of(evaluate.arm(gate.rival).score)
        for gate in GATES
        if gate.rival and gate.criterion in criteria
    }
    if not scores:
        return "do not ship"
    best = max(scores, key=lambda name: scores[name] or 0.0)
    theirs, own = scores[best], value_of(evaluate.arm("adapter").score)
    against = "" if theirs is None or own is None else f" ({theirs:.3f} against {own:.3f})"
    return f"keep {entry(best).label}{against}"


def _words(gates: Sequence[Row]) -> str:
    """Gates that did not pass, for people."""
    return "; ".join(
        f"{gate.criterion} is {'missing' if gate.actual is None else _figure(gate.actual)}, "
        f"target {gate.rule} {_figure(gate.target)}"
        for gate in gates
    )


def _figure(value: float | str) -> str:
    """A number with four significant digits, or the word itself."""
    return value if isinstance(value, str) else f"{value:,.4g}"
