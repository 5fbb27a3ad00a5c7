"""The registry of kinds of field, in the order in which `matches` is called. To add a kind: write a class in its own file and name it here."""

from collections.abc import Mapping
from typing import Any

from plateau.data.fields import Field
from plateau.evaluation.kinds.base import Kind, Setup
from plateau.evaluation.kinds.boolean import Boolean
from plateau.evaluation.kinds.choice import Choice
from plateau.evaluation.kinds.exact import Exact
from plateau.evaluation.kinds.labels import Label
from plateau.evaluation.kinds.lists import List
from plateau.evaluation.kinds.mapping import Map
from plateau.evaluation.kinds.number import Number
from plateau.evaluation.kinds.record import Record
from plateau.evaluation.kinds.text import Text

KINDS: tuple[type[Kind], ...] = (Boolean, Label, Number, Choice, Text, List, Map, Record, Exact)
_EXACT, _TEXT, _SET = "exact", "text", "set"  # the kinds that evaluate.scores may name


def kind_of(field: Field, scales: Mapping[str, float], asked: Mapping[str, Any] | None = None) -> Kind:
    """The kind that scores a field: the one that `asked` (the field's entry in evaluate.scores) names, else the first that matches its schema."""
    asked = asked or {}
    kind, ordered = asked.get("kind"), bool(asked.get("ordered"))

    def make(inner: Field, name: str) -> Kind:
        return _matching(inner)(inner, Setup(name, make, scales, ordered))

    setup = Setup(field.name, make, scales, ordered)
    if kind == _SET:
        return List(field, Setup(field.name, lambda inner, name: Exact(inner, Setup(name, make)), scales, ordered))
    forced = {_EXACT: Exact, _TEXT: Text}.get(kind) if kind else None
    return (forced or _matching(field))(field, setup)


def _matching(field: Field) -> type[Kind]:
    return next(kind for kind in KINDS if kind.matches(field))
