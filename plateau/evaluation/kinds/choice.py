"""Choice: one of several schemas, such as a number or a word."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from plateau.data.fields import Field
from plateau.evaluation.kinds.base import Kind, pair_score


class Choice(Kind):
    """A value of several schemas: scored by the one that the truth is meant for."""

    name = "choice"

    @classmethod
    def matches(cls, field: Field) -> bool:
        """A field that may be one of several things."""
        return bool(field.choices)

    @cached_property
    def kinds(self) -> list[Kind]:
        """The kind of each choice."""
        return [self.setup.make(choice, self.setup.name) for choice in self.field.choices]

    def score(self, truth: Any, answer: Any) -> float:
        """The score by the choice that the truth is meant for; a value counts as a list of one beside a list."""
        kind = self._meant(truth)
        if isinstance(truth, list) != isinstance(answer, list) and not kind.field.holds(answer):
            truth, answer = (value if isinstance(value, list) else [value] for value in (truth, answer))
            kind = self._meant(truth)
        return pair_score(kind, truth, answer) if kind.field.holds(truth) else 0.0

    def _meant(self, value: Any) -> Kind:
        return self.kinds[self.field.choice(value)]

    def scales(self, values: Sequence[Any]) -> dict[str, float]:
        """Those of each choice, from the values that are meant for it."""
        found: dict[str, float] = {}
        for kind in self.kinds:
            held = [value for value in values if kind.field.holds(value) and self._meant(value) is kind]
            found |= kind.scales(held) if held else {}
        return found
