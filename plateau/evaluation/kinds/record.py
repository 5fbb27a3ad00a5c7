"""The kind `object`: the mean score of its fields. It scores objects inside a list, a choice or a map; the fields of all other objects are scored one by one."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from plateau.data.fields import Field
from plateau.evaluation.kinds.base import Cases, Kind


class Record(Kind):
    """An object whose fields the schema names."""

    name = "object"

    @classmethod
    def matches(cls, field: Field) -> bool:
        """Objects with `properties`."""
        return bool(field.leaves)

    @cached_property
    def inner(self) -> dict[str, Cases]:
        """The scorer of each field, by name."""
        return {
            leaf.name: Cases(leaf, lambda case: self.setup.make(case, f"{self.setup.name}.{case.name}"))
            for leaf in self.field.leaves
        }

    def score(self, truth: Any, answer: Any) -> float:
        """The mean score of the fields. A field without a value is right where the truth has none."""
        each = self.each(truth, answer)
        return sum(each.values()) / len(each) if each else 1.0

    def each(self, truth: Any, answer: Any) -> dict[str, float]:
        """The score of each field that the truth's alternative has or that the answer invents, by name."""
        found = {name: cases.score(truth, answer) for name, cases in self.inner.items()}
        return {name: points for name, points in found.items() if points is not None}

    def scales(self, values: Sequence[Any]) -> dict[str, float]:
        """The scales of all fields."""
        found: dict[str, float] = {}
        for cases in self.inner.values() if values else ():
            known = [cases.field.value(value) for value in values]
            held = [value for value in known if value is not None]
            found |= cases.kind(cases.field).scales(held) if held else {}
        return found
