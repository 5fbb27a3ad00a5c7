"""metrics/gates.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from plateau.core.figures import Exact

Answer = Literal["ship", "ship_with_waivers", "do_not_ship", "insufficient_evidence"]
SHIPPING = ("ship", "ship_with_waivers")
Rule = Literal[">=", ">", "<=", "<", "=="]
Status = Literal["pass", "fail", "missing", "waived"]
Bound = Annotated[float | str, *Exact.__metadata__]


@dataclass(frozen=True)
class Row:
    """one gate"""

    criterion: Annotated[str, "the figure that is judged"]
    rule: Annotated[Rule, "how actual must stand to target"]
    target: Annotated[Bound, "the bound"]
    actual: Annotated[Bound | None, "the figure; null where missing"]
    gap: Annotated[float | None, "actual less target; null for words"]
    status: Annotated[
        Status, "pass, fail, missing where there is no such figure, waived where a gate that does not pass is waived"
    ]
    note: Annotated[str | None, "what is to be known beside: why it is missing, a p-value, the reason of a waiver"] = (
        None
    )


@dataclass(frozen=True)
class Gates:
    """Every gate, and whether the checkpoint may ship."""

    answer: Annotated[Answer, "the answer"]
    reason: Annotated[str, "why, one sentence"]
    rows: Annotated[Sequence[Row], "one row a gate"]
    waived: Annotated[Mapping[str, str], "gates that do not pass and are waived, each with the reason that was given"]
    needless_waivers: Annotated[Sequence[str], "waivers that change nothing: their gate passes or is not asked"]
    not_run: Annotated[Sequence[str], "opponents that were not run"]
    evaluated: Annotated[str, "SHA-256 of adapters/evaluated.json, which has the hashes of what was evaluated"]

    @property
    def ships(self) -> bool:
        """Whether the checkpoint may ship, waivers included."""
        return self.answer in SHIPPING
