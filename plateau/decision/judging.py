"""The judgement: every gate that is asked, and the answer. Missing figures never pass, nor do intervals from too few rows."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from plateau.core.figures import value_of
from plateau.core.numbers import is_finite
from plateau.decision import gates as registry
from plateau.decision.criteria import Criteria
from plateau.decision.gate_figures import p_values
from plateau.decision.gates import EVIDENCE, LEAST_ROWS
from plateau.evaluation.external import is_external, label_of
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.gates import Answer, Gates, Row, Rule
from plateau.metrics.overfit import Overfit

SIGNIFICANCE = 0.05  # a gain's p-value, corrected for the number of opponents, must be below it
_RULES: dict[Rule, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
}


def row(criterion: str, rule: Rule, target: float | str, actual: Any, behind: int | None = None) -> Row:
    """One gate: `actual` `rule` `target`; status pass, fail, or missing where `actual` is absent, NaN or of another type.

    `gap` is actual - target, None for words. `behind` are the rows behind the interval of which `actual` is an end: where they
    are too few it does not pass either.
    """
    numeric = not isinstance(target, str)
    if not (is_finite(actual) if numeric else isinstance(actual, str)):
        return Row(criterion, rule, target, None, None, "missing")
    gap = actual - target if numeric else None
    passes = _RULES[rule](actual, target)
    if passes and behind is not None and behind < LEAST_ROWS:
        return Row(criterion, rule, target, actual, gap, "missing", _too_few(behind))
    return Row(criterion, rule, target, actual, gap, "pass" if passes else "fail")


def _too_few(rows: int) -> str:
    return f"rests on {rows} rows; it takes {LEAST_ROWS}"


def judge(
    params: Mapping[str, Any], overfit: Overfit, evaluate: Evaluate, manifest: str, criteria: Criteria | None = None
) -> Gates:
    """The content of metrics/gates.json: the answer, its reason, every gate, waivers, and the SHA-256 of the manifest."""
    found = rows(params, overfit, evaluate, criteria)
    judged = waived(found, params["waived"])
    used = {row.criterion: params["waived"][row.criterion] for row in judged if row.status == "waived"}
    needless = [name for name in params["waived"] if name not in used]
    not_run = [name for name in registry.REGISTERED if name not in evaluate.arms]
    return Gates(*answer(judged, evaluate), judged, used, needless, not_run, manifest)


def rows(
    params: Mapping[str, Any], overfit: Overfit, evaluate: Evaluate, criteria: Criteria | None = None
) -> list[Row]:
    """Every gate that is asked, and every criterion: from the section gates and the metrics files that they are about."""
    asked = registry.asked(evaluate)
    corrected = p_values(evaluate, [gate.rival for gate in asked if gate.rival and gate.is_gain])
    found = []
    for gate in asked:
        one = row(gate.criterion, gate.rule, gate.target(params), gate.figure(overfit, evaluate), gate.rows(evaluate))
        one = _corrected(one, corrected[gate.rival], len(corrected)) if gate.is_gain and gate.rival else one
        one = _undecided(one, gate.rows(evaluate)) if is_external(gate.rival) else one
        found.append(replace(one, note=gate.end) if one.note is None and one.actual is not None else one)
    return [*found, *_criteria(criteria or Criteria())]


def _corrected(one: Row, p_value: float | None, opponents: int) -> Row:
    """A gain that passes by its interval must pass the test too, whose p-value is corrected for the number of opponents."""
    if one.status != "pass":
        return one
    if p_value is None:
        return replace(one, status="missing", note="there is no p-value")
    if p_value < SIGNIFICANCE:
        return one
    said = f"p = {p_value:.2g}, corrected for {opponents} opponents, is not below {SIGNIFICANCE:g}"
    return replace(one, status="fail", note=said)


def _undecided(one: Row, behind: int | None) -> Row:
    """A file with few answers decides nothing: neither for the adapter nor against it."""
    few = one.status == "fail" and behind is not None and behind < LEAST_ROWS
    return replace(one, status="missing", note=_too_few(behind or 0)) if few else one


def _criteria(criteria: Criteria) -> list[Row]:
    """The rows of gates.criteria."""
    measured = [(one, criteria.measure(one)) for one in criteria.listed]
    found = [(row(one.name, one.rule, one.target, it.actual, it.rows), it.note) for one, it in measured]
    return [one if note is None else replace(one, note=note) for one, note in found]


def waived(found: Sequence[Row], waivers: Mapping[str, str]) -> list[Row]:
    """The rows after waivers, reasons by name: of gates that do not pass, those of too little evidence excepted."""
    return [
        replace(row, status="waived", note=waivers[row.criterion])
        if row.status in ("fail", "missing") and row.criterion in waivers and row.criterion not in EVIDENCE
        else row
        for row in found
    ]


def answer(gates: Sequence[Row], evaluate: Evaluate) -> tuple[Answer, str]:
    """The answer and its reason, one sentence: ship only where every gate passes, with waivers where all others are waived."""
    short = [gate for gate in gates if gate.status in ("fail", "missing")]
    evidence = [gate for gate in short if gate.criterion in EVIDENCE]
    failed = [gate for gate in short if gate.status == "fail"]
    let_go = [gate for gate in gates if gate.status == "waived"]
    if not gates:
        return "insufficient_evidence", "no gate was evaluated"
    if evidence:
        return "insufficient_evidence", f"too little evidence: {_words(evidence)}"
    if failed:
        return "do_not_ship", f"{_instead(failed, evaluate)}: {_words(failed)}"
    if short:
        return "insufficient_evidence", f"figures are missing: {_words(short)}"
    if let_go:
        passed = len(gates) - len(let_go)
        said = "; ".join(f"{gate.criterion} ({gate.note})" for gate in let_go)
        return "ship_with_waivers", f"{passed} of {len(gates)} gates pass, the others are waived: {said}"
    return "ship", f"all {len(gates)} gates pass"


def _instead(failed: Sequence[Row], evaluate: Evaluate) -> str:
    """Say what to keep in place of the adapter: of the arms that it does not beat, the one with the highest score."""
    criteria = {gate.criterion for gate in failed}
    rivals = [gate.rival for gate in registry.asked(evaluate) if gate.rival and gate.criterion in criteria]
    scores = {rival: value_of(evaluate.arm(rival).score) for rival in rivals}
    if not scores:
        return "do not ship"
    best = max(scores, key=lambda name: scores[name] or 0.0)
    theirs, own = scores[best], value_of(evaluate.arm("adapter").score)
    rows, compared = evaluate.arm(best).rows, evaluate.comparison("adapter", best).score
    among = ""
    if theirs is not None and rows is not None and rows != evaluate.generated and compared:
        gain = compared.difference.value  # on the rows that a file has answers to
        own, among = None if gain is None else theirs + gain, f" on {rows} rows"
    against = "" if theirs is None or own is None else f" ({theirs:.3f} against {own:.3f}{among})"
    return f"keep {label_of(best)}{against}"


def _words(gates: Sequence[Row]) -> str:
    """Name the gates that did not pass, for people."""
    return "; ".join(
        f"{gate.criterion} is {'missing' if gate.actual is None else _figure(gate.actual)}, "
        f"target {gate.rule} {_figure(gate.target)}" + (f" ({gate.note})" if gate.note else "")
        for gate in gates
    )


def _figure(value: float | str) -> str:
    """A number with four significant digits, or the word itself."""
    return value if isinstance(value, str) else f"{value:,.4g}"
