"""Fields of a target schema, and scores that no model can raise by not answering."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from sklearn import metrics

from plateau.core.figures import to_json
from plateau.data import fields
from plateau.evaluation import baselines, field_figures, scoring
from plateau.evaluation.kinds import text

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


def kind(schema):
    return [one.name for one in scoring.PLAIN.kinds(schema)]


def scored(schema, truth, answer, **rules):
    """The score of one answer."""
    return scoring.total(scoring.scored(schema, [truth], [answer], scoring.Rules(**rules)), 1)[0]


def holding(schema):
    """A target with one field, a, that may be left out."""
    return {"type": "object", "properties": {"a": schema}}


def estimates(name, golds, predictions):
    scored = scoring.score(BY_NAME[name], [{name: g} for g in golds], predictions)
    return to_json(field_figures.report(scored, 100, 0.95, 0))


def test_kinds_follow_from_the_schema():
    assert dict(zip(BY_NAME, kind(TARGET), strict=True)) == {
        "category": "class",
        "csat": "number",
        "churn": "number",
        "resolved": "boolean",
        "coaching": "choice",
        "agent.tone": "class",
        "agent.ids": "list",
    }


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"oneOf": [{"const": "a"}, {"const": "b"}, {"type": "null"}]}, "class"),
        ({"$ref": "#/$defs/mood", "$defs": {"mood": {"enum": ["up", None]}}}, "class"),
        ({"enum": [1, 2, 3]}, "class"),
        ({"enum": [True, False]}, "boolean"),
        ({"allOf": [{"type": "number"}, {"minimum": 3}]}, "number"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, "list"),
        ({"type": "array", "prefixItems": [{"type": "number"}]}, "exact"),
        ({"type": "string", "format": "date"}, "exact"),
        ({"type": "string", "pattern": "^A"}, "exact"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "map"),
        ({"type": ["string", "integer"]}, "choice"),
        ({"$ref": "#"}, "exact"),
        ({"$ref": "http://elsewhere/"}, "exact"),
        ({}, "exact"),
        (True, "exact"),
    ],
)
def test_kinds_of_less_plain_schemas(schema, expected):
    assert kind(schema) == [expected]


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
    names = BY_NAME["category"].classes
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
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(gold, guess), rel=1e-5)


def test_an_unanswered_boolean_is_wrong():
    assert estimates("resolved", [True, False], [{}, {"resolved": "false"}])["accuracy"] == 0


def test_number_scores_equal_scipys():
    generator = np.random.default_rng(2)
    gold = generator.uniform(0, 100, 100).tolist()
    guess = [float(min(100, max(0, g + d))) for g, d in zip(gold, generator.normal(0, 20, 100), strict=True)]
    found = estimates("churn", gold, [{"churn": g} for g in guess])
    assert found["mae"] == pytest.approx(np.abs(np.subtract(gold, guess)).mean(), rel=1e-5)
    assert found["spearman"] == pytest.approx(scipy_stats.spearmanr(gold, guess).statistic, rel=1e-5)


@pytest.mark.parametrize(
    "answer", [None, {}, {"churn": "20"}, {"churn": True}, {"churn": None}, {"churn": 101}, [], "x", fields.UNUSABLE]
)
def test_an_unanswered_number_scores_0_and_has_no_error(answer):
    one = scoring.score(BY_NAME["churn"], [{"churn": 50}, {"churn": 20}], [{"churn": 40}, answer])
    assert one.score.tolist() == [0.9, 0]
    figures = to_json(field_figures.report(one, 100, 0.95, 0))
    assert (figures["mae"], figures["answered"]) == (10, 0.5)


def test_without_bounds_the_scale_is_that_of_the_training_values_and_one_outlier_does_not_move_it():
    schema = holding({"type": "number"})
    train = [{"a": float(value)} for value in range(1001)] + [{"a": 1e12}, {}]
    rules = scoring.Rules.learnt(schema, train)
    assert 970 < rules.scales["a"] < 1000
    assert scored(schema, {"a": 500}, {"a": 500 + rules.scales["a"] / 4}, scales=rules.scales) == pytest.approx(0.75)
    assert scored(schema, {"a": 1e9}, {"a": 1e30}, scales=rules.scales) == 0
    assert scoring.Rules.learnt(holding({"type": "number", "minimum": 0, "maximum": 10}), train).scales == {}
    lines = holding({"type": "array", "items": {"properties": {"q": {"type": "number"}}}})
    assert set(scoring.Rules.learnt(lines, [{"a": [{"q": 1}, {"q": 3}]}]).scales) == {"a[].q"}


def test_a_constant_prediction_has_no_rank_correlation():
    assert estimates("csat", [1, 2, 3], [{"csat": 2}] * 3)["spearman"] is None


@pytest.mark.parametrize(
    ("gold", "guess", "f1"),
    [("Say hello", "say HELLO", 1), ("a b", "b c", 0.5), ("", "", 1), ("a", "", 0), ("a a b", "a b b", 2 / 3),
     ("C++", "C#", 0.4), ("-5 %", "5 %", 0.8), ("\u00e9", "e\u0301", 1), ("\ufb01ne", "fine", 1), ("Stra\u00dfe", "STRASSE", 1),
     ("don't", "don t", 0), ("ok \U0001f642", "ok \U0001f641", 0.5), ("3.14", "3 14", 0), ("\u6211\u60f3\u9000", "\u6211\u60f3\u8d27", 2 / 3),
     ("\u0e19\u0e49\u0e33", "\u0e19\u0e49\u0e33", 1), ("\u30ab\u30bf\u30ab\u30ca", "\u30ab\u30bf\u30ab\u30cb", 0.75)],
)  # fmt: skip
def test_token_f1(gold, guess, f1):
    assert text.token_f1(gold, guess) == pytest.approx(f1)
    assert text.token_f1(guess, gold) == pytest.approx(f1)


NO_VALUE = [
    {"enum": ["a", "b", None]},
    {"type": ["number", "null"]},
    {"type": "boolean"},
    {"type": "string"},
    {"type": "string", "format": "date"},
    {"type": "array", "items": {"type": "string"}},
    {"type": "object", "additionalProperties": {"type": "integer"}},
    {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "string"}}},
    {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
    {"anyOf": [{"type": "object", "properties": {"x": {"type": "integer"}}}, {"type": "null"}]},
]
VALUES = ["a", 1, True, "x", "2026-01-02", ["x"], {"x": 1}, {"x": 1, "y": "z"}, 1, {"x": 1}]


@pytest.mark.parametrize(("schema", "value"), [*zip(NO_VALUE, VALUES, strict=True)])
def test_no_value_is_an_answer_like_any_other(schema, value):
    target = holding(schema)
    assert scored(target, {"a": value}, {"a": value}) == 1
    for nothing, other in [({}, {}), ({}, {"a": None}), ({"a": None}, {}), ({"a": None}, {"a": None})]:
        assert scored(target, nothing, other) == 1
    for nothing in ({}, {"a": None}):
        assert scored(target, nothing, {"a": value}) == 0
        assert scored(target, {"a": value}, nothing) == 0
        assert scored(target, nothing, scoring.parse("no JSON")) == 0
        assert scored(target, nothing, None) == 0


def test_whether_there_is_a_value_has_precision_and_recall_and_no_value_is_a_class():
    golds = [{"category": "sales"}, {}, {"category": None}, {"category": "billing"}]
    guesses = [{"category": "sales"}, {"category": "sales"}, {}, {}]
    one = scoring.score(BY_NAME["category"], golds, guesses)
    found = to_json(field_figures.report(one, 100, 0.95, 0))
    assert (found["rows"], found["present"], found["score"], found["accuracy"]) == (4, 2, 0.5, 0.5)
    assert (found["value_precision"], found["value_recall"], found["value_f1"]) == (0.5, 0.5, 0.5)
    assert one.confusion == [("sales", "sales"), ("(none)", "sales"), ("(none)", "(none)"), ("billing", "(none)")]


def test_keys_that_are_null_are_no_invented_values():
    golds = [{"category": "sales"}, {"category": "sales", "churn": None}, {"category": "sales", "churn": 5}]
    guesses = [{"category": "sales", "churn": 9}, {"category": None}, {"churn": 5}]
    assert scoring.key_shares(golds, guesses) == (2 / 4, 1 / 3)
    assert scoring.key_shares([{"a.b": 1}], [{"a": {"b": 1}}]) == (1, 1)


@pytest.mark.parametrize(
    ("schema", "truth", "answer", "points"),
    [
        ({"type": "array", "items": {"type": "number"}}, [1, 2, 2], [2.0, 1, 3], 2 / 3),
        ({"type": "array", "items": {"type": "boolean"}}, [True, False], [False, True], 1),
        ({"type": "array", "items": {"type": "integer"}}, [1], [True], 0),
        ({"type": "array", "items": {"type": "string"}}, ["greet first", "thank"], ["thank", "greet"], 5 / 6),
        ({"type": "array", "items": {"type": "string"}}, ["a"], ["a", "b", "c"], 0.5),
        ({"type": "array", "items": {"type": "string", "format": "date"}}, ["2026-01-02"], ["2026-02-01"], 0),
        ({"type": "array"}, [1, [2, 3]], [[3, 2], 1], 1),
        ({"type": "array", "items": {"enum": ["a", None]}}, ["a", None], [None, "a"], 1),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"tea": 2, "milk": 1}, {"milk": 3, "tea": 2}, 0.5),
        ({"type": "object", "additionalProperties": {"type": "string"}}, {"x": "a b"}, {"x": "a c", "y": "z"}, 1 / 3),
        ({"anyOf": [{"type": "number", "minimum": 0, "maximum": 10}, {"const": "unknown"}]}, 5, 4, 0.9),
        ({"anyOf": [{"type": "number", "minimum": 0, "maximum": 10}, {"const": "unknown"}]}, 5, "unknown", 0),
        ({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}, ["a b"], "a b", 1),
        ({"enum": [1, 2, True, "1"]}, 1, True, 0),
        ({"enum": [1, 2, True, "1"]}, 1, 1.0, 1),
        ({"enum": [1, 2, True, "1"]}, "1", 1, 0),
        ({}, {"x": [1, 2.0]}, {"x": [2, 1.0]}, 1),
        ({}, {"x": 1}, {"x": True}, 0),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 10}, 1, 0, 0),
        ({"type": "number", "multipleOf": 0.1, "minimum": 0, "maximum": 1}, 0.3, 0.30000000000000004, 0),
        ({"type": "number", "multipleOf": 0.1, "minimum": 0, "maximum": 1}, 0.3, 0.4, 0.9),
        ({"type": "integer", "minimum": 0, "maximum": 10}, 5, 5.5, 0),
    ],
)  # fmt: skip
def test_the_score_of_one_answer(schema, truth, answer, points):
    assert scored(holding(schema), {"a": truth}, {"a": answer}) == pytest.approx(points)


@pytest.mark.parametrize(
    ("name", "one", "other", "same"),
    [
        ("date-time", "2026-01-02T10:00:00Z", "2026-01-02t11:00:00.000+01:00", True),
        ("date-time", "2026-01-02T00:30:00+01:00", "2026-01-01T23:30:00Z", True),
        ("date-time", "2026-01-02T10:00:00Z", "2026-01-02T10:00:00", False),
        ("time", "10:30:00Z", "11:30:00+01:00", True),
        ("time", "10:30:00Z", "30:10:00Z", False),
        ("date", "2026-01-02", "2026-02-01", False),
        ("duration", "PT60M", "PT1H", True),
        ("duration", "P1M", "PT1M", False),
        ("email", "ann@Example.com", "ann@example.com", True),
        ("email", "ann@example.com", "bob@example.com", False),
        ("uuid", "12345678-1234-5678-1234-56781234567A", "12345678-1234-5678-1234-56781234567a", True),
        ("ipv6", "::1", "0:0:0:0:0:0:0:1", True),
        ("uri", "HTTP://Example.com", "http://example.com/", True),
        ("uri", "http://example.com/A", "http://example.com/a", False),
        ("colour", "red", "Red", False),
        ("date", "not a date", "not a date", True),
    ],
)
def test_a_string_with_a_format_is_what_it_means(name, one, other, same):
    schema = holding({"type": "string", "format": name})
    assert scored(schema, {"a": one}, {"a": other}) == scored(schema, {"a": other}, {"a": one}) == float(same)


def test_fields_whose_names_read_alike_stay_apart():
    schema = {"properties": {"a.b": {"const": 1}, "a": {"properties": {"b": {"const": 2}}}}}
    assert [field.name for field in fields.fields(schema)] == ['"a.b"', "a.b"]
    assert scored(schema, {"a.b": 1, "a": {"b": 2}}, {"a": {"b": 2}}) == 0.5


def test_the_fields_of_matched_objects_are_reported_over_the_matched_pairs():
    item = {
        "properties": {"p": {"enum": ["tea", "milk", "rice"]}, "q": {"type": "integer", "minimum": 0, "maximum": 4}}
    }
    one = scoring.score(
        fields.fields(holding({"type": "array", "items": item}))[0],
        [{"a": [{"p": "tea", "q": 1}, {"p": "milk", "q": 2}]}, {}],
        [{"a": [{"p": "milk", "q": 3}, {"p": "tea", "q": 1}, {"p": "rice", "q": 0}]}, {}],
    )
    found = to_json(field_figures.report(one, 100, 0.95, 0))
    assert {name: (of["pairs"], of["score"]) for name, of in found["items"].items()} == {"p": (2, 1), "q": (2, 0.875)}
    assert one.score[0] == pytest.approx(2 * 1.875 / 5)
    assert found["exact_set"] == 0.5


def test_what_evaluate_scores_asks_for_is_scored_so():
    schema = {"properties": {"steps": {"type": "array", "items": {"type": "string"}}, "note": {"type": "string"}}}
    truth, answer = {"steps": ["go up", "turn"], "note": "a b"}, {"steps": ["turn", "go up"], "note": "a c"}
    assert scored(schema, truth, answer) == 0.75
    for asked, points in [
        ({"steps": {"ordered": True}}, 0.5),
        ({"steps": {"kind": "exact", "ordered": True}}, 0.25),
        ({"steps": {"kind": "text"}, "note": {"kind": "exact"}}, 0.5),
        ({"note": {"kind": "ignore"}}, 1),
        ({"note": {"weight": 3}}, 0.625),
        ({"note": {"weight": 0}}, 1),
    ]:
        assert scored(schema, truth, answer, asked=asked) == points, asked
    halves = {"steps": ["go", "turn"]}
    assert scored(schema, truth, halves, asked={"steps": {"kind": "set"}, "note": {"kind": "ignore"}}) == 0.5


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


def objects(inner):
    """Objects of named keys, of which some must stand there, with or without others."""
    return st.builds(
        lambda p, r, rest: {"type": "object", "properties": p, "required": [k for k in r if k in p], **rest},
        st.dictionaries(st.sampled_from(["a", "b", "c", "d."]), inner, max_size=3),
        st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=2),
        st.one_of(
            st.just({}),
            st.just({"additionalProperties": False}),
            st.builds(lambda i: {"additionalProperties": i}, inner),
        ),
    )


schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda i: {"type": "array", "items": i}, inner),
        st.builds(lambda c: {"anyOf": c}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda c: {"oneOf": c}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda c: {"allOf": c}, st.lists(inner, min_size=1, max_size=3)),
        objects(inner),
        st.builds(lambda c: {"anyOf": c}, st.lists(objects(inner), min_size=2, max_size=3)),
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(schemas, st.lists(st.tuples(values, values), min_size=1, max_size=5))
def test_scoring_never_crashes_for_any_schema_and_target(schema, pairs):
    golds, guesses = [gold for gold, _ in pairs], [guess for _, guess in pairs]
    found = scoring.PLAIN.kinds(schema)
    each = scoring.scored(schema, golds, guesses, scoring.Rules.learnt(schema, golds))
    for one in each:
        figures = to_json(field_figures.report(one, 100, 0.95, 0))
        json.dumps(figures, allow_nan=False)
        assert ((one.score[one.rows] >= 0) & (one.score[one.rows] <= 1)).all()
    total = scoring.total(each, len(golds))
    assert all(math.isnan(value) or 0 <= value <= 1 for value in total)
    assert scoring.key_shares(golds, golds) == (0, 0)
    assert len(baselines.majority(found, golds, 3)) == 3


@settings(max_examples=100, deadline=None)
@given(schemas, st.lists(values, min_size=1, max_size=5))
def test_the_truth_itself_scores_1(schema, golds):
    rules = scoring.Rules.learnt(schema, golds)
    for one in scoring.scored(schema, golds, golds, rules):
        assert (one.score[one.rows] == 1).all()
        assert one.answered in (1, None)


def shuffled(value, draw):
    """The same with keys and items in another order at every depth."""
    if isinstance(value, dict):
        return {key: shuffled(value[key], draw) for key in draw(st.permutations(list(value)))}
    return [shuffled(item, draw) for item in draw(st.permutations(value))] if isinstance(value, list) else value


@settings(max_examples=200, deadline=None)
@given(st.data(), schemas, values, values)
def test_no_order_of_keys_or_items_moves_a_score(data, schema, truth, answer):
    rules = scoring.Rules.learnt(schema, [truth])
    moved = shuffled(truth, data.draw), shuffled(answer, data.draw)
    for one, other in zip(
        scoring.scored(schema, [truth], [answer], rules),
        scoring.scored(schema, *([m] for m in moved), rules),
        strict=True,
    ):
        assert one.score == pytest.approx(other.score, nan_ok=True)


def without_nulls(value):
    """The same with keys that are null left out at every depth."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=200, deadline=None)
