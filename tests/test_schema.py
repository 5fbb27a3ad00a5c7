"""Schemas are read in one way: what is accepted, scored, coerced and written follows from one reader and one validator."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plateau.core.errors import BadInputError
from plateau.data import fields, mapping
from plateau.data.contracts import Contract
from plateau.data.nodes import root
from plateau.evaluation import scoring

OBJECT = {"type": "object"}
# One value that breaks each keyword, the place where it does, and the reason to count by.
BROKEN: dict[str, tuple[Any, Any, str, str]] = {
    "type": ({"properties": {"a": {"type": "string"}}}, {"a": 1}, "a", "wrong_type"),
    "enum": ({"properties": {"a": {"enum": ["x"]}}}, {"a": "y"}, "a", "unknown_value"),
    "const": ({"properties": {"a": {"const": 1}}}, {"a": 2}, "a", "unknown_value"),
    "multipleOf": ({"properties": {"a": {"multipleOf": 0.01}}}, {"a": 1.005}, "a", "out_of_range"),
    "maximum": ({"properties": {"a": {"maximum": 1}}}, {"a": 2}, "a", "out_of_range"),
    "exclusiveMaximum": ({"properties": {"a": {"exclusiveMaximum": 1}}}, {"a": 1}, "a", "out_of_range"),
    "minimum": ({"properties": {"a": {"minimum": 1}}}, {"a": 0}, "a", "out_of_range"),
    "exclusiveMinimum": ({"properties": {"a": {"exclusiveMinimum": 1}}}, {"a": 1}, "a", "out_of_range"),
    "maxLength": ({"properties": {"a": {"maxLength": 1}}}, {"a": "xy"}, "a", "too_long"),
    "minLength": ({"properties": {"a": {"minLength": 1}}}, {"a": ""}, "a", "empty"),
    "pattern": ({"properties": {"a": {"pattern": r"^\d$"}}}, {"a": "\u0663"}, "a", "wrong_format"),
    "pattern of properties of Unicode": ({"properties": {"a": {"pattern": r"^\p{Lu}$"}}}, {"a": "x"}, "a", "wrong_format"),
    "format": ({"properties": {"a": {"format": "date"}}}, {"a": "2025-02-30"}, "a", "wrong_format"),
    "maxItems": ({"properties": {"a": {"maxItems": 1}}}, {"a": [1, 2]}, "a", "too_long"),
    "minItems": ({"properties": {"a": {"minItems": 1}}}, {"a": []}, "a", "empty"),
    "uniqueItems": ({"properties": {"a": {"uniqueItems": True}}}, {"a": [1, 1.0]}, "a", "repeated_item"),
    "contains": ({"properties": {"a": {"contains": {"const": 1}}}}, {"a": [2]}, "a", "missing_item"),
    "prefixItems": ({"properties": {"a": {"prefixItems": [{"type": "string"}]}}}, {"a": [1]}, "a.0", "wrong_type"),
    "items": ({"properties": {"a": {"items": {"type": "string"}}}}, {"a": ["x", 1]}, "a.1", "wrong_type"),
    "maxProperties": ({"maxProperties": 0}, {"a": 1}, "record", "unknown_key"),
    "minProperties": ({"minProperties": 1}, {}, "record", "missing_key"),
    "required": ({"required": ["a"]}, {}, "record", "missing_key"),
    "additionalProperties": ({"additionalProperties": False}, {"a": 1}, "record", "unknown_key"),
    "unevaluatedProperties": ({"unevaluatedProperties": False}, {"a": 1}, "record", "unknown_key"),
    "patternProperties": ({"patternProperties": {"a": {"type": "string"}}}, {"a": 1}, "a", "wrong_type"),
    "propertyNames": ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, "record", "unknown_key"),
    "a false schema": ({"properties": {"a": False}}, {"a": 1}, "a", "not_allowed"),
    "dependentRequired": ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "record", "impossible_combination"),
    "dependentSchemas": ({"dependentSchemas": {"a": {"required": ["b"]}}}, {"a": 1}, "record", "impossible_combination"),
    "not": ({"not": {"required": ["a"]}}, {"a": 1}, "record", "impossible_combination"),
    "then": ({"if": {}, "then": {"required": ["a"]}}, {}, "record", "impossible_combination"),
    "else": ({"if": False, "else": {"required": ["a"]}}, {}, "record", "impossible_combination"),
    "allOf": ({"allOf": [{"required": ["a"]}]}, {}, "record", "missing_key"),
    "anyOf": ({"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}, {"a": 1}, "a", "no_choice_holds"),
    "the one choice that is meant": ({"properties": {"a": {"anyOf": [{"type": "null"}, {"maximum": 3, "type": "integer"}]}}}, {"a": 4}, "a", "out_of_range"),
    "oneOf": ({"properties": {"a": {"oneOf": [{}, {"type": "integer"}]}}}, {"a": 1}, "a", "no_choice_holds"),
    "$ref": ({"$ref": "#/$defs/x", "$defs": {"x": {"required": ["a"]}}}, {}, "record", "missing_key"),
    "a property called not": ({"properties": {"not": {"type": "string"}}}, {"not": 1}, "not", "wrong_type"),
}  # fmt: skip


@pytest.mark.parametrize("keyword", BROKEN)
def test_a_value_that_breaks_a_keyword_is_refused_with_reason_and_place(keyword: str) -> None:
    schema, value, place, reason = BROKEN[keyword]
    problem = Contract({**OBJECT, **schema}, "x", formats=True).check(value)
    assert problem is not None
    assert problem.reason == reason
    found, _, sentence = problem.detail.partition(": ")
    assert found == place
    assert sentence


def test_a_thousand_prices_of_whole_cents_are_valid() -> None:
    price = Contract({"multipleOf": 0.01}, "x")
    assert all(price.is_valid(cents / 100) for cents in range(1000))
    assert not price.is_valid(1.005)


@pytest.mark.parametrize(
    ("pattern", "place"), [("(", "properties.a.pattern"), (r"\p{Nonsense}", "properties.a.pattern")]
)
def test_a_pattern_that_is_none_is_an_error_of_one_line_that_says_where(pattern: str, place: str) -> None:
    with pytest.raises(BadInputError, match=place) as error:
        Contract({"properties": {"a": {"pattern": pattern}}}, "target.schema.json")
    assert "\n" not in str(error.value)


def test_a_reference_that_leads_nowhere_is_an_error() -> None:
    for reference in ("#/$defs/none", "https://example.invalid/schema"):
        with pytest.raises(BadInputError, match="not a valid JSON Schema"):
            Contract({"$ref": reference}, "target.schema.json")


def names(schema: Any) -> list[str]:
    return [field.name for field in fields.fields(schema)]


def test_fields_beside_a_reference_and_of_every_merged_part_are_scored() -> None:
    base = {"properties": {"a": {"type": "integer"}}, "required": ["a"]}
    more = {"properties": {"b": {"type": "string"}}}
    own = {"properties": {"c": {"type": "boolean"}}}
    assert names({"$ref": "#/$defs/base", "$defs": {"base": base}, **own}) == ["a", "c"]
    assert names({"allOf": [base, more], **own}) == ["a", "b", "c"]
    assert names({**own, "allOf": [{"$ref": "#/$defs/base"}, more], "$defs": {"base": base}}) == ["c", "a", "b"]


def test_the_same_key_in_two_parts_is_held_to_both() -> None:
    schema = {
        "allOf": [
            {"properties": {"n": {"type": "integer", "minimum": 1}}},
            {"properties": {"n": {"minimum": 3, "maximum": 9}}},
        ]
    }
    [field] = fields.fields(schema)
    assert (field.node.low, field.node.high, field.node.types) == (3, 9, {"integer"})


def test_references_go_to_any_place_and_by_name() -> None:
    schema = {
        "properties": {
            "a": {"$ref": "#/properties/b/items"},
            "b": {"items": {"enum": ["x"]}},
            "c": {"$ref": "#mood"},
            "d": {"$ref": "other"},
        },
        "$defs": {"m": {"$anchor": "mood", "type": "boolean"}, "o": {"$id": "other", "type": "integer"}},
    }
    by_name = {field.name: field.node.types for field in fields.fields(schema)}
    assert (by_name["a"], by_name["c"], by_name["d"]) == ({"string"}, {"boolean"}, {"integer"})


def test_properties_of_choices_and_conditions_are_fields() -> None:
    card = {"properties": {"kind": {"const": "card"}, "number": {"type": "string"}}, "required": ["kind", "number"]}
    cash = {"properties": {"kind": {"const": "cash"}}, "required": ["kind"]}
    found = fields.fields({"type": "object", "anyOf": [card, cash]})
    assert [(field.name, field.classes, field.optional) for field in found] == [
        ("kind", ("card", "cash"), False),
        ("number", (), True),
    ]
    rule = {"properties": {"a": {}}, "if": {"required": ["a"]}, "then": {"properties": {"b": {"type": "integer"}}}}
    assert names(rule) == ["a", "b"]


def test_a_schema_that_refers_to_itself_is_opened_once() -> None:
    node = {
        "type": "object",
        "properties": {"v": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/n"}, {"type": "null"}]}},
    }
    assert names({"$ref": "#/$defs/n", "$defs": {"n": node}}) == ["v", "next"]


def test_a_dotted_property_and_a_nested_one_have_names_of_their_own() -> None:
    schema = {"properties": {"a.b": {"type": "integer"}, "a": {"properties": {"b": {"type": "integer"}}}}}
    assert names(schema) == ['"a.b"', "a.b"]
    assert [mapping.keys_of(name, root(schema)) for name in names(schema)] == [("a.b",), ("a", "b")]
    alone = root({"properties": {"a.b": {"type": "integer"}}})
    assert mapping.keys_of("a.b", alone) == ("a.b",)
    target = mapping.analysis({"id": "1", "x": "7", "y": "8"}, ("f", 1), {
        "transcripts": {"id": "id"}, "analyses": {"target": {'"a.b"': "x", "a.b": "y"}}
    }, root(schema))["target"]  # fmt: skip
    assert target == {"a.b": 7, "a": {"b": 8}}


OPTIONAL_INTEGER = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
COERCED = [
    (OPTIONAL_INTEGER, "2", 2),
    (OPTIONAL_INTEGER, None, None),
    ({"$ref": "#/$defs/n"}, "2", 2),
    ({"$ref": "#/$defs/n"}, "yes", "yes"),
    ({"enum": [1, 2]}, "2", 2),
    ({"enum": ["1", 2]}, "1", "1"),
    ({"type": ["boolean", "null"]}, "yes", True),
    ({"allOf": [{"type": "number"}, {"minimum": 0}]}, "2.5", 2.5),
    ({"type": "number"}, "nan", "nan"),
    ({"type": "number"}, "1e999", "1e999"),
    ({"type": ["number", "string"]}, "2", "2"),
    ({"anyOf": [{"type": "array"}, {"type": "null"}]}, '["x"]', ["x"]),
]


@pytest.mark.parametrize(("schema", "text", "value"), COERCED)
def test_cells_of_tables_become_what_the_schema_asks_for(schema: Any, text: Any, value: Any) -> None:
    whole = {"properties": {"a": schema}, "$defs": {"n": {"type": "integer"}}}
    declared = {"transcripts": {"id": "id"}, "analyses": {"target": {"a": "cell"}}}
    made = mapping.analysis({"id": "1", "cell": text}, ("f", 1), declared, root(whole))
    assert made["target"] == {"a": value}


def test_a_null_where_none_may_stand_is_left_out() -> None:
    declared = {"transcripts": {"id": "id"}, "analyses": {"target": {"a": "cell"}}}
    schema = {"properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "integer"}}}
    assert mapping.analysis({"id": "1", "cell": None}, ("f", 1), declared, root(schema))["target"] == {}


def test_an_optional_object_of_which_a_table_has_nothing_is_left_out() -> None:
    named = {"zip": {"type": ["integer", "null"]}, "city": {"type": "string"}}
    address = {"type": "object", "properties": named, "required": ["zip", "city"]}
    schema = {
        "properties": {"home": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "null"}]}, "work": {"$ref": "#/$defs/a"}},
        "required": ["work"],
        "$defs": {"a": address},
    }
    declared = {
        "transcripts": {"id": "id"},
        "analyses": {"target": {"home.zip": "z", "home.city": "h", "work.city": "w"}},
    }
    made = [
        mapping.analysis({"id": "1", **cells}, ("f", 1), declared, root(schema))["target"]
        for cells in ({"z": None, "h": None, "w": "Bonn"}, {"z": None, "h": "Ulm", "w": None})
    ]
    assert made == [{"work": {"city": "Bonn"}}, {"home": {"zip": None, "city": "Ulm"}, "work": {}}]


WRITTEN = [
    ({"type": "integer"}, 2.0, "2"),
    (OPTIONAL_INTEGER, 2.0, "2"),
    ({"type": "number"}, 2.0, "2"),
    ({"type": "number"}, 2.5, "2.5"),
    ({"enum": [1.0, 0.5]}, 1, "1.0"),
    ({"items": {"$ref": "#/$defs/o"}, "$defs": {"o": {"properties": {"y": {}, "x": {}}}}}, [{"x": 1.0, "y": "é"}], '[{"y": "é", "x": 1}]'),
    ({"anyOf": [{"properties": {"a": {}, "k": {"const": 1}}}, {"properties": {"k": {"const": 2}, "a": {}}}]}, {"a": 0, "k": 2}, '{"k": 2, "a": 0}'),
    ({"allOf": [{"properties": {"b": {}}}, {"properties": {"a": {}}}]}, {"a": 1, "b": 2}, '{"b": 2, "a": 1}'),
    ({"additionalProperties": {"properties": {"q": {}, "p": {}}}}, {"k": {"p": 1, "q": 2}}, '{"k": {"q": 2, "p": 1}}'),
    ({"prefixItems": [{"type": "integer"}], "items": {"type": "string"}}, [1.0, "a"], '[1, "a"]'),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "value", "text"), WRITTEN)
def test_equal_targets_are_written_in_one_form_in_the_order_of_the_schema(schema: Any, value: Any, text: str) -> None:
    contract = Contract(schema, "x")
    assert contract.text(value) == text
    assert contract.text(json.loads(text)) == text


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.sampled_from([0.5, 2.0, 0.01, 4.35])
    | st.sampled_from(["a", "b", "7", ""])
)
KEYS = st.sampled_from(["a", "b", "c", "a.b"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)
leaves = st.one_of(
    st.builds(lambda kind: {"type": kind}, st.sampled_from(["string", "integer", "number", "boolean", ["integer", "null"]])),
    st.builds(lambda options: {"enum": options}, st.lists(scalars, min_size=1, max_size=3)),
    st.builds(lambda low: {"type": "number", "minimum": low, "multipleOf": 0.01}, st.integers(-2, 2)),
    st.sampled_from([{"pattern": r"^\d$", "type": "string"}, {"type": "string", "format": "date"}, {"$ref": "#/$defs/x"}]),
)  # fmt: skip


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    named = st.dictionaries(KEYS, inner, min_size=1, max_size=3)
    return st.builds(
        lambda found, count: {"type": "object", "properties": found, "required": list(found)[:count]}, named, st.integers(0, 3)
    )  # fmt: skip


schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        objects(inner),
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda key, found: {key: found}, st.sampled_from(["anyOf", "oneOf", "allOf"]), st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda first, second: {**first, "allOf": [second]}, objects(inner), objects(inner)),
        st.builds(lambda inner: {"anyOf": [inner, {"type": "null"}]}, inner),
    ),
    max_leaves=8,
)  # fmt: skip


def required_paths(schema: Any, whole: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Paths of the keys that a schema requires outside of choices, read as plainly as it can be."""
    if "$ref" in schema:
        return required_paths(whole["$defs"]["x"], whole, path)
    found = {(*path, key) for key in schema.get("required", ())}
    for key, inner in schema.get("properties", {}).items():
        found |= required_paths(inner, whole, (*path, key)) if key in schema.get("required", ()) else set()
    return found.union(*(required_paths(part, whole, path) for part in schema.get("allOf", ())))


