"""Outputs held to a schema: always complete, always valid, at any budget from the shortest output's up."""

import json

import jsonschema
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from mlx_lm.tokenizer_utils import TokenizerWrapper

from plateau.core.errors import BadInputError
from plateau.lm.backend import mx
from plateau.lm.constraint import Constraint
from plateau.prompts.chat import load_tokenizer

CHECKER = jsonschema.Draft202012Validator.FORMAT_CHECKER


@pytest.fixture(scope="module")
def tokenizer(tokenizer_dir):
    return TokenizerWrapper(load_tokenizer(tokenizer_dir))


def drawn(constraint, rows=4, seed=0, bias=None):
    """Texts drawn with random logits, None where one did not end."""
    random = np.random.default_rng(seed)

    def sampler(logprobs):
        return mx.argmax(logprobs + mx.array(random.gumbel(size=logprobs.shape).astype(np.float32)), axis=-1)

    draws, processors = constraint.batch(sampler, rows)
    logits = np.zeros((rows, constraint.vocabulary.vocab_size), np.float32)
    if bias:
        logits[:, list(bias)] = list(bias.values())
    written, ended = [[] for _ in range(rows)], [False] * rows
    for _ in range(constraint.max_tokens):
        for row in range(rows):
            processors[row][0](None, mx.array(logits[row : row + 1]))
        for row, token in enumerate(np.array(draws(mx.array(logits))).tolist()):
            if token == constraint.end:
                ended[row] = True
            elif not ended[row]:
                written[row].append(token)
        if all(ended):
            break
    texts = [constraint.vocabulary.decode_bytes(tokens).decode() for tokens in written]
    return [text if end else None for text, end in zip(texts, ended, strict=True)]


def one(kind, *, required=True):
    return {
        "type": "object",
        "properties": {"n": kind},
        "required": ["n"] if required else [],
        "additionalProperties": False,
    }


def valid(schema, texts):
    validator = jsonschema.Draft202012Validator(schema, format_checker=CHECKER)
    return [text is not None and validator.is_valid(json.loads(text)) for text in texts]


AWKWARD = {
    "number above 0": {"type": "number", "exclusiveMinimum": 0},
    "number between fractions": {"type": "number", "exclusiveMinimum": 0.25, "exclusiveMaximum": 0.3},
    "negative integer": {"type": "integer", "exclusiveMaximum": 0},
    "multiple of 7": {"type": "integer", "multipleOf": 7, "minimum": 1},
    "cents": {"type": "number", "multipleOf": 0.25, "minimum": 1},
    "e-mail": {"type": "string", "format": "email"},
    "uri": {"type": "string", "format": "uri"},
    "duration": {"type": "string", "format": "duration"},
    "date": {"type": "string", "format": "date"},
    "a required sign": {"type": "string", "pattern": "^.+@.+$"},
    "two required signs": {"type": "string", "pattern": "^.+@.+\\..+$"},
    "a rare sign": {"type": "string", "pattern": "é.{5}$"},
    "quotes and backslashes": {"type": "string", "pattern": '^"[\\\\]"\t$'},
    "an order number": {"type": "string", "pattern": "^[A-Z]{2}-\\d{4,6}(/[a-z])?$", "maxLength": 8},
    "pattern and length": {"type": "string", "pattern": "^a+$", "minLength": 30},
    "look-ahead": {"type": "string", "pattern": "^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$"},
    "pydantic's decimal": {"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$"}]},
    "a choice of objects": {"oneOf": [one({"const": "a"}), {**one({"const": "b"}), "minProperties": 1}]},
    "what choices share": {"anyOf": [{"type": "string"}, {"type": "null"}, {"type": "array", "items": {"type": "boolean"}}]},
    "all of": {"allOf": [{"minimum": 3}, {"maximum": 4, "type": "integer"}, {"multipleOf": 2}]},
    "tuples": {"type": "array", "prefixItems": [{"type": "integer"}, {"enum": ["x", None]}], "items": False, "minItems": 1},
    "patterned keys": {"type": "object", "properties": {"x_a": {"type": "integer"}}, "patternProperties": {"^x_": {"minimum": 3, "maximum": 9}, "b$": {"type": "boolean"}}, "additionalProperties": False, "required": ["x_a"]},
    "free keys": {"type": "object", "additionalProperties": {"type": "integer"}},
    "control characters": {"enum": ["a\x7f\x85\U000e5c48\u2028\n"]},
    "anything": {},
}  # fmt: skip


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("name", AWKWARD)
def test_every_output_is_complete_and_valid_from_the_shortest_budget_up(tokenizer, name, required):
    schema = one(AWKWARD[name], required=required)
    shortest = Constraint(tokenizer, schema, 1000).shortest
    for budget in (shortest, shortest + 1, shortest + 4, shortest + 30):
        constraint = Constraint(tokenizer, schema, budget)
        assert constraint.relaxed == ()
        texts = drawn(constraint)
        assert all(valid(schema, texts)), (budget, texts)


def test_a_model_that_writes_zeros_for_ever_still_ends(tokenizer):
    zero = tokenizer.encode("0", add_special_tokens=False)[0]
    dot = tokenizer.encode(".", add_special_tokens=False)[0]
    constraint = Constraint(tokenizer, one(AWKWARD["number above 0"]), 40)
    texts = drawn(constraint, bias={zero: 50.0, dot: 60.0})
    assert all(json.loads(text)["n"] > 0 for text in texts)


def test_the_shortest_output_is_the_shortest(tokenizer):
    for schema in ({"type": "number", "exclusiveMinimum": 0}, {"type": "string"}, {"type": "array", "items": {}}):
        assert Constraint(tokenizer, schema, 100).shortest <= 3
    nested = one({"anyOf": [{"type": "string", "minLength": 50}, {"enum": ["x"]}]})
    assert Constraint(tokenizer, nested, 100).shortest < 10


