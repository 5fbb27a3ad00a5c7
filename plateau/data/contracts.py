"""JSON Schemas as contracts: a compiled validator accepts at speed, and jsonschema explains each reject to people."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs

from plateau.core.errors import BadInputError
from plateau.core.files import read_json
from plateau.data.sources import Problem

_REASONS = {
    "type": "wrong_type",
    "required": "missing_key",
    "additionalProperties": "unknown_key",
    "enum": "unknown_value",
    "const": "unknown_value",
    "minimum": "out_of_range",
    "maximum": "out_of_range",
    "exclusiveMinimum": "out_of_range",
    "exclusiveMaximum": "out_of_range",
    "minLength": "empty",
    "minItems": "empty",
    "maxLength": "too_long",
    "maxItems": "too_long",
}
# Keywords by which a schema says that values do not go together.
_CONDITIONAL = frozenset(("then", "else", "not", "dependentRequired", "dependentSchemas"))


class Contract:
    """One JSON Schema (2020-12), compiled once."""

    def __init__(self, schema: Any, name: str) -> None:
        self.schema = schema
        try:
            self._fast = jsonschema_rs.validator_for(schema)
        except (jsonschema_rs.ValidationError, ValueError) as error:
            raise BadInputError(f"{name}: not a valid JSON Schema: {str(error).splitlines()[0]}") from None

    @classmethod
    def load(cls, path: Path) -> "Contract":
        """The contract in a schema file; raises BadInputError when it is absent or no JSON Schema."""
        if not path.is_file():
            raise BadInputError(f"{path}: no such file; describe the data there in JSON Schema")
        return cls(read_json(path), str(path))

    def check(self, value: Any) -> Problem | None:
        """None for a value that holds, else what is wrong with it."""
        return None if self._fast.is_valid(value) else explain(self.schema, value)


def explain(schema: Any, value: Any) -> Problem:
    """The first mistake by place: a reason to count by, and its path and message."""
    import jsonschema

    found = jsonschema.Draft202012Validator(schema).iter_errors(value)
    errors = sorted(found, key=lambda error: (list(map(str, error.absolute_path)), str(error.validator)))
    if not errors:
        return Problem("schema", "the schema does not hold")
    error = errors[0]
    where = ".".join(map(str, error.absolute_path)) or "record"
    return Problem(_reason(error), f"{where}: {_short(error.message)}")


def _reason(error: Any) -> str:
    """The reason by what failed; a turn's role and text have reasons of their own."""
    if not _CONDITIONAL.isdisjoint(error.absolute_schema_path):
        return "impossible_combination"
    path = list(error.absolute_path)
    plain = _REASONS.get(str(error.validator), "schema")
    if len(path) == 3 and path[0] == "turns":
        own = {("role", "unknown_value"): "unknown_role", ("text", "schema"): "empty_turn"}
        own |= {("text", "empty"): "empty_turn", ("text", "too_long"): "turn_too_long"}
        return own.get((path[2], plain), plain)
    return "no_turns" if path == ["turns"] and plain == "empty" else plain


def _short(text: str, limit: int = 300) -> str:
    """A message that quotes a value of 10 MB still fits on a screen."""
    return text if len(text) <= limit else f"{text[: limit // 2]} ... {text[-limit // 2 :]}"


def ordered(value: Any, schema: Any) -> Any:
    """The value with the keys of its objects in the schema's order, unknown ones last."""
    if isinstance(value, dict) and isinstance(schema, dict):
        known = schema.get("properties", {})
        names = [name for name in known if name in value] + [name for name in value if name not in known]
        return {name: ordered(value[name], known.get(name)) for name in names}
    if isinstance(value, list) and isinstance(schema, dict):
        return [ordered(item, schema.get("items")) for item in value]
    return value


def target_text(value: Any, schema: Any) -> str:
    """What the model shall say: the target as JSON on one line, keys in the schema's order."""
    return json.dumps(ordered(value, schema), ensure_ascii=False)
