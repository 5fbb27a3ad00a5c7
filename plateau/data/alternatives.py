"""Which of several schemas a value is meant for: the one of which it breaks the least."""

from collections.abc import Mapping
from typing import Any

from plateau.core.numbers import is_finite
from plateau.data.nodes import Node

_JSON_TYPES: dict[str, Any] = {"string": str, "boolean": bool, "array": list, "object": Mapping}
_OTHER_TYPE = 1_000  # mistakes that a value of another type counts as
_DEEPEST = 32
_MOST_RECENT = 100_000
# What was chosen, by place and value: every field of a row asks the same.
_RECENT: dict[tuple[int, int], tuple[Node, Any, Node]] = {}


def chosen(node: Node, value: Any) -> Node:
    """The alternative of a place that a value is meant for; the first of equals. A value is not to change between two calls."""
    if not node.choices:
        return node
    known = _RECENT.get((id(node), id(value)))
    if known is None or known[0] is not node or known[1] is not value:
        if len(_RECENT) >= _MOST_RECENT:
            _RECENT.clear()
        known = (node, value, min(node.choices, key=lambda one: distance(one, value)))
        _RECENT[id(node), id(value)] = known
    return known[2]


def distance(node: Node, value: Any) -> tuple[int, int]:
    """How far a value is from what a place is for: its mistakes, then its keys that are allowed without being named."""
    free = [key for key in value if key not in node.properties] if isinstance(value, Mapping) else []
    return mistakes(node, value), len([key for key in free if value[key] is not None])


def is_of(value: Any, name: str) -> bool:
    """Whether a value is of a JSON type."""
    if name in ("integer", "number"):
        return is_finite(value) and (name == "number" or float(value).is_integer())
    return name in _JSON_TYPES and isinstance(value, _JSON_TYPES[name])


def mistakes(node: Node, value: Any, depth: int = _DEEPEST) -> int:
    """How much of a value a place does not allow; a key that is null counts as one that is left out."""
    if value is None or not depth:
        return 0
    if node.choices:
        return min(mistakes(one, value, depth) for one in node.choices)
    if not any(is_of(value, name) for name in node.types):
        return _OTHER_TYPE
    if isinstance(value, Mapping) and node.options is None:
        return _of_object(node, value, depth - 1)
    if isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        inner = [*node.prefix, *[node.items] * (len(value) - len(node.prefix))]
        return sum(mistakes(one, item, depth - 1) for one, item in zip(inner, value, strict=False))
    return int(not accepts(node, value))


def _of_object(node: Node, value: Mapping[str, Any], depth: int) -> int:
    """Keys that are missing, that the place does not know, and the mistakes below the others."""
    present = {key: inner for key, inner in value.items() if inner is not None}
    missing = sum(key not in present and not node.under(key).nullable for key in node.required)
    places = {key: node.under(key) for key in present}
    unknown = sum(not place.types for place in places.values())
    return missing + unknown + sum(mistakes(p, present[key], depth) for key, p in places.items() if p.types)


def accepts(node: Node, value: Any) -> bool:
    """Whether a place allows a value other than null, formats and all; False for what no validator can read."""
    try:
        return node.accepts(value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return False
