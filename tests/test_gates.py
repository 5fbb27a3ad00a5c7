"""Gates: at the bound, below it, missing, NaN; and the answer."""

import copy
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plateau.core.errors import BadInputError
from plateau.core.figures import from_json
from plateau.decision import gates, judging
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.overfit import Overfit

RIVALS = ("base", "base_prompted", "majority", "linear")
PARAMS = {**{limit.name: limit.default for limit in gates.LIMITS}, "waived": {}, "criteria": []}
OVERFIT = {"verdict": "healthy"}
EVALUATE = {
    "rows": 100,
    "generated": 100,
    "loss_reduction": 0.5,
    "fields_worse_than_base": 0,
    "most_invented": 0.5,
    "adapter_effect": {"max_logit_difference": 3.0},
    "arms": {"adapter": {"schema_valid": 0.99, "invented_keys": 0.02, "unfinished": 0.01}, "base_prompted": {}},
    "comparisons": {f"adapter_vs_{name}": {"score": {"low": 0.1, "p_value": 0.001, "rows": 100}} for name in RIVALS},
    "leaks": {
        "exact": 0.004,
        "near": 0.006,
        "test_in_valid": {"exact": 0.0, "near": 0.0},
        "valid_in_train": {"exact": 0.01, "near": 0.0},
        "repeated": 0.01,
        "answered": 0.01,
        "split_strategy": "time",
        "later_rows": 0,
        "shared_groups": 0,
        "format_differences": [],
        "unseen_labels": {"rows_share": 0.02},
        "untested_labels": {},
    },
    "drift": {"low": 0.1, "valid_loss": 0.4},
    "diagnostics": {"forgetting": {"rise": 3.0}},
    "scrutiny": {
        "closeness": {"equal": 0.01, "gain_on_novel_rows": {"linear": {"low": 0.1}}},
        "slices": [{"name": "day = Monday", "high": -0.15, "q_value": 0.01}],
        "label_noise": {"mood": {"splits": {"train": {"rate_low": 0.1, "upper_bound": False}}, "differs": 0.001}},
        "shortcuts": {"mood": {"context_decides": False}},
        "score_drop_low": 0.05,
    },
}
FIGURES = {
    "test_rows": ("rows",),
    "generated_rows": ("generated",),
    "adapter_effect": ("adapter_effect", "max_logit_difference"),
    "schema_valid": ("arms", "adapter", "schema_valid"),
    "invented_keys": ("arms", "adapter", "invented_keys"),
    "invented_values": ("most_invented",),
    "unfinished": ("arms", "adapter", "unfinished"),
    "loss_reduction": ("loss_reduction",),
    "score_gain_over_base": ("comparisons", "adapter_vs_base", "score", "low"),
    "score_gain_over_majority": ("comparisons", "adapter_vs_majority", "score", "low"),
    "fields_worse_than_base": ("fields_worse_than_base",),
    "leaked_test_rows": ("leaks", "near"),
    "leaked_valid_rows": ("leaks", "valid_in_train", "exact"),
    "repeated_rows": ("leaks", "repeated"),
    "answers_in_prompts": ("leaks", "answered"),
    "shared_groups": ("leaks", "shared_groups"),
    "later_training_rows": ("leaks", "later_rows"),
    "prompt_format_differences": ("leaks", "format_differences"),
    "unseen_labels": ("leaks", "unseen_labels", "rows_share"),
    "untested_labels": ("leaks", "untested_labels"),
    "drift": ("drift", "low"),
    "forgetting": ("diagnostics", "forgetting", "rise"),
    "score_gain_over_linear": ("comparisons", "adapter_vs_linear", "score", "low"),
    "score_gain_over_base_prompted": ("comparisons", "adapter_vs_base_prompted", "score", "low"),
    "disguised_copies": ("scrutiny", "closeness", "equal"),
    "novel_rows_gain": ("scrutiny", "closeness", "gain_on_novel_rows", "linear", "low"),
    "follows_conversation": ("scrutiny", "shortcuts"),
    "worst_slice": ("scrutiny", "slices"),
    "label_noise": ("scrutiny", "label_noise"),
    "label_noise_by_split": ("scrutiny", "label_noise"),
    "score_drop": ("scrutiny", "score_drop_low"),
}
FAILING = {
    "test_rows": 99,
    "generated_rows": 99,
    "adapter_effect": 0,
    "schema_valid": 0.9899,
    "invented_keys": 0.0201,
    "invented_values": 0.5001,
    "unfinished": 0.0101,
    "loss_reduction": 0.4999,
    "score_gain_over_base": 0.01,
    "score_gain_over_majority": 0.01,
    "fields_worse_than_base": 1,
    "leaked_test_rows": 0.0061,
    "leaked_valid_rows": 0.011,
    "repeated_rows": 0.011,
    "answers_in_prompts": 0.011,
    "shared_groups": 1,
    "later_training_rows": 1,
    "prompt_format_differences": ["valid lacks '[CONVERSATION]', which train has"],
    "unseen_labels": 0.021,
    "untested_labels": {"mood": ["angry"]},
    "drift": 0.101,
    "forgetting": 3.1,
    "score_gain_over_linear": 0.01,
    "score_gain_over_base_prompted": 0.01,
    "disguised_copies": 0.011,
    "novel_rows_gain": 0.01,
    "follows_conversation": {"mood": {"context_decides": True}},
    "worst_slice": [{"name": "day = Monday", "high": -0.151, "q_value": 0.049}],
    "label_noise": {"mood": {"splits": {"test": {"rate_low": 0.11, "upper_bound": False}}}},
    "label_noise_by_split": {"mood": {"differs": 0.0009}},
    "score_drop": 0.051,
}