@given(schemas, values, values)
def test_a_null_scores_as_a_key_that_is_left_out(schema, truth, answer):
    rules = scoring.Rules.learnt(schema, [truth])
    for pair in [(without_nulls(truth), answer), (truth, without_nulls(answer))]:
        for one, other in zip(
            scoring.scored(schema, [truth], [answer], rules),
            scoring.scored(schema, [pair[0]], [pair[1]], rules),
            strict=True,
        ):
            assert one.score == pytest.approx(other.score, nan_ok=True)


def test_the_linear_baseline_learns_what_words_say_and_the_majority_does_not():
    texts = [f"my invoice number {i} is wrong" if i % 3 else f"the router {i} is broken" for i in range(60)]
    targets = [
        {"category": "billing" if i % 3 else "technical", "csat": 2 if i % 3 else 5, "coaching": "listen", "agent": {"tone": "calm"}}
        for i in range(60)
    ]  # fmt: skip
    found = scoring.PLAIN.kinds(TARGET)
    linear = baselines.linear(found, texts, targets, ["invoice wrong", "router broken"])
    assert [t["category"] for t in linear] == ["billing", "technical"]
    assert linear[0]["csat"] < 3 < linear[1]["csat"]
    assert linear[0]["agent"] == {"tone": "calm"}
    majority = baselines.majority(found, targets, 2)
    assert majority[0] == {"category": "billing", "csat": 2, "coaching": "listen", "agent": {"tone": "calm"}}


