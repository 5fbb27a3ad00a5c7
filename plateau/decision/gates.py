"""Gates: figures against targets, and the answer ship, do_not_ship or insufficient_evidence. Missing figures never pass."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from plateau.core.numbers import find, is_finite

Row = dict[str, Any]
_RULES: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "==": operator.eq,
}
# Without these nothing can be decided; failing them is no fault of the model.
_EVIDENCE = ("test_rows", "generated_rows", "evidence")
# Failing one of these says that the base model does as well.
_AGAINST_BASE = ("loss_reduction", "score_gain_over_base", "fields_worse_than_base")


def row(criterion: str, rule: str, target: float | str, actual: Any) -> Row:
    """One gate: `actual` `rule` `target`; status pass, fail, or missing where `actual` is absent, NaN or of another type.

    `gap` is actual - target, None for words.
    """
    numeric = not isinstance(target, str)
    if not (is_finite(actual) if numeric else isinstance(actual, str)):
        return {
            "criterion": criterion,
            "rule": rule,
            "target": target,
            "actual": None,
            "gap": None,
            "status": "missing",
        }
    return {
        "criterion": criterion,
        "rule": rule,
        "target": target,
        "actual": actual,
        "gap": float(f"{actual - target:.6g}") if numeric else None,
        "status": "pass" if _RULES[rule](actual, target) else "fail",
    }


def judge(params: Mapping[str, Any], overfit: Mapping[str, Any], evaluate: Mapping[str, Any]) -> dict[str, Any]:
    """What metrics/gates.json holds: the answer, its reason and every gate."""
    judged = rows(params, overfit, evaluate)
    decided, reason = answer(judged)
    return {"answer": decided, "reason": reason, "rows": judged}


def rows(params: Mapping[str, Any], overfit: Mapping[str, Any], evaluate: Mapping[str, Any]) -> list[Row]:
    """Every gate, from the section gates, metrics/overfit.json and metrics/evaluate.json."""
    verdict = find(overfit, "verdict")
    evidence = verdict if verdict in (None, "insufficient_evidence") else "sufficient"
    leaks = find(evaluate, "leaks")
    by_time = find(leaks, "split_strategy") != "random"
    return [
        row("test_rows", ">=", params["min_test_rows"], find(evaluate, "rows")),
        row("generated_rows", ">=", params["min_test_rows"], find(evaluate, "generated")),
        row("evidence", "==", "sufficient", evidence),
        row("verdict", "==", "healthy", None if evidence != "sufficient" else verdict),
        row("adapter_effect", ">", 0, find(evaluate, "adapter_effect", "max_logit_difference")),
        row("schema_valid", ">=", params["schema_valid"], find(evaluate, "arms", "adapter", "schema_valid")),
        row("loss_reduction", ">=", params["loss_reduction"], find(evaluate, "loss_reduction")),
        row("score_gain_over_base", ">", 0, find(evaluate, "comparisons", "adapter_vs_base", "score", "low")),
        row("score_gain_over_majority", ">", 0, find(evaluate, "comparisons", "adapter_vs_majority", "score", "low")),
        row("fields_worse_than_base", "<=", 0, find(evaluate, "fields_worse_than_base")),
        row(
            "leaked_test_rows", "<=", params["max_leaked"], _sum(_leaked(leaks), _leaked(find(leaks, "test_in_valid")))
        ),
        row("leaked_valid_rows", "<=", params["max_leaked"], _leaked(find(leaks, "valid_in_train"))),
        row("repeated_rows", "<=", params["max_leaked"], find(leaks, "repeated")),
        row("answers_in_prompts", "<=", params["max_leaked"], find(leaks, "answered")),
        row("shared_groups", "<=", 0, find(leaks, "shared_groups")),
        *([row("later_training_rows", "<=", 0, find(leaks, "later_rows"))] if by_time else []),
        row("prompt_format_differences", "<=", 0, _count(find(leaks, "format_differences"))),
        row("unseen_labels", "<=", params["max_unseen_labels"], find(leaks, "unseen_labels", "rows_share")),
        row("untested_labels", "<=", 0, _named(find(leaks, "untested_labels"))),
        row("drift", "<=", params["max_drift"], _drift(evaluate)),
        row("forgetting", "<=", params["max_forgetting"], find(evaluate, "diagnostics", "forgetting", "rise")),
    ]


def _leaked(overlap: Any) -> float | None:
    """Share of one split's prompts that are prompts of another, or nearly."""
    return _sum(find(overlap, "exact"), find(overlap, "near"))


def _sum(*shares: Any) -> float | None:
    """The sum of figures; None unless all are there."""
    return float(f"{sum(shares):.6g}") if all(map(is_finite, shares)) else None


def _named(labels: Any) -> int | None:
    """How many labels a mapping of fields to labels names."""
    return (
        sum(map(len, labels.values())) if isinstance(labels, Mapping) and all(map(_is_list, labels.values())) else None
    )


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _count(values: Any) -> int | None:
    return len(values) if isinstance(values, list) else None


def _drift(evaluate: Any) -> float | None:
    """The relative rise from validation to test loss that its interval leaves no doubt of."""
    low, valid = find(evaluate, "drift", "low"), find(evaluate, "drift", "valid_loss")
    return float(f"{low / valid:.6g}") if is_finite(low) and is_finite(valid) and valid > 0 else None


def answer(gates: Sequence[Row]) -> tuple[str, str]:
    """The answer and its reason, one sentence: ship only where every gate passes."""
    short = [gate for gate in gates if gate["status"] != "pass"]
    evidence = [gate for gate in short if gate["criterion"] in _EVIDENCE]
    failed = [gate for gate in short if gate["status"] == "fail"]
    if not gates:
        return "insufficient_evidence", "no gate was evaluated"
    if evidence:
        return "insufficient_evidence", f"too little evidence: {_words(evidence)}"
    if failed:
        against_base = any(gate["criterion"] in _AGAINST_BASE for gate in failed)
        return "do_not_ship", f"{'keep the base model' if against_base else 'do not ship'}: {_words(failed)}"
    if short:
        return "insufficient_evidence", f"figures are missing: {_words(short)}"
    return "ship", f"all {len(gates)} gates pass"


def _words(gates: Sequence[Row]) -> str:
    """Gates that did not pass, for people."""
    return "; ".join(
        f"{gate['criterion']} is {'missing' if gate['actual'] is None else _figure(gate['actual'])}, "
        f"target {gate['rule']} {_figure(gate['target'])}"
        for gate in gates
    )


def _figure(value: float | str) -> str:
    """A number with four significant digits, or the word itself."""
    return value if isinstance(value, str) else f"{value:,.4g}"
