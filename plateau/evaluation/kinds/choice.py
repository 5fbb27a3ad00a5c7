"""The kind `choice`: a value of one of several schemas, such as a number or a string."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from plateau.data.fields import Field
from plateau.evaluation.kinds.base import Kind, pair_score


class Choice(Kind):
    """A field with several schemas: an answer is scored by the schema that fits the true value best."""

    name = "choice"

    @classmethod
    def matches(cls, field: Field) -> bool:
        """Fields whose schema is a choice between several schemas."""
        return bool(field.choices)

    @cached_property
    def kinds(self) -> list[Kind]:
        """The kind of each schema of the choice."""
        return [self.setup.make(choice, self.setup.name) for choice in self.field.choices]

    def score(self, truth: Any, answer: Any) -> float:
        """The score by the schema that fits the true value best. If one side is a list and the other is not, the other counts as a list of one item."""
        kind = self._meant(truth)
        if isinstance(truth, list) != isinstance(answer, list) and not kind.field.holds(answer):
            truth, answer = (value if isinstance(value, list) else [value] for value in (truth, answer))
            kind = self._meant(truth)
        return pair_score(kind, truth, answer) if kind.field.holds(truth) else 0.0

    def _meant(self, value: Any) -> Kind:
        return self.kinds[self.field.choice(value)]

    def scales(self, values: Sequence[Any]) -> dict[str, float]:
        """The scales of each schema's kind, computed from the values that fit that schema."""
        found: dict[str, float] = {}
        for kind in self.kinds:
            held = [value for value in values if kind.field.holds(value) and self._meant(value) is kind]
            found |= kind.scales(held) if held else {}
        return found