@pytest.mark.parametrize(
    ("schema", "values", "expected"),
    [
        ({"type": "integer"}, [1] * 97 + [2] * 3, 1),  # the mean, 1.03, is never exactly right
        ({"type": "integer", "minimum": 0, "maximum": 10}, [0] * 4 + [8, 9, 10] * 3, 8),  # the median scores better
        ({"type": "integer", "minimum": 0, "maximum": 1000}, [0, 1, 2, 2, 999], 2),
        ({"type": "integer"}, [3.0, None, 3.0], 3),
        ({"type": "integer"}, [3, None, None], None),
        ({"type": "number", "minimum": 0, "maximum": 10}, [1, 2, 2.5], 1.83333),
    ],
)
def test_the_majority_of_integers_is_the_mode_or_the_median_whichever_scores_better(schema, values, expected):
    [one] = scoring.PLAIN.kinds({"type": "object", "properties": {"count": schema}})
    found = one.majority(values)
    assert found == expected
    if "integer" in schema.values() and found is not None:
        assert isinstance(found, int)


def test_baselines_know_that_there_may_be_no_value():
    texts = [f"refund {i} please" if i % 4 else f"hello {i}" for i in range(40)]
    targets = [{"category": None, "churn": None} if i % 4 else {"category": "sales", "churn": 50.0} for i in range(40)]
    kinds = [one for one in scoring.PLAIN.kinds(TARGET) if one.field.name in ("category", "churn")]
    assert baselines.majority(kinds, targets, 1) == [{}]
    assert baselines.linear(kinds, texts, targets, ["refund 3", "hello 5"]) == [
        {},
        {"category": "sales", "churn": 50.0},
    ]


