"""metrics/gates.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from plateau.core.figures import Exact

Answer = Literal["ship", "do_not_ship", "insufficient_evidence"]
Rule = Literal[">=", ">", "<=", "=="]
Status = Literal["pass", "fail", "missing"]
Bound = Annotated[float | str, *Exact.__metadata__]


@dataclass(frozen=True)
class Row:
    """one gate"""

    criterion: Annotated[str, "the figure that is judged"]
    rule: Annotated[Rule, "how actual must stand to target"]
    target: Annotated[Bound, "the bound"]
    actual: Annotated[Bound | None, "the figure; null where missing"]
    gap: Annotated[float | None, "actual less target; null for words"]
    status: Annotated[Status, "pass, fail, or missing where there is no such figure"]


@dataclass(frozen=True)
class Gates:
    """Every gate, and whether the checkpoint may ship."""

    answer: Annotated[Answer, "the answer"]
    reason: Annotated[str, "why, one sentence"]
    rows: Annotated[Sequence[Row], "one row a gate"]
    evaluated: Annotated[str, "SHA-256 of adapters/evaluated.json, which has the hashes of what was evaluated"]
