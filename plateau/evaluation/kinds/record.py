"""Object: the mean score of its fields. A target's own objects are opened; this is one in a list, a choice or under a free key."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from plateau.data.fields import UNUSABLE, Field, same
from plateau.evaluation.kinds.base import Kind, pair_score


class Record(Kind):
    """An object with named fields."""

    name = "object"

    @classmethod
    def matches(cls, field: Field) -> bool:
        """An object with properties."""
        return bool(field.leaves)

    @cached_property
    def inner(self) -> dict[str, Kind]:
        """The kind of each field, by name."""
        return {leaf.name: self.setup.make(leaf, f"{self.setup.name}.{leaf.name}") for leaf in self.field.leaves}

    def score(self, truth: Any, answer: Any) -> float:
        """The mean over the fields; no value is right where the truth has none."""
        each = self.each(truth, answer)
        return sum(each.values()) / len(each)

    def each(self, truth: Any, answer: Any) -> dict[str, float]:
        """The score of each field."""
        return {name: _field_score(kind, truth, answer) for name, kind in self.inner.items()}

    def scales(self, values: Sequence[Any]) -> dict[str, float]:
        """Those of the fields."""
        found: dict[str, float] = {}
        for kind in self.inner.values() if values else ():
            known = [kind.field.value(value) for value in values]
            held = [value for value in known if value is not None]
            found |= kind.scales(held) if held else {}
        return found


def _field_score(kind: Kind, truth: Any, answer: Any) -> float:
    """The score of one field of two objects."""
    wanted = kind.field.answer(truth)
    return float(same(truth, answer)) if wanted is UNUSABLE else pair_score(kind, wanted, kind.field.answer(answer))
