"""Choice: one of several schemas, such as a number or a word."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from plateau.data.fields import Field
from plateau.evaluation.kinds.base import Kind


class Choice(Kind):
    """A value of several schemas: scored by the first one that holds the truth and the answer."""

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
        """The score of the choice that holds both; 0 where none does. A text counts as a list of one."""
        for kind in self.kinds:
            if kind.field.holds(truth) and kind.field.holds(answer):
                return kind.score(truth, answer)
        if isinstance(truth, list) != isinstance(answer, list):
            truth, answer = (value if isinstance(value, list) else [value] for value in (truth, answer))
            return next(
                (k.score(truth, answer) for k in self.kinds if k.field.holds(truth) and k.field.holds(answer)), 0.0
            )
        return 0.0

    def scales(self, values: Sequence[Any]) -> dict[str, float]:
        """Those of each choice, from the values that it holds."""
        found: dict[str, float] = {}
        for kind in self.kinds:
            held = [value for value in values if kind.field.holds(value)]
            found |= kind.scales(held) if held else {}
        return found
