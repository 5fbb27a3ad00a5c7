"""JSON Schemas as contracts: one compiled validator decides whether a value is valid, explains what is wrong and where, and writes valid values in one form."""

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema_rs

from plateau.core.errors import BadInputError
from plateau.core.files import read_json
from plateau.data.nodes import Node, root
from plateau.data.schema import CHOICES
from plateau.data.sources import Problem

_REASONS = {
    "type": "wrong_type",
    "required": "missing_key",
    "minProperties": "missing_key",
    "additionalProperties": "unknown_key",
    "unevaluatedProperties": "unknown_key",
    "propertyNames": "unknown_key",
    "maxProperties": "unknown_key",
    "enum": "unknown_value",
    "const": "unknown_value",
    "minimum": "out_of_range",
    "maximum": "out_of_range",
    "exclusiveMinimum": "out_of_range",
    "exclusiveMaximum": "out_of_range",
    "multipleOf": "out_of_range",
    "minLength": "empty",
    "minItems": "empty",
    "contains": "missing_item",
    "maxLength": "too_long",
    "maxItems": "too_long",
    "unevaluatedItems": "too_long",
    "uniqueItems": "repeated_item",
    "pattern": "wrong_format",
    "format": "wrong_format",
    **dict.fromkeys(CHOICES, "no_choice_holds"),
    "falseSchema": "not_allowed",
}
# Keywords that restrict which values may occur together.
_CONDITIONAL = frozenset(("then", "else", "not", "dependentRequired", "dependentSchemas", "dependencies"))
_NAMING = (
    "properties",
    "patternProperties",
    "$defs",
    "definitions",
)  # in the path of a schema, a key after one of these is a name, not a keyword


class Contract:
    """One JSON Schema, compiled once; `formats` says whether `format` is enforced or only informs."""

    def __init__(self, schema: Any, name: str, formats: bool = False) -> None:
        self.schema = schema
        try:
            self._fast = jsonschema_rs.validator_for(schema, validate_formats=formats, offline=True)
        except jsonschema_rs.ValidationError as error:
            place = f"{_place(error.instance_path)}: " if error.instance_path else ""
            raise BadInputError(f"{name}: not a valid JSON Schema: {place}{_short(error.message)}") from None
        except (ValueError, TypeError) as error:
            raise BadInputError(f"{name}: not a valid JSON Schema: {_first_line(error)}") from None

    @classmethod
    def load(cls, path: Path, formats: bool = False) -> "Contract":
        """Load the contract in a schema file; raises BadInputError when the file is absent or is no JSON Schema."""
        if not path.is_file():
            raise BadInputError(f"{path}: no such file; describe the data there in JSON Schema")
        return cls(read_json(path), str(path), formats)

    @cached_property
    def root(self) -> Node:
        """The schema of a whole value, read."""
        return root(self.schema)

    def is_valid(self, value: Any) -> bool:
        """Whether a value is valid; the value must be JSON, so no number is infinite."""
        try:
            return bool(self._fast.is_valid(value))
        except UnicodeEncodeError:  # half of a surrogate pair
            return False

    def check(self, value: Any, under: Sequence[str] = ()) -> Problem | None:
        """None for a valid value, else its problem: the first mistake in the order of places, with the keys that lead to it."""
        if self._fast.is_valid(value):
            return None
        found = (inner for error in self._fast.iter_errors(value) for inner in _innermost(error))
        error = min(found, key=lambda error: (list(map(str, error.instance_path)), error.kind.name))
        return Problem(
            _reason(error), f"{_place([*under, *error.instance_path]) or 'record'}: {_short(_message(error))}"
        )

    def text(self, value: Any) -> str:
        """Write a valid value as the one line of JSON that a model shall write: the same text for equal values."""
        return json.dumps(self.root.canonical(value), ensure_ascii=False)


def _innermost(error: Any) -> Iterator[Any]:
    """Of a choice between schemas, the mistakes in the only alternative that has the value's type; the error itself where none or several have it."""
    branches: Sequence[Sequence[Any]] = getattr(error.kind, "context", ()) if error.kind.name in CHOICES else ()
    meant = [
        found
        for found in branches
        if not any(e.kind.name in ("type", "falseSchema") and e.instance_path == error.instance_path for e in found)
    ]
    if len(meant) == 1 and meant[0]:
        for inner in meant[0]:
            yield from _innermost(inner)
    else:
        yield error


def _reason(error: Any) -> str:
    """The reason (a short name for counting) that belongs to the failed keyword; a turn's role and text have reasons of their own."""
    keywords = _keywords(error.evaluation_path)
    if not _CONDITIONAL.isdisjoint(keywords):
        return "impossible_combination"
    kind = "additionalProperties" if keywords[-1:] == ["additionalProperties"] else error.kind.name
    plain = _REASONS.get(kind, "schema")
    path = error.instance_path
    if len(path) == 3 and path[0] == "turns":
        own = {("role", "unknown_value"): "unknown_role", ("text", "wrong_format"): "empty_turn"}
        own |= {("text", "empty"): "empty_turn", ("text", "too_long"): "turn_too_long"}
        return own.get((path[2], plain), plain)
    return "no_turns" if path == ["turns"] and plain == "empty" else plain


def _keywords(path: Sequence[Any]) -> list[Any]:
    """The keywords in the path of a schema, without the names among them."""
    return [key for before, key in pairwise(["", *path]) if before not in _NAMING]


def _message(error: Any) -> str:
    """What is wrong, in a sentence."""
    return "nothing may stand here" if error.kind.name == "falseSchema" else str(error.message)


def _place(path: Sequence[Any]) -> str:
    """Where a value stands, with dots."""
    return ".".join(map(str, path))


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _short(text: str, limit: int = 300) -> str:
    """Cut a message that quotes a long value, so that it fits on a screen."""
    return text if len(text) <= limit else f"{text[: limit // 2]} ... {text[-limit // 2 :]}"