@settings(max_examples=150, deadline=None)
@given(schemas, leaves.filter(lambda leaf: "$ref" not in leaf), values)
def test_what_prepare_accepts_is_valid_in_evaluate_and_what_is_required_is_scored(
    schema: Any, shared: Any, value: Any
) -> None:
    schema = {**schema, "$defs": {"x": shared}}
    contract = Contract(schema, "target.schema.json", formats=True)
    plain = Contract(schema, "target.schema.json")
    if "multipleOf" not in json.dumps(schema):  # of which jsonschema judges floats otherwise
        assert plain.is_valid(value) == jsonschema.Draft202012Validator(schema).is_valid(value)
    problem = contract.check(value)
    assert contract.is_valid(value) == (problem is None)
    if problem is None:
        text = contract.text(value)
        assert scoring.is_valid(fields.validator(schema), text)
        assert contract.text(json.loads(text)) == text
        assert root(schema).types
    else:
        assert problem.reason
        assert problem.detail.partition(": ")[2]
    found = [field.path for field in fields.fields(schema)]
    assert len(set(names(schema))) == len(found)
    if root(schema).types:
        for path in required_paths(schema, schema):
            assert any(path[: len(one)] == one or one[: len(path)] == path for one in found), path


def test_a_number_that_no_float_holds_is_no_answer() -> None:
    schema = {"type": ["number", "null"]}
    assert not scoring.is_valid(fields.validator(schema), "1e999")
    assert not scoring.is_json("[1e999]")
    assert scoring.is_valid(fields.validator(schema), "1e300")