LISTS = {
    "prompt_format_differences": [],
    "untested_labels": {},
    "follows_conversation": {},
    "worst_slice": [],
    "label_noise": {},
    "label_noise_by_split": {},
}


def with_figure(criterion, value):
    changed = copy.deepcopy(EVALUATE)
    *path, last = FIGURES[criterion]
    place = changed
    for key in path:
        place = place[key]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return changed


def judge(evaluate, overfit=OVERFIT):
    rows = ruled(PARAMS, overfit, evaluate)
    return {row.criterion: row for row in rows}, *judging.answer(rows, from_json(Evaluate, evaluate, "evaluate.json"))


def ruled(params, overfit, evaluate):
    read = (from_json(Overfit, overfit, "overfit.json"), from_json(Evaluate, evaluate, "evaluate.json"))
    return judging.rows(params, *read)


def test_figures_at_their_bounds_ship():
    rows, answer, _ = judge(EVALUATE)
    assert {row.status for row in rows.values()} == {"pass"}
    assert answer == "ship"
    assert set(FIGURES) | {"verdict", "evidence", "prompted_opponents"} == set(rows)


@pytest.mark.parametrize("criterion", FIGURES)
@pytest.mark.parametrize("value", [KeyError, None, math.nan, math.inf, -math.inf])
def test_a_figure_that_is_missing_or_no_number_never_passes(criterion, value):
    if isinstance(value, float) and criterion in LISTS:
        return
    rows, answer, reason = judge(with_figure(criterion, value))
    assert rows[criterion].status == "missing"
    assert answer == "insufficient_evidence"
    assert criterion in reason


@pytest.mark.parametrize("criterion", FIGURES)
@pytest.mark.parametrize("value", ["0.999", True, [], {}, [1], 0.5])
def test_a_figure_of_another_type_is_refused_in_one_line_that_names_it(criterion, value):
    if LISTS.get(criterion) == value or (value == 0.5 and type(FAILING[criterion]) is float):
        return
    if criterion in ("adapter_effect",) and value == 0.5:
        return
    with pytest.raises(BadInputError, match=f"evaluate.json: .*{FIGURES[criterion][-1]}") as refused:
        judge(with_figure(criterion, value))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("criterion", FIGURES)
def test_a_figure_just_beyond_its_bound_fails(criterion):
    rows, answer, reason = judge(with_figure(criterion, FAILING[criterion]))
    assert rows[criterion].status == "fail"
    assert answer == ("insufficient_evidence" if criterion in ("test_rows", "generated_rows") else "do_not_ship")
    assert criterion in reason


@pytest.mark.parametrize("verdict", ["overfit", "underfit", "unstable"])
def test_a_bad_verdict_does_not_ship(verdict):
    rows, answer, _ = judge(EVALUATE, {"verdict": verdict})
    assert (rows["verdict"].status, answer) == ("fail", "do_not_ship")


@pytest.mark.parametrize(
    "overfit", [{}, {"verdict": None}, {"verdict": math.nan}, {"verdict": "insufficient_evidence"}]
)
def test_no_verdict_is_insufficient_evidence(overfit):
    assert judge(EVALUATE, overfit)[1] == "insufficient_evidence"


def test_an_adapter_no_better_than_the_base_is_told_to_keep_the_base():
    _, answer, reason = judge(with_figure("score_gain_over_base", -0.01))
    assert answer == "do_not_ship"
    assert "keep the base model" in reason


def test_the_reason_names_the_strongest_rival_that_does_as_well() -> None:
    evaluate = with_figure("score_gain_over_linear", -0.02)
    evaluate["comparisons"]["adapter_vs_majority"]["score"]["low"] = -0.01
    evaluate["arms"] |= {"linear": {"score": 0.966}, "majority": {"score": 0.7}}
    evaluate["arms"]["adapter"]["score"] = 0.934
    _, answer, reason = judge(evaluate)
    assert answer == "do_not_ship"
    assert reason.startswith("keep the linear model on word counts (0.966 against 0.934): ")


