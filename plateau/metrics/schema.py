"""Make the JSON Schema of a metrics file from its class of figures."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from plateau.core.figures import INLINE, OPTIONAL, Bare, Estimate, Keys, Kind, Limits, bounds, kind, shape

Schema = dict[str, Any]
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def schema(hint: Any) -> Schema:
    """The schema of what `to_json` writes for a dataclass of figures, or a list or mapping of them."""
    return _described(kind(hint))


def _described(one: Kind) -> Schema:
    found = _typed(one)
    if one.nullable:
        found["type"] = [*([found["type"]] if isinstance(found["type"], str) else found["type"]), "null"]
        found |= {"enum": [*found["enum"], None]} if "enum" in found else {}
    limits = one.find(Limits) or Limits()
    found |= {key: end for key, end in (("minimum", limits.least), ("maximum", limits.most)) if end is not None}
    return found | {"description": one.doc} if one.doc else found


def _typed(one: Kind) -> Schema:
    if one.is_class:
        return _object(*_properties(one.base))
    if one.origin is Mapping:
        keys, inner = one.find(Keys), _described(one.inner)
        if keys is None:
            return {"type": "object", "additionalProperties": inner}
        return _object({name: {**inner, "description": doc} for name, doc in keys.docs.items()}, list(keys.docs))
    if one.origin in (Sequence, list):
        return {"type": "array", "items": _described(one.inner)}
    if one.origin is Literal:
        return {"type": "string", "enum": list(get_args(one.base))}
    parts = [_TYPES[part] for part in get_args(one.base)]
    return {"type": parts or _TYPES[one.base]}


def _object(properties: Mapping[str, Schema], required: Sequence[str]) -> Schema:
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def _properties(cls: Any) -> tuple[Schema, list[str]]:
    """The properties of a dataclass, and which of them are always there."""
    found: Schema = {}
    required: list[str] = []
    for name, one in shape(cls).items():
        if INLINE in one.marks:
            new, needed = _properties(one.base)
        else:
            new = _estimate(name, one) if one.base is Estimate else {name: _described(one)}
            needed = list(new)
        found |= new
        required += [] if OPTIONAL in one.marks else needed
    return found, required


def _estimate(name: str, one: Kind) -> Schema:
    """The three keys of an estimate."""
    bare = one.find(Bare) or Bare(f"the interval of {name}")
    docs = (one.doc, *(f"{side} bound of {bare.interval}" for side in ("lower", "upper")))
    each = zip((name, *bounds(name, one)), docs, strict=True)
    return {key: {"type": ["number", "null"], "description": doc} for key, doc in each}
