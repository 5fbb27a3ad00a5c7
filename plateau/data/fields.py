"""The fields of a target, read from its JSON Schema: what each holds decides how it is scored."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from plateau.core import files
from plateau.core.errors import BadInputError

Kind = Literal["class", "boolean", "number", "text", "exact"]
Schema = Mapping[str, Any]
_DEEPEST = 8  # levels of nesting and of references that are followed; deeper values are compared as a whole
_MISSING = object()


@dataclass(frozen=True)
class Field:
    """One leaf of the target: where it stands, what it holds, its labels and their types (class) or bounds (number)."""

    path: tuple[str, ...]
    kind: Kind
    labels: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    types: tuple[type, ...] = (str, int, float)

    @property
    def name(self) -> str:
        """The path with dots; "value" for a target that is no object."""
        return ".".join(self.path) or "value"

    def value(self, target: Any) -> Any:
        """The field's value in a target; None where it is absent, null, or not what the field holds."""
        found = self._find(target)
        return found if found is not None and self._holds(found) else None

    def _find(self, target: Any) -> Any:
        for key in self.path:
            if not isinstance(target, Mapping) or key not in target:
                return None
            target = target[key]
        return target

    def _holds(self, value: Any) -> bool:
        """Whether a value is of the field's type, and within its bounds or labels."""
        if self.kind == "boolean":
            return isinstance(value, bool)
        if self.kind == "class":
            return isinstance(value, self.types) and label(value) in self.labels
        if self.kind == "number":
            return _is_number(value) and not self._outside(value)
        if self.kind == "text":
            return words(value) is not None
        return True

    def _outside(self, value: float) -> bool:
        return (self.low is not None and value < self.low) or (self.high is not None and value > self.high)


def load_schema(path: Path) -> Schema:
    """Read a JSON Schema; raises BadInputError where it is none."""
    import jsonschema

    schema = files.read_json(path)
    try:
        validator(schema)
    except jsonschema.SchemaError as error:
        raise BadInputError(f"{path}: not a JSON Schema: {error.json_path}: {error.message}") from None
    return {} if isinstance(schema, bool) else dict(schema)


def validator(schema: Any) -> Any:
    """The validator of the draft that a schema names, 2020-12 by default; raises jsonschema.SchemaError."""
    import jsonschema

    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    kind.check_schema(schema)
    return kind(schema)


def fields(schema: Any) -> list[Field]:
    """Every field of a target, in schema order; objects are opened, everything else is one field."""
    return list(_fields(schema, schema, (), 0))


def label(value: Any) -> str:
    """A scalar as the name of a class: JSON text, strings as they are, 1.0 as 1."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    try:
        return json.dumps(value, sort_keys=True)
    except RecursionError:
        return "(too deep)"


def words(value: Any) -> str | None:
    """A text, or a list of texts joined by line ends; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    return None


def _is_number(value: Any) -> bool:
    """A finite JSON number that float can hold."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(float(value)) < float("inf")
    except OverflowError:
        return False


def _fields(schema: Any, root: Any, path: tuple[str, ...], depth: int) -> Iterator[Field]:
    """The fields at and below one place."""
    schema = _resolved(schema, root, 0)
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and properties and _types(schema) <= {"object"} and depth < _DEEPEST:
        for key, value in properties.items():
            yield from _fields(value, root, (*path, key), depth + 1)
        return
    kind = _kind(schema, root, 0)
    options = [value for value in _options(schema) if value is not None] if kind == "class" else []
    labels = tuple(map(label, options))
    low, high = (_bound(schema, side) if kind == "number" else None for side in ("minimum", "maximum"))
    texts = [isinstance(value, str) for value in options]
    types = ((str,) if any(texts) else ()) + ((int, float) if not all(texts) else ())
    yield Field(path, kind, tuple(dict.fromkeys(labels)), low, high, types)


def _resolved(schema: Any, root: Any, depth: int) -> Schema:
    """A schema with its reference followed, its allOf merged, and a choice between null and one other opened."""
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return {}
    merged = {key: value for key, value in schema.items() if key not in ("$ref", "allOf", "anyOf", "oneOf")}
    if "$ref" in schema:
        merged = {**_resolved(_pointed(str(schema["$ref"]), root), root, depth + 1), **merged}
    for part in schema.get("allOf", ()):
        merged = {**merged, **_resolved(part, root, depth + 1)}
    choices = [c for c in (*schema.get("anyOf", ()), *schema.get("oneOf", ())) if not _is_null(c)]
    if len(choices) == 1:
        return {**merged, **_resolved(choices[0], root, depth + 1)}
    return {**merged, "anyOf": choices} if choices else merged


def _is_null(schema: Any) -> bool:
    return isinstance(schema, Mapping) and (schema.get("type") == "null" or schema.get("const", _MISSING) is None)


def _pointed(reference: str, root: Any) -> Any:
    """What a local reference such as #/$defs/name points to; an empty schema where it points elsewhere."""
    place = root
    for key in reference.removeprefix("#").strip("/").split("/") if reference.startswith("#/") else ():
        key = key.replace("~1", "/").replace("~0", "~")
        place = place.get(key, {}) if isinstance(place, Mapping) else {}
    return place if reference.startswith("#") else {}


def _types(schema: Schema) -> set[str]:
    """The JSON types that a schema names, null left out."""
    named = schema.get("type", [])
    return set([named] if isinstance(named, str) else named) - {"null"}


def _options(schema: Schema) -> Sequence[Any]:
    """The values of an enum, a const, or a choice of consts."""
    if "const" in schema:
        return [schema["const"]]
    if "enum" in schema:
        return list(schema["enum"])
    choices = schema.get("anyOf", ())
    consts = [c["const"] for c in choices if isinstance(c, Mapping) and "const" in c]
    return consts if len(consts) == len(choices) else []


def _kind(schema: Schema, root: Any, depth: int) -> Kind:
    """How a leaf is scored."""
    options = [value for value in _options(schema) if value is not None]
    if options:
        if all(isinstance(value, bool) for value in options):
            return "boolean"
        return "class" if all(isinstance(value, str | int | float) for value in options) else "exact"
    choices = schema.get("anyOf", ())
    if choices:
        kinds = {_kind(_resolved(c, root, depth), root, depth + 1) for c in choices} if depth < _DEEPEST else {"exact"}
        return "text" if kinds <= {"text", "class"} else "number" if kinds == {"number"} else "exact"
    return _typed_kind(schema, root, depth)


def _typed_kind(schema: Schema, root: Any, depth: int) -> Kind:
    """How a leaf with neither enum nor choices is scored, by its type."""
    types = _types(schema)
    if types == {"boolean"}:
        return "boolean"
    if types and types <= {"integer", "number"}:
        return "number"
    if types and types <= {"string", "array"} and ("array" not in types or _holds_texts(schema, root, depth)):
        return "text"
    return "exact"


def _holds_texts(schema: Schema, root: Any, depth: int) -> bool:
    """Whether an array's items are texts."""
    items = _resolved(schema.get("items", {}), root, depth)
    if depth >= _DEEPEST:
        return False
    options = _options(items)
    return all(isinstance(value, str) for value in options) if options else _types(items) == {"string"}


def _bound(schema: Schema, side: str) -> float | None:
    """A numeric bound, inclusive or exclusive."""
    exclusive = f"exclusive{side.capitalize()}"
    found = [schema[key] for key in (side, exclusive) if _is_number(schema.get(key))]
    return float(max(found) if side == "minimum" else min(found)) if found else None
