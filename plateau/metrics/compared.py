"""A paired comparison of two arms."""

from dataclasses import dataclass
from typing import Annotated, Literal

from plateau.core.figures import Bare, Count, Estimate

Result = Literal["better", "worse", "not_told_apart"]


@dataclass(frozen=True)
class Compared:
    """a paired comparison of two arms on the same rows: figure of the first arm less figure of the second"""

    rows: Annotated[Count, "rows compared"]
    difference: Annotated[Estimate, Bare("its interval"), "mean difference"]
    p_value: Annotated[float | None, "p-value of the paired test: exact McNemar or Wilcoxon"]
    result: Annotated[Result, "whether the difference is more than chance, and in whose favour"]
    required_rows: Annotated[
        int | None, "rows needed to detect a difference of this size with power 0.8; null if there is no difference"
    ]
