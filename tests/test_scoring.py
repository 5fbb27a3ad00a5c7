"""Fields of a target schema, and scores that no model can raise by not answering."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from sklearn import metrics

from plateau.data import fields
from plateau.evaluation import baselines, scoring

TARGET = {
    "type": "object",
    "additionalProperties": False,
    "required": ["category", "csat", "churn"],
    "properties": {
        "category": {"enum": ["billing", "technical", "sales"]},
        "csat": {"type": "integer", "minimum": 1, "maximum": 5},
        "churn": {"type": ["number", "null"], "minimum": 0, "maximum": 100},
        "resolved": {"type": "boolean"},
        "coaching": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "agent": {"type": "object", "properties": {"tone": {"enum": ["calm", "rude"]}, "ids": {"type": "array"}}},
    },
}
BY_NAME = {field.name: field for field in fields.fields(TARGET)}


def estimates(name, golds, predictions):
    scored = scoring.score(BY_NAME[name], [{name: g} for g in golds], predictions)
    return scoring.report(scored, 100, 0.95, 0)


def test_kinds_follow_from_the_schema():
    assert {name: field.kind for name, field in BY_NAME.items()} == {
        "category": "class",
        "csat": "number",
        "churn": "number",
        "resolved": "boolean",
        "coaching": "text",
        "agent.tone": "class",
        "agent.ids": "exact",
    }
    assert (BY_NAME["churn"].low, BY_NAME["churn"].high) == (0, 100)


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"oneOf": [{"const": "a"}, {"const": "b"}, {"type": "null"}]}, "class"),
        ({"$ref": "#/$defs/mood", "$defs": {"mood": {"enum": ["up", None]}}}, "class"),
        ({"enum": [1, 2, 3]}, "class"),
        ({"enum": [True, False]}, "boolean"),
        ({"allOf": [{"type": "number"}, {"minimum": 3}]}, "number"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, "text"),
        ({"type": "array", "items": {"type": "number"}}, "exact"),
        ({"$ref": "#"}, "exact"),
        ({"$ref": "http://elsewhere/"}, "exact"),
        ({}, "exact"),
        (True, "exact"),
    ],
)
def test_kinds_of_less_plain_schemas(schema, kind):
    assert [field.kind for field in fields.fields(schema)] == [kind]


def test_a_schema_that_refers_to_itself_ends():
    tree = {"type": "object", "properties": {"name": {"type": "string"}, "next": {"$ref": "#"}}}
    assert 1 < len(fields.fields(tree)) < 20


@pytest.mark.parametrize(
    ("options", "right", "wrong"), [([1, 2], 1, "1"), (["true", "no"], "true", True), ([0.5], 0.5, "0.5")]
)
def test_a_class_of_another_type_is_no_answer(options, right, wrong):
    field = fields.fields({"properties": {"x": {"enum": options}}})[0]
    assert field.value({"x": right}) == right
    assert field.value({"x": wrong}) is None


def test_a_number_that_no_float_holds_is_judged_and_no_crash():
    assert scoring.is_valid(fields.validator({"multipleOf": 0.01}), "1" * 401)
    assert not scoring.is_valid(fields.validator({"maximum": 9}), "1" * 401)


def test_class_scores_equal_scikit_learns():
    generator = np.random.default_rng(0)
    names = BY_NAME["category"].labels
    gold = [names[i] for i in generator.integers(3, size=200)]
    guess = [names[i] for i in generator.integers(3, size=200)]
    found = estimates("category", gold, [{"category": g} for g in guess])
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(gold, guess), rel=1e-5)
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(gold, guess, average="macro"), rel=1e-5)
    assert found["accuracy_low"] < found["accuracy"] < found["accuracy_high"]


def test_macro_f1_with_answers_outside_the_labels_costs_recall_only():
    gold = ["billing", "billing", "sales", "sales"]
    guess = [{"category": "billing"}, {"category": "weather"}, {"category": "sales"}, None]
    found = estimates("category", gold, guess)
    assert found["accuracy"] == 0.5
    assert found["macro_f1"] == pytest.approx(2 / 3, rel=1e-5)
    assert found["answered"] == 0.5


def test_boolean_scores_equal_scikit_learns():
    generator = np.random.default_rng(1)
    gold, guess = (generator.integers(2, size=100).astype(bool).tolist() for _ in range(2))
    found = estimates("resolved", gold, [{"resolved": g} for g in guess])
    assert found["f1"] == pytest.approx(metrics.f1_score(gold, guess), rel=1e-5)
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(gold, guess), rel=1e-5)


def test_an_unanswered_boolean_is_wrong():
    assert estimates("resolved", [True, False], [{}, {"resolved": "false"}])["accuracy"] == 0


def test_number_scores_equal_scipys():
    generator = np.random.default_rng(2)
    gold = generator.uniform(0, 100, 100).tolist()
    guess = [min(100, max(0, g + d)) for g, d in zip(gold, generator.normal(0, 20, 100), strict=True)]
    found = estimates("churn", gold, [{"churn": g} for g in guess])
    assert found["mae"] == pytest.approx(np.abs(np.subtract(gold, guess)).mean(), rel=1e-5)
    assert found["spearman"] == pytest.approx(scipy_stats.spearmanr(gold, guess).statistic, rel=1e-5)


@pytest.mark.parametrize(
    "answer", [None, {}, {"churn": "20"}, {"churn": True}, {"churn": None}, {"churn": 101}, [], "x"]
)
def test_an_unanswered_number_counts_as_the_far_end_of_the_range(answer):
    assert estimates("churn", [20, 80], [{"churn": 20}, answer])["mae"] == 40
    assert estimates("churn", [80, 20], [{"churn": 80}, answer])["mae"] == 40


def test_without_bounds_the_range_is_that_of_the_true_values():
    field = fields.Field(("n",), "number")
    golds = [{"n": value} for value in (0, 10, 4)]
    scored = scoring.score(field, golds, [{"n": 0}, {"n": 10}, {"n": 1e30}])
    assert scoring.report(scored, 100, 0.95, 0)["mae"] == 2
    assert scored.score.tolist() == [1, 1, pytest.approx(0.4)]


def test_a_constant_prediction_has_no_rank_correlation():
    assert estimates("csat", [1, 2, 3], [{"csat": 2}] * 3)["spearman"] is None


@pytest.mark.parametrize(
    ("gold", "guess", "f1"),
    [("Say hello.", "say HELLO", 1), ("a b", "b c", 0.5), ("", "", 1), ("a", "", 0), ("a", None, 0), ("", None, 0),
     (["greet first", "thank"], ["thank", "greet first"], 1), (["a b"], "a b", 1), ("a a b", "a b b", 2 / 3)],
)  # fmt: skip
def test_token_f1(gold, guess, f1):
    assert scoring.token_f1(gold, guess) == pytest.approx(f1)


def test_rows_without_a_true_value_are_not_scored_but_invented_keys_are_counted():
    golds = [{"category": "sales"}, {"category": "sales", "churn": None}, {"category": "sales", "churn": 5}]
    guesses = [{"category": "sales", "churn": 9}, None, {"churn": 5}]
    assert scoring.score(BY_NAME["churn"], golds, guesses).rows.tolist() == [2]
    assert scoring.key_shares(golds, guesses) == (3 / 5, 1 / 3)


@pytest.mark.parametrize("output", ["", "{", '{"a": 1} x', "```json\n{}\n```", '{"a": NaN}', "[" * 5000, "Infinity"])
def test_outputs_that_are_no_json(output):
    assert not scoring.is_json(output)
    assert not scoring.is_valid(fields.validator({}), output)


def test_schema_validity_is_that_of_the_target_schema():
    validator = fields.validator(TARGET)
    assert scoring.is_valid(validator, '{"category": "sales", "csat": 3, "churn": null}\n')
    assert not scoring.is_valid(validator, '{"category": "sales", "csat": 6, "churn": null}')
    assert scoring.is_json("null")
    assert scoring.is_valid(fields.validator({"type": "null"}), "null")


FIELD_VALUES = {
    "category": st.sampled_from(["billing", "technical", "sales"]),
    "csat": st.integers(1, 5),
    "churn": st.floats(0, 100),
    "resolved": st.booleans(),
    "coaching": st.text(max_size=5),
}


@given(st.data(), st.sampled_from(list(FIELD_VALUES)))
def test_no_answer_is_never_better_than_an_answer(data, name):
    rows = data.draw(st.lists(FIELD_VALUES[name], min_size=1, max_size=6))
    answers = data.draw(st.lists(FIELD_VALUES[name], min_size=len(rows), max_size=len(rows)))
    silent = data.draw(st.integers(0, len(rows) - 1))
    given_up = [None if i == silent else {name: a} for i, a in enumerate(answers)]
    golds = [{name: gold} for gold in rows]
    answered = scoring.score(BY_NAME[name], golds, [{name: a} for a in answers]).score
    unanswered = scoring.score(BY_NAME[name], golds, given_up).score
    assert (unanswered <= answered + 1e-12).all()
    assert ((answered >= 0) & (answered <= 1)).all()


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=4))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd."), inner, max_size=3),
    max_leaves=8,
)
leaves = st.one_of(
    st.just({}),
    st.just({"type": "null"}),
    st.booleans(),
    st.builds(lambda v: {"const": v}, values),
    st.builds(lambda v: {"enum": v}, st.lists(values, min_size=1, max_size=4)),
    st.builds(lambda t: {"type": t}, st.sampled_from(["string", "integer", "number", "boolean", "array", "object"])),
    st.builds(lambda low, size: {"type": "number", "minimum": low, "exclusiveMaximum": low + size}, st.integers(-9, 9), st.integers(0, 9)),
    st.builds(lambda t: {"type": t}, st.lists(st.sampled_from(["string", "null", "array", "number"]), min_size=1, unique=True)),
    st.builds(lambda r: {"$ref": r}, st.sampled_from(["#", "#/$defs/x", "#/properties/a", "#nowhere"])),
)  # fmt: skip
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda i: {"type": "array", "items": i}, inner),
        st.builds(lambda c: {"anyOf": c}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda c: {"oneOf": c}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda c: {"allOf": c}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(
            lambda p: {"type": "object", "properties": p},
            st.dictionaries(st.sampled_from(["a", "b", "c", "d."]), inner, max_size=3),
        ),
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(schemas, st.lists(st.tuples(values, values), min_size=1, max_size=5))
def test_scoring_never_crashes_for_any_schema_and_target(schema, pairs):
    golds, guesses = [gold for gold, _ in pairs], [guess for _, guess in pairs]
    found = fields.fields(schema)
    scored = [scoring.score(field, golds, guesses) for field in found]
    for one in scored:
        figures = scoring.report(one, 100, 0.95, 0)
        json.dumps(figures, allow_nan=False)
        assert ((one.score >= 0) & (one.score <= 1)).all()
    total = scoring.total(scored, len(golds))
    assert all(math.isnan(value) or 0 <= value <= 1 for value in total)
    assert scoring.key_shares(golds, golds) == (0, 0)
    assert len(baselines.majority(found, golds, 3)) == 3


@settings(max_examples=50, deadline=None)
@given(schemas, st.lists(values, min_size=1, max_size=5))
def test_the_truth_itself_scores_1(schema, golds):
    for field in fields.fields(schema):
        scored = scoring.score(field, golds, golds)
        assert (scored.score == 1).all()
        assert scored.answered == (1 if len(scored.rows) else 0)


def test_the_linear_baseline_learns_what_words_say_and_the_majority_does_not():
    texts = [f"my invoice number {i} is wrong" if i % 3 else f"the router {i} is broken" for i in range(60)]
    targets = [
        {"category": "billing" if i % 3 else "technical", "csat": 2 if i % 3 else 5, "coaching": "listen", "agent": {"tone": "calm"}}
        for i in range(60)
    ]  # fmt: skip
    found = list(BY_NAME.values())
    linear = baselines.linear(found, texts, targets, ["invoice wrong", "router broken"])
    assert [t["category"] for t in linear] == ["billing", "technical"]
    assert linear[0]["csat"] < 3 < linear[1]["csat"]
    assert linear[0]["agent"] == {"tone": "calm"}
    majority = baselines.majority(found, targets, 2)
    assert majority[0] == {"category": "billing", "csat": 3.0, "coaching": "listen", "agent": {"tone": "calm"}}


def test_fields_that_never_occur_in_training_get_no_baseline():
    assert baselines.majority(list(BY_NAME.values()), [{}, None, []], 2) == [{}, {}]
    assert baselines.linear(list(BY_NAME.values()), ["a b", "c d"], [{}, None], ["a"]) == [{}]