def test_keys_that_a_pattern_and_a_name_both_rule_satisfy_both(tokenizer):
    schema = AWKWARD["patterned keys"]
    texts = drawn(Constraint(tokenizer, schema, 60), rows=24)
    assert all(valid(schema, texts))


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"not": {"const": 1}}, "not"),
        ({"type": "string", "pattern": "(?<=a)b"}, "pattern"),
        ({"type": "string", "format": "regex"}, "format regex"),
        ({"type": "object", "propertyNames": {"minLength": 2}}, "propertyNames"),
        ({"if": {"const": 1}, "then": False}, "if"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "oneOf"),
    ],
)
def test_what_decoding_cannot_hold_is_named_and_its_outputs_end_all_the_same(tokenizer, part, name):
    constraint = Constraint(tokenizer, one(part), 40)
    assert any(name in said for said in constraint.relaxed)
    assert all(text is not None and json.loads(text) for text in drawn(constraint))


def test_a_schema_that_nothing_satisfies_is_bad_input(tokenizer):
    with pytest.raises(BadInputError, match="allows no value"):
        Constraint(tokenizer, one({"type": "string", "minLength": 3, "maxLength": 2}), 50)


def test_a_budget_below_the_shortest_output_is_bad_input(tokenizer):
    shortest = Constraint(tokenizer, one({"type": "string", "format": "uuid"}), 100).shortest
    with pytest.raises(BadInputError, match=f"max_tokens: {shortest - 1} are fewer than the {shortest}"):
        Constraint(tokenizer, one({"type": "string", "format": "uuid"}), shortest - 1)


numbers = st.builds(
    lambda kind, low, size, exclusive: (
        {"type": kind}
        | ({} if low is None else {("exclusiveMinimum" if exclusive else "minimum"): low})
        | ({} if size is None or low is None else {"maximum": low + size})
    ),
    st.sampled_from(["number", "integer"]),
    st.none() | st.integers(-50, 50),
    st.none() | st.integers(1, 90),
    st.booleans(),
)
texts = st.one_of(
    st.builds(
        lambda least, more: {"type": "string", "minLength": least} | ({} if more is None else {"maxLength": least + more}),
        st.integers(0, 6),
        st.none() | st.integers(0, 6),
    ),
    st.builds(
        lambda form: {"type": "string", "format": form},
        st.sampled_from(["email", "uri", "duration", "date", "date-time", "uuid", "ipv4", "ipv6", "hostname"]),
    ),
    st.builds(
        lambda pattern: {"type": "string", "pattern": pattern},
        st.sampled_from(["^.+@.+$", "^[A-Z]{2}-\\d+$", "x", "^(?:ab|c{3})*$", "^[^\"\\\\]{2}$", "^(?!a)[a-c]+$", "\\d$|^ü"]),
    ),
)  # fmt: skip
scalars = st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text(max_size=6)
leaves = st.one_of(
    numbers,
    texts,
    st.just({"type": "boolean"}),
    st.builds(lambda values: {"enum": values}, st.lists(scalars, min_size=1, max_size=4, unique_by=repr)),
    st.just({"type": ["string", "null"]}),
)
names = st.sampled_from(["a", "b", "kind", "total value", 'q"'])


def objects(inner):
    def build(properties, required, extra, patterns):
        schema = {"type": "object", "properties": properties, "required": sorted(required & set(properties))}
        return schema | ({} if extra is None else {"additionalProperties": extra}) | patterns

    patterns = st.just({}) | st.builds(lambda part: {"patternProperties": {"^k": part}}, inner)
    extra = st.none() | st.booleans() | inner
    return st.builds(build, st.dictionaries(names, inner, max_size=3), st.sets(names), extra, patterns)


def arrays(inner):
    def build(items, least, more, prefix):
        schema = {"type": "array", "items": items, "minItems": least} | ({"prefixItems": prefix} if prefix else {})
        return schema | ({} if more is None else {"maxItems": least + more})

    few = st.integers(0, 2)
    return st.builds(build, inner, few, st.none() | few, st.lists(inner, max_size=2))


def choices(inner):
    return st.builds(
        lambda kind, parts: {kind: parts}, st.sampled_from(["anyOf", "allOf"]), st.lists(inner, min_size=1, max_size=3)
    )


def recursive(inner):
    chain = one({"anyOf": [{"$ref": "#/$defs/self"}, {"type": "null"}]})
    return st.builds(lambda part: {"$defs": {"self": chain | {"properties": {**chain["properties"], "v": part}}}, "$ref": "#/$defs/self"}, inner)  # fmt: skip


schemas = st.recursive(leaves, lambda inner: st.one_of(objects(inner), arrays(inner), choices(inner)), max_leaves=8)


def shortest_output(tokenizer, schema):
    """Tokens of the shortest output; None for a schema that nothing satisfies."""
    try:
        return Constraint(tokenizer, schema, 10_000).shortest
    except BadInputError as error:
        if "allows no value" in str(error):
            return None
        raise


@pytest.mark.slow
@settings(
    max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)  # shrinking takes minutes
@given(schemas | leaves.flatmap(lambda leaf: recursive(st.just(leaf))), st.integers(0, 40), st.integers(0, 9))
def test_outputs_of_any_schema_are_complete_and_valid_at_any_budget(tokenizer, schema, spare, seed):
    shortest = shortest_output(tokenizer, schema)
    assume(shortest is not None)
    constraint = Constraint(tokenizer, schema, shortest + spare)
    assert constraint.relaxed == ()
    texts = drawn(constraint, rows=2, seed=seed)
    assert all(valid(schema, texts)), (json.dumps(schema), spare, texts)
