"""The prompt that a user would write for an untrained model: an instruction made from the target schema, and examples."""

import json
from collections.abc import Sequence
from typing import Any

from plateau.data import fields
from plateau.data.fields import Field
from plateau.prompts.vectors import tfidf

_SHOWN = 60  # most allowed values that the instruction lists


def instruction(schema: Any) -> str:
    """Write the instruction: every key in order, with its type, allowed values or bounds, and description."""
    lines = [_line(field) for field in fields.fields(schema)]
    if len(lines) == 1 and lines[0].startswith("- value"):
        return f"Answer with one JSON value and nothing else: {lines[0].removeprefix('- value: ')}"
    head = "Answer with one JSON object and nothing else: no explanation, no code fence. Its keys, in this order:"
    return "\n".join([head, *lines])


def with_examples(instruction: str, examples: Sequence[tuple[str, str]], content: str) -> str:
    """The user message of a prompted arm: instruction, examples (message and JSON answer), then the message to answer."""
    shown = [f"Example {i}\n{asked}\n\nAnswer {i}\n{answer}" for i, (asked, answer) in enumerate(examples, 1)]
    return "\n\n".join([instruction, *shown, *(["Now answer this one."] if shown else []), content])


def nearest(known: Sequence[str], asked: Sequence[str], count: int) -> list[list[int]]:
    """For each asked text, the rows of the `count` most similar known texts by TF-IDF, the most similar last."""
    if not known or not count:
        return [[] for _ in asked]
    vectors = tfidf().fit(known)
    table = vectors.transform(known).T
    return [(vectors.transform([text]) @ table).toarray()[0].argsort(kind="stable")[-count:].tolist() for text in asked]


def _line(field: Field) -> str:
    described = field.node.keyword("description")
    optional = "optional, " if field.optional else ""
    return f"- {field.name}: {optional}{_kind(field)}{f' ({described})' if isinstance(described, str) else ''}"


def _kind(field: Field) -> str:
    """The type of a field in words."""
    if field.rest:
        return "any further keys"
    node, options = field.node, field.node.options
    if options:
        values = [json.dumps(value, ensure_ascii=False) for value in options[:_SHOWN]]
        return f"one of {', '.join(values)}{', ...' if len(options) > _SHOWN else ''}"
    types = " or ".join(sorted(node.types)) if len(node.types) < 7 else "any JSON value"
    low, high = node.low, node.high
    bounds = f" from {low:g}" if low is not None else ""
    return f"{types}{bounds}{f' to {high:g}' if high is not None else ''}"