def test_numbers_of_the_baselines_hold_no_digit_that_a_processor_decides():
    """Sixteen digits of a product are not the same on every processor; six are, and a whole number is whole."""
    schema = {"type": "object", "properties": {"whole": {"type": "integer"}, "share": {"type": "number"}}}
    texts = [f"the invoice {i % 7} of {i % 5} is {'wrong' if i % 3 else 'late'}" for i in range(60)]
    targets = [{"whole": i % 7, "share": (i % 5) / 7 + i % 3} for i in range(60)]
    found = scoring.PLAIN.kinds(schema)
    made = [*baselines.linear(found, texts, targets, texts[:10]), *baselines.majority(found, targets, 1)]
    assert len({target["share"] for target in made}) > 5
    for target in made:
        assert isinstance(target["whole"], int)
        assert target["share"] == float(f"{target['share']:.6g}")


def test_fields_that_never_occur_in_training_get_no_baseline():
    assert baselines.majority(scoring.PLAIN.kinds(TARGET), [{}, None, []], 2) == [{}, {}]
    assert baselines.linear(scoring.PLAIN.kinds(TARGET), ["a b", "c d"], [{}, None], ["a"]) == [{}]


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": ["a", "b"]},
        {"enum": [1, 2, 3]},
        {"const": "a"},
        {"type": ["string", "null"], "enum": ["a", None]},
        {"oneOf": [{"const": "a"}, {"const": "b"}]},
        {"anyOf": [{"enum": ["a"]}, {"type": "number"}]},
        {"type": "boolean"},
        {"type": "array", "items": {"type": "string"}},
    ],
)
@pytest.mark.parametrize("truth", ["a", None])
def test_an_output_without_json_scores_0_also_where_the_whole_target_is_one_value(schema: Any, truth: Any) -> None:
    found = scoring.scored(schema, [truth], [scoring.parse("no JSON")])
    assert [one.score.tolist() for one in found] == [[0.0]]
    assert fields.fields(schema)[0].class_of(scoring.parse("no JSON")) == fields.NONE
