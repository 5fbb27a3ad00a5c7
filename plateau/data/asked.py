"""Check the param evaluate.scores against the target's schema, before any work and above all before training."""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from plateau.core import params
from plateau.core.errors import BadInputError
from plateau.core.system import System
from plateau.data import fields
from plateau.data.fields import Field

KEY = "evaluate.scores"


def check(system: System) -> None:
    """Raise BadInputError with one line for each mistake: a field that the target does not have, or a kind of score that does not suit its values.

    The stages that call this do not depend on the param, so another way of scoring reruns none of them.
    """
    if not system.path("params.yaml").is_file():  # a stage that is called with a folder that has no params.yaml
        return
    asked = params.load(system, (KEY,))["evaluate"]["scores"]
    path = system.schema("target")
    problems = list(mistakes(fields.fields(fields.load_schema(path)), asked)) if asked else []
    if problems:
        raise BadInputError("\n".join(f"{system.path('params.yaml')}: {line}" for line in problems))


def mistakes(target: list[Field], asked: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield one line for people for each mistake in evaluate.scores."""
    known = {field.name: field for field in target}
    for name, wanted in asked.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean '{close[0]}'?" if close else f"its fields: {', '.join(known)}"
            yield f"{KEY}.{name}: no field of the target; {hint}"
            continue
        field, kind = known[name], wanted.get("kind")
        if kind == "text" and not _all(field, _holds_text):
            yield f"{KEY}.{name}.kind: text is for texts and lists of texts, which this field does not hold"
        if kind == "set" and field.items is None:
            yield f"{KEY}.{name}.kind: set is for lists, which this field does not hold"
        if wanted.get("ordered") and not _any_list(field):
            yield f"{KEY}.{name}.ordered: only lists have an order, and this field holds none"
    if known and all(_is_left_out(asked.get(name, {})) for name in known):
        yield f"{KEY}: no field is left that counts; ignore fewer, or give one a weight"


def _is_left_out(wanted: Mapping[str, Any]) -> bool:
    return wanted.get("kind") == "ignore" or wanted.get("weight") == 0


def _all(field: Field, rule: Any) -> bool:
    return all(map(rule, field.choices)) if field.choices else bool(rule(field))


def _holds_text(field: Field) -> bool:
    """Whether the values are texts, or lists of texts."""
    return field.types == {"string"} or (field.items is not None and field.items.types == {"string"})


def _any_list(field: Field) -> bool:
    """Whether some value may hold a list."""
    return not field.types or "array" in field.types or any(map(_any_list, field.choices)) or field.has_free_keys
