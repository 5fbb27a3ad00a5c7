"""Scores that a careful person would give, kind by kind: what docs/scoring.md says, tried on the schemas that strangers bring."""

import json
from typing import Any

import numpy as np
import pytest

from plateau.core.figures import to_json
from plateau.data import fields
from plateau.evaluation import baselines, field_figures, figures, scoring
from plateau.evaluation.predictions import Arm

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
TENTH = {"type": "number", "minimum": 0, "maximum": 10}
MOOD = {"enum": ["calm", "angry", "sad"]}


def closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """An object with these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def listed(items: Any) -> dict[str, Any]:
    """A list of such items."""
    return {"type": "array", "items": items}


def string(**keywords: Any) -> dict[str, Any]:
    """A string that the keywords say more of."""
    return {"type": "string", **keywords}


REFUND = closed(("kind", "amount"), kind={"const": "refund"}, amount=TENTH)
CANCEL = closed(("kind", "reason"), kind={"const": "cancel"}, reason=TEXT)
CALL = closed(
    ("kind",), kind={"const": "call"}, amount={"type": "number", "minimum": 0, "maximum": 1000}, number=TEXT, at=TEXT
)
UNION = {"oneOf": [REFUND, CANCEL, CALL]}
LINE = closed(("name",), name=TEXT, count={"type": "integer", "minimum": 0, "maximum": 4})
MEDIA = {"anyOf": [string(format="date"), string(format="date-time")]}
RANGES = {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "number", "minimum": 10, "maximum": 110}]}
SENTINEL = {"anyOf": [{"const": -1}, {"type": "number", "minimum": 0, "maximum": 100}]}
OPEN = {"type": "object", "properties": {"mood": MOOD}, "additionalProperties": True}
TAGGED = {"type": "object", "properties": {"mood": MOOD}, "additionalProperties": {"type": "integer"}}

ONE_OF_SEVERAL = [
    (UNION, {"kind": "refund", "amount": 5}, {"kind": "refund", "amount": 5}, 1),
    (UNION, {"kind": "refund", "amount": 5}, {"kind": "refund", "amount": 10}, 0.75),
    (UNION, {"kind": "refund", "amount": 5}, {"kind": "refund"}, 0.5),
    (UNION, {"kind": "cancel", "reason": "too late"}, {"kind": "cancel", "reason": "never"}, 0.5),
    (UNION, {"kind": "cancel", "reason": "too late"}, {"kind": "refund", "amount": 5}, 0),
    (UNION, {"kind": "refund", "amount": 5}, {"kind": "cancel", "reason": "x"}, 0),
    (UNION, {"kind": "call", "amount": 500}, {"kind": "call", "amount": 400}, (1 + 0.9 + 1 + 1) / 4),
    (UNION, {"kind": "refund", "amount": 5}, {"kind": "refund", "amount": 500}, 0.5),
    (UNION, {"kind": "refund", "amount": 5}, {"kind": "refund", "amount": 5, "reason": "x"}, 2 / 3),
    (UNION, {"kind": "refund", "amount": 5}, [], 0),
    ({"anyOf": [REFUND, CANCEL, {"type": "null"}]}, None, {"kind": "refund", "amount": 5}, 0),
    ({"anyOf": [REFUND, CANCEL, {"type": "null"}]}, {"kind": "cancel", "reason": "x"}, None, 0),
    ({"anyOf": [REFUND, CANCEL, {"type": "null"}]}, None, None, 1),
    ({"anyOf": [REFUND, TEXT]}, {"kind": "refund", "amount": 5}, {"kind": "refund", "amount": 10}, 0.75),
    ({"anyOf": [REFUND, TEXT]}, "no idea", {"kind": "refund", "amount": 5}, 0),
    ({"anyOf": [REFUND, TEXT]}, {"kind": "refund", "amount": 5}, "refund 5", 0),
    (listed(UNION), [{"kind": "refund", "amount": 5}, {"kind": "cancel", "reason": "x"}], [{"kind": "cancel", "reason": "x"}, {"kind": "refund", "amount": 10}], 0.875),
    (listed(UNION), [{"kind": "refund", "amount": 5}], [{"kind": "call", "number": "1"}], 0),
    ({"$ref": "#/$defs/u", "$defs": {"u": UNION}}, {"kind": "cancel", "reason": "a b"}, {"kind": "cancel", "reason": "a c"}, 0.75),
    ({"allOf": [{"properties": {"x": MOOD}}, {"anyOf": [{"required": ["x"]}, {"required": ["y"]}], "properties": {"y": MOOD}}]}, {"x": "calm", "y": "sad"}, {"x": "calm"}, 0.5),
    (MEDIA, "2026-01-02T10:00:00Z", "2026-01-02T11:00:00+01:00", 1),
    (MEDIA, "2026-01-02", "2026-01-02", 1),
    (MEDIA, "2026-01-02", "2026-01-03", 0),
    (MEDIA, "2026-01-02T10:00:00Z", "2026-01-02", 0),
    ({"anyOf": [string(pattern="^ORD-[0-9]+$"), string(maxLength=40)]}, "ORD-17", "ORD-71", 0),
    ({"anyOf": [string(pattern="^ORD-[0-9]+$"), string(maxLength=40)]}, "not known yet", "not known", 0.8),
    ({"anyOf": [MOOD, TEXT]}, "calm", "calm and angry", 0),
    ({"anyOf": [MOOD, TEXT]}, "rather calm", "rather angry", 0.5),
    ({"anyOf": [listed({"type": "integer"}), listed(string(format="date"))]}, ["2026-01-02"], ["2026-01-02"], 1),
    ({"anyOf": [listed({"type": "integer"}), TEXTS]}, ["go up", "turn"], ["turn", "go"], (1 + 2 / 3) / 2),
    (RANGES, 0.5, 0.75, 0.75),
    (RANGES, 50, 60, 0.9),
    (RANGES, 0.5, 50, 0),
    (RANGES, 0.5, 5, 0),
    (SENTINEL, 50, 60, 0.9),
    (SENTINEL, -1, 0, 0),
    (SENTINEL, -1, -1, 1),
    ({"anyOf": [{"type": "integer", "minimum": 0, "maximum": 10}, TENTH, TEXT]}, 5, 5.5, 0.95),
    ({"anyOf": [TENTH, {"type": "boolean"}]}, 1, True, 0),
    ({"anyOf": [TENTH, {"type": "boolean"}]}, True, True, 1),
    ({"anyOf": [TEXT, TEXTS]}, "call back", ["call back"], 1),
    ({"type": ["string", "object"], "properties": {"x": MOOD, "y": MOOD}}, {"x": "calm", "y": "sad"}, {"x": "calm", "y": "calm"}, 0.5),
]  # fmt: skip
NO_VALUE = [
    (closed(a=closed(x=MOOD, y=TEXT)), {}, {"a": {"x": "calm"}}, 0),
    (closed(a=closed(x=MOOD, y=TEXT)), {"a": None}, {"a": {"x": None}}, 1),
    (closed(a=closed(x=MOOD, y=TEXT)), {"a": None}, {"a": {}}, 1),
    (closed(a=closed(x=MOOD, y=TEXT)), {"a": {"x": None, "y": None}}, {"a": {"x": "calm"}}, 0.5),
    (closed(a=closed(x=MOOD, y=TEXT)), {"a": {"x": "calm"}}, {"a": None}, 0.5),
    (closed(a=closed(x=MOOD), b=MOOD), {"b": "sad"}, {"a": "calm", "b": "sad"}, 0.5),
    (closed(a={"anyOf": [closed(x=closed(y=MOOD, z=MOOD)), {"type": "null"}]}), {"a": None}, {"a": {"x": {"y": "sad"}}}, 0),
    (closed(a={"type": ["array", "null"], "items": MOOD}), {"a": None}, {"a": []}, 0),
    (closed(a={"type": ["array", "null"], "items": MOOD}), {"a": []}, {}, 0),
    (closed(a={"type": ["string", "null"]}), {"a": None}, {"a": ""}, 0),
    (closed(a={"type": ["string", "null"]}), {"a": "none"}, {"a": None}, 0),
    (closed(a={"enum": ["(none)", "x", None]}), {"a": None}, {"a": "(none)"}, 0),
    (listed(closed(x=MOOD, y={"anyOf": [closed(z=MOOD, w=TEXT), {"type": "null"}]})), [{"x": "sad", "y": None}], [{"x": "sad", "y": {"z": "sad"}}], 1 / 3),
]  # fmt: skip
LISTS = [
    (listed(MOOD), ["calm", "calm", "sad"], ["calm", "sad", "sad"], 2 / 3),
    (listed({"enum": [1, "1", True]}), [1], ["1"], 0),
    (listed({"enum": [1, "1", True]}), [1], [True], 0),
    (listed({"enum": [1, "1", True]}), [1.0], [1], 1),
    (listed({"type": "number"}), [0.1, 2], [2.0, 0.1], 1),
    (listed({"type": "number"}), [10], [11], 0),
    (listed(LINE), [{"name": "tea", "count": 2}], [{"name": "tea", "count": "2"}], 0.5),
    (listed(LINE), [{"name": "tea", "count": 2}], [{"name": "tea"}], 0.5),
    (listed(LINE), [{"name": "tea"}], [{"name": "tea", "count": 2}], 0.5),
    (listed(LINE), [{"name": "tea", "count": 2}], ["tea"], 0),
    (listed(LINE), [{"name": "tea", "count": 2}, {"name": "milk", "count": 1}], [{"name": "milk", "count": 1}], 2 / 3),
    (listed(TEXTS), [["go up", "turn"], ["stop"]], [["stop"], ["turn", "go up"]], 1),
    (listed(listed({"type": "integer"})), [[1, 2], [3]], [[3], [2, 1]], 1),
    (listed(listed({"type": "integer"})), [[1, 2], [3]], [[1, 3], [2]], 2 / 3),
    (listed(string(format="date-time")), ["2026-01-02T10:00:00Z"], ["2026-01-02T11:00:00+01:00"], 1),
    (listed(MEDIA), ["2026-01-02T10:00:00Z", "2026-01-02"], ["2026-01-02", "2026-01-02T11:00:00+01:00"], 1),
    ({"type": "array", "prefixItems": [TEXT, TENTH]}, ["a", 1], ["a", 1.0], 1),
    ({"type": "array", "prefixItems": [TENTH, TENTH]}, [1, 2], [2, 1], 0),
    (listed({"anyOf": [MOOD, TENTH]}), ["calm", 4], [5, "calm"], 0.95),
    (listed({"type": ["string", "null"]}), ["a", None], ["a"], 2 / 3),
    (TEXTS, ["a"], "a", 0),
]  # fmt: skip
ORDERED = [
    (TEXTS, ["first", "second", "third"], ["first", "third", "second"], 2 / 3),
    (listed(MOOD), ["calm", "sad"], ["sad", "calm"], 0.5),
    (listed(LINE), [{"name": "tea", "count": 1}, {"name": "milk", "count": 1}], [{"name": "milk", "count": 1}, {"name": "tea", "count": 1}], 0.5),
    ({"type": "object", "additionalProperties": listed(MOOD)}, {"x": ["calm", "sad"]}, {"x": ["sad", "calm"]}, 0.5),
]  # fmt: skip
OBJECTS = [
    (TAGGED, {"mood": "sad", "tea": 2}, {"mood": "sad", "tea": 2}, 1),
    (TAGGED, {"mood": "sad", "tea": 2}, {"mood": "sad"}, 0.5),
    (TAGGED, {"mood": "sad"}, {"mood": "sad", "tea": 2}, 0.5),
    (TAGGED, {"mood": "sad", "tea": 2, "milk": 1}, {"mood": "calm", "milk": 1, "tea": 3}, 0.25),
    (TAGGED, {"mood": "sad"}, {"mood": "sad", "tea": None}, 1),
    (TAGGED, {"mood": "sad"}, {"mood": "calm"}, 0),
    (OPEN, {"mood": "sad", "tea": 2}, {"mood": "sad"}, 0.5),
    (OPEN, {"mood": "sad", "tea": [2, 1]}, {"mood": "sad", "tea": [1, 2.0]}, 1),
    (OPEN, {"mood": "sad"}, {"mood": "calm"}, 0),
    ({"type": "object", "properties": {"mood": MOOD}, "additionalProperties": {}}, {"mood": "sad", "tea": 2}, {"mood": "sad"}, 0.5),
    (listed(TAGGED), [{"mood": "sad", "tea": 2}], [{"mood": "sad", "tea": 3}], 0.5),
    ({"type": "object", "additionalProperties": MOOD}, {"a": "sad", "b": None}, {"a": "sad"}, 1),
    ({"type": "object", "additionalProperties": MOOD}, {}, {"a": "sad"}, 0),
    ({"type": "object", "additionalProperties": TENTH}, {"a": 5}, {"a": 10}, 0.5),
    ({"type": "object", "additionalProperties": LINE}, {"a": {"name": "tea", "count": 1}}, {"a": {"name": "tea", "count": 2}}, 0.875),
    ({"type": "object", "patternProperties": {"^n_": TENTH, "^t_": TEXT}}, {"n_a": 5, "t_a": "x y"}, {"n_a": 10, "t_a": "x z"}, 0.5),
    (closed(**{"a.b": MOOD, "a": closed(b=MOOD), '"a.b"': MOOD}), {"a.b": "sad", "a": {"b": "calm"}, '"a.b"': "sad"}, {"a.b": "calm", "a": {"b": "sad"}, '"a.b"': "sad"}, 1 / 3),
    ({"properties": {"*": MOOD}, "additionalProperties": MOOD}, {"*": "sad", "x": "calm"}, {"*": "sad", "x": "sad"}, 0.5),
]  # fmt: skip
STRINGS = [
    (string(format="date"), "2026-01-02", "2026-1-2", 0),
    (string(format="time"), "10:30:00Z", "10:30:00.000+00:00", 1),
    (string(format="duration"), "P1D", "PT24H", 1),
    (string(format="email"), "Ann@x.org", "ann@x.org", 0),
    (string(format="uuid"), "12345678-1234-5678-1234-56781234567A", "12345678-1234-5678-1234-56781234567a", 1),
    (string(pattern="^[A-Z]{2}$"), "AB", "ab", 0),
    ({"allOf": [TEXT, {"pattern": "^A"}]}, "A 1", "A 2", 0),
    ({"$ref": "#/$defs/code", "$defs": {"code": string(pattern="^A")}}, "A 1", "A 2", 0),
    ({"anyOf": [string(format="date"), {"type": "null"}]}, "2026-01-02", "2026-02-01", 0),
    (TEXT, "C++", "C#", 0.4),
    (TEXT, "C", "C++", 0.5),
    (TEXT, "well done 👍", "well done 👍\ufe0f", 1),
    (TEXT, "❤\ufe0f", "❤", 1),
    (TEXT, "1\ufe0f\u20e3", "1\u20e3", 1),
    (TEXT, "👍", "👎", 0),
    (TEXT, "🇩🇪", "🇫🇷", 0),
    (TEXT, "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", 0),
    (TEXT, "👩\u200d💻", "👩 💻", 0),
    (TEXT, "co\u00adoperate", "cooperate", 1),
    (TEXT, "\ufeffhello\u200b", "hello", 1),
    (TEXT, "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u062e\u0648\u0627\u0647\u0645", 1),
    (TEXT, "क्षमा करें", "क्षमा करें", 1),
    (TEXT, "क्षमा", "कमा", 0),
    (TEXT, "返品したい", "返金したい", 0.8),
    (TEXT, "환불 원해요", "환불 안 해요", 0.4),
    (TEXT, "\uff21\uff11", "a1", 1),
    (TEXT, "naïve", "naive", 0),
    (TEXT, "5 €", "5 $", 0.5),
    (TEXT, "3,5", "3.5", 0),
    (TEXT, "", "", 1),
    (TEXT, "\u200b", "", 1),
    (TEXT, "x", " ", 0),
]  # fmt: skip
NUMBERS = [
    ({"type": "number", "minimum": 0, "exclusiveMaximum": 1}, 0.5, 1, 0),
    ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10}, 5, 9, 0.6),
    ({"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.25}, 0.5, 0.75, 0.75),
    ({"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.25}, 0.5, 0.6, 0),
    ({"type": "integer", "minimum": 0, "maximum": 10}, 5, 5.0, 1),
    ({"type": "integer", "minimum": 0, "maximum": 10}, 5, "5", 0),
    ({"type": "integer", "minimum": 0, "maximum": 10}, 5, 11, 0),
    ({"allOf": [{"type": "integer", "minimum": 0}, {"maximum": 4}]}, 1, 2, 0.75),
    ({"type": "integer"}, 10**30, 10**30, 1),
    ({"type": "number"}, 3, 4, 0),
]  # fmt: skip


def arm(outputs: list[str], golds: list[str]) -> Arm:
    """An arm that wrote an output for each truth."""
    rows = np.arange(len(golds))
    tokens = np.ones(len(golds), np.int32)
    return Arm("adapter", tokens, tokens, None, rows, outputs, rows, golds)


def score(schema: Any, truth: Any, answer: Any, **rules: Any) -> float:
    """The score of a target under the field `a`, or of a whole one, unrounded."""
    found = scoring.scored(schema, [truth], [answer], scoring.Rules(**rules))
    return float(scoring.total(found, 1)[0])


PLAIN = [*ONE_OF_SEVERAL, *NO_VALUE, *LISTS, *OBJECTS, *STRINGS, *NUMBERS]


@pytest.mark.parametrize(("schema", "truth", "answer", "points"), PLAIN)
def test_a_field_is_scored_as_a_careful_person_would(schema: Any, truth: Any, answer: Any, points: float) -> None:
    below = {"type": "object", "properties": {"a": {k: v for k, v in schema.items() if k != "$defs"}}}
    below |= {"$defs": schema["$defs"]} if "$defs" in schema else {}
    assert score(below, {"a": truth}, {"a": answer}) == pytest.approx(points)
    assert score(below, {"a": truth}, {"a": truth}) == 1


@pytest.mark.parametrize(("schema", "truth", "answer", "points"), [case for case in PLAIN if case[1] is not None])
def test_a_whole_target_is_scored_as_a_careful_person_would(
    schema: Any, truth: Any, answer: Any, points: float
) -> None:
    assert score(schema, truth, answer) == pytest.approx(points)


@pytest.mark.parametrize(("schema", "truth", "answer", "points"), ORDERED)
def test_an_ordered_field_is_scored_as_a_careful_person_would(
    schema: Any, truth: Any, answer: Any, points: float
) -> None:
    below = {"type": "object", "properties": {"a": schema}}
    assert score(below, {"a": truth}, {"a": answer}, asked={"a": {"ordered": True}}) == pytest.approx(points)
    assert score(below, {"a": truth}, {"a": answer}) == 1 or len(truth) > 2


TREE = {"type": "object", "properties": {"name": MOOD, "below": listed({"$ref": "#"})}}
BY_KIND = {
    "properties": {"kind": {"enum": ["a", "b"]}, "x": TENTH, "y": TENTH},
    "oneOf": [
        {"properties": {"kind": {"const": "a"}, "y": False}, "required": ["x"]},
        {"properties": {"kind": {"const": "b"}, "x": False}, "required": ["y"]},
    ],
}
NESTED = {"oneOf": [closed(("a",), a={"const": 1}, b=UNION), closed(("a",), a={"const": 2}, c=MOOD)]}


@pytest.mark.parametrize(
    ("schema", "truth", "answer", "points"),
    [
        (TREE, {"name": "sad", "below": [{"name": "sad"}]}, {"name": "sad", "below": [{"name": "calm"}]}, 0.75),
        (BY_KIND, {"kind": "a", "x": 5}, {"kind": "a", "x": 10}, 0.75),
        (BY_KIND, {"kind": "a", "x": 5}, {"kind": "b", "y": 5}, 0),
        (NESTED, {"a": 1, "b": {"kind": "refund", "amount": 5}}, {"a": 1, "b": {"kind": "refund", "amount": 10}}, (1 + 1 + 0.5) / 3),
        (NESTED, {"a": 2, "c": "sad"}, {"a": 2, "c": "calm"}, 0.5),
        (NESTED, {"a": 2, "c": "sad"}, {"a": 2, "c": "sad", "b": {"kind": "cancel"}}, 2 / 3),
        (listed(NESTED), [{"a": 2, "c": "sad"}], [{"a": 2, "c": "calm"}], 0.5),
    ],
)  # fmt: skip
def test_alternatives_within_others(schema: Any, truth: Any, answer: Any, points: float) -> None:
    assert score(schema, truth, answer) == pytest.approx(points)
    assert score(schema, truth, truth) == 1


@pytest.mark.parametrize(
    ("truth", "output", "points"),
    [
        ('{"tea": 2, "milk": 1}', '{"tea": 2, "milk": 1, "tea": 3}', 0.5),
        ('{"tea": 3, "milk": 1}', '{"tea": 2, "milk": 1, "tea": 3}', 0.5),
        ('{"tea": 2, "milk": 1}', '{"tea": 2, "milk": 1, "tea": 2.0}', 1),
    ],
)
def test_a_key_that_an_answer_names_twice_with_two_values_has_none(truth: str, output: str, points: float) -> None:
    counts = {"type": "object", "additionalProperties": {"type": "integer"}}
    assert score(counts, scoring.parse(truth), scoring.parse(output)) == pytest.approx(points)
    assert score({}, scoring.parse(truth), scoring.parse(output)) == float(points == 1)
    assert scoring.is_valid(fields.validator(counts), output) is (points == 1)
    assert scoring.is_json(output)


def test_the_figures_of_alternatives_are_of_the_rows_that_have_the_field() -> None:
    golds = [{"kind": "refund", "amount": 5}, {"kind": "cancel", "reason": "a b"}, {"kind": "call", "number": "1"}]
    answers = [{"kind": "refund", "amount": 10}, {"kind": "cancel", "reason": "a b"}, {"kind": "cancel", "reason": "a"}]
    found = {one.field.name: one for one in scoring.scored(UNION, golds, answers)}
    rows = {name: to_json(field_figures.report(one, 100, 0.95, 0)) for name, one in found.items()}
    assert {name: row["rows"] for name, row in rows.items()} == {
        "kind": 3,
        "amount": 2,
        "reason": 2,
        "number": 1,
        "at": 1,
    }
    assert found["kind"].confusion == [("refund", "refund"), ("cancel", "cancel"), ("call", "cancel")]
    assert (rows["amount"]["mae"], rows["reason"]["score"], rows["reason"]["value_precision"]) == (5, 0.5, 0.5)
    lines = scoring.scored(listed(UNION), [golds], [answers])[0]
    assert {name: int(counts.sum()) for name, (_, counts) in lines.parts.items()} == {
        "kind": 3, "amount": 2, "reason": 2, "number": 1, "at": 1,
    }  # fmt: skip


def test_baselines_answer_alternatives_free_keys_and_targets_that_are_no_objects() -> None:
    texts = [f"refund {i}" if i % 3 else f"cancel {i}" for i in range(30)]
    made = [{"kind": "refund", "amount": 5.0} if i % 3 else {"kind": "cancel", "reason": "late"} for i in range(30)]
    kinds = scoring.PLAIN.kinds(UNION)
    assert baselines.linear(kinds, texts, made, ["refund 4", "cancel 9"]) == [made[1], made[0]]
    assert baselines.majority(kinds, made, 1) == [made[1]]
    assert baselines.majority(scoring.PLAIN.kinds(MOOD), ["sad", "sad", "calm"], 2) == ["sad", "sad"]
    free = [{"mood": "sad", "tea": 2}, {"mood": "sad", "tea": 2}, {"mood": "calm"}]
    assert baselines.majority(scoring.PLAIN.kinds(TAGGED), free, 1) == [free[0]]


def test_values_that_are_invented_in_one_field_of_many_are_seen() -> None:
    schema = closed(mood={"enum": [*MOOD["enum"], None]}, **{f"x{i}": MOOD for i in range(20)})
    truth = {f"x{i}": "sad" for i in range(20)}
    golds = [json.dumps(truth | {"mood": None if i % 3 else "sad"}) for i in range(165)]
    invented = [json.dumps(truth | {"mood": "sad" if i % 3 != 1 or i < 84 else None}) for i in range(165)]
    for outputs, low, high in ((invented, 0.6, 0.78), (golds, 0, 0)):
        found = figures.figures({"adapter": arm(outputs, golds)}, schema, figures.Settings(100, 0.95, 0))
        assert (found.arms["adapter"].invented_keys or 0) < 0.05
        assert low <= (found.most_invented or 0) <= high
