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

    criterion: Annotated[str, "name of the figure that the gate judges"]
    rule: Annotated[Rule, "the comparison between actual and target that must hold"]
    target: Annotated[Bound, "the bound that actual must meet"]
    actual: Annotated[Bound | None, "value of the figure; null if it is missing"]
    gap: Annotated[float | None, "actual less target; null for words"]
    status: Annotated[
        Status,
        "pass; fail; missing: the figure does not exist; waived: the gate does not pass, and a waiver accepts that",
    ]
    note: Annotated[
        str | None, "further information: why the figure is missing, a p-value, the reason for a waiver"
    ] = None


@dataclass(frozen=True)
class Gates:
    """Every gate, and whether the checkpoint may ship."""

    answer: Annotated[Answer, "whether the checkpoint may ship"]
    reason: Annotated[str, "the reason for the answer, in one sentence"]
    rows: Annotated[Sequence[Row], "one row per gate"]
    waived: Annotated[Mapping[str, str], "waived gates, each with the reason given"]
    needless_waivers: Annotated[Sequence[str], "waivers without effect: their gate passes or is not in use"]
    not_run: Annotated[Sequence[str], "opponents that were not run"]
    evaluated: Annotated[
        str,
        "SHA-256 of adapters/evaluated.json, which holds the hashes of all that was evaluated",
    ]

    @property
    def ships(self) -> bool:
        """Whether the checkpoint may ship, waivers included."""
        return self.answer in SHIPPING
