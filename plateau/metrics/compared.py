"""A paired comparison of two arms."""

from dataclasses import dataclass
from typing import Annotated, Literal

from plateau.core.figures import Bare, Count, Estimate

Result = Literal["better", "worse", "not_told_apart"]


@dataclass(frozen=True)
class Compared:
    """a paired comparison of two arms on the same rows, first less second"""

    rows: Annotated[Count, "rows compared"]
    difference: Annotated[Estimate, Bare("its interval"), "mean difference"]
    p_value: Annotated[float | None, "p-value of the paired test: exact McNemar or Wilcoxon"]
    result: Annotated[Result, "in words"]
    required_rows: Annotated[
        int | None, "rows that would tell a difference of this size apart with power 0.8; null for no difference"
    ]