def test_an_adapter_that_was_compared_with_no_prompted_base_does_not_ship() -> None:
    evaluate = copy.deepcopy(EVALUATE)
    del evaluate["arms"]["base_prompted"]
    rows, answer, _ = judge(evaluate)
    assert (rows["prompted_opponents"].status, answer) == ("fail", "do_not_ship")
    assert "score_gain_over_base_prompted" not in rows


def test_noise_that_is_only_an_upper_bound_and_a_slice_that_may_be_chance_decide_nothing() -> None:
    evaluate = copy.deepcopy(EVALUATE)
    evaluate["scrutiny"]["label_noise"]["mood"]["splits"]["test"] = {"rate_low": 0.9, "upper_bound": True}
    evaluate["scrutiny"]["slices"].append({"name": "day = Friday", "high": -0.9, "q_value": 0.06})
    assert judge(evaluate)[1] == "ship"


def test_a_known_failure_outweighs_a_missing_figure_but_not_missing_evidence():
    broken = with_figure("schema_valid", 0.1)
    broken["loss_reduction"] = None
    assert judge(broken)[1] == "do_not_ship"
    broken["rows"] = 5
    assert judge(broken)[1] == "insufficient_evidence"


@pytest.mark.parametrize("nothing", [{}, None, {"arms": None, "comparisons": None}])
def test_an_empty_evaluation_never_ships(nothing):
    assert judge(nothing)[1] == "insufficient_evidence"


@pytest.mark.parametrize("key", ["exact", "near"])
@pytest.mark.parametrize("value", [KeyError, None, math.nan])
def test_a_leak_from_the_validation_that_is_unknown_never_passes(key, value):
    evaluate = copy.deepcopy(EVALUATE)
    if value is KeyError:
        del evaluate["leaks"]["test_in_valid"][key]
    else:
        evaluate["leaks"]["test_in_valid"][key] = value
    assert judge(evaluate)[0]["leaked_test_rows"].status == "missing"


@pytest.mark.parametrize("labels", [{"mood": "angry"}, {"mood": 1}, [], "none"])
def test_labels_that_are_no_lists_are_refused(labels):
    with pytest.raises(BadInputError, match="untested_labels"):
        judge(with_figure("untested_labels", labels))


def test_shares_that_add_up_to_the_bound_pass():
    leaked = {**EVALUATE["leaks"], "exact": 0.005, "near": 0.025, "test_in_valid": {"exact": 0.0, "near": 0.0}}
    found = ruled({**PARAMS, "max_leaked": 0.03}, OVERFIT, {**EVALUATE, "leaks": leaked})
    assert next(row for row in found if row.criterion == "leaked_test_rows").status == "pass"


def test_no_gates_at_all_never_ship():
    assert judging.answer([], from_json(Evaluate, {}, "evaluate.json"))[0] == "insufficient_evidence"


def test_a_random_split_may_train_on_later_rows():
    evaluate = with_figure("later_training_rows", 9)
    evaluate["leaks"]["split_strategy"] = "random"
    assert "later_training_rows" not in judge(evaluate)[0]


def test_a_validation_loss_of_0_has_no_relative_drift():
    assert judge(EVALUATE | {"drift": {"low": 0.1, "valid_loss": 0}})[0]["drift"].status == "missing"


@given(st.dictionaries(st.sampled_from(list(FIGURES)), st.one_of(st.none(), st.floats(), st.integers(), st.text())))
def test_ship_means_that_every_row_passes(figures):
    evaluate = copy.deepcopy(EVALUATE)
    for criterion, value in figures.items():
        *path, last = FIGURES[criterion]
        place = evaluate
        for key in path:
            place = place[key]
        place[last] = value
    try:
        rows, answer, _ = judge(evaluate)
    except BadInputError:
        return
    assert (answer == "ship") == all(row.status == "pass" for row in rows.values())


@pytest.mark.parametrize("limit", gates.LIMITS, ids=lambda limit: limit.name)
def test_every_limit_is_a_param_that_moves_its_gates(limit):
    strict = {**PARAMS, limit.name: -1 if limit.name.startswith("max") else 10**6}
    before, after = ({row.criterion: row for row in ruled(p, OVERFIT, EVALUATE)} for p in (PARAMS, strict))
    moved = {name for name in before if before[name] != after[name]}
    assert moved == {gate.criterion for gate in gates.GATES if gate.limit == limit and gate.criterion in before}
    assert {after[name].status for name in moved} == {"fail"}
