"""metrics/overfit.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from plateau.core.figures import INLINE, OPTIONAL, Count, Decimals
from plateau.metrics.drift import Drift
from plateau.metrics.evaluations import Status

Verdict = Literal["healthy", "underfit", "overfit", "unstable", "insufficient_evidence"]
Loss = float
Percent = Annotated[float, Decimals(2)]


@dataclass(frozen=True)
class Consistency:
    """the chosen checkpoint's loss on the training probe, the validation split and the test split"""

    train_loss: Annotated[Loss | None, "loss of the chosen checkpoint on the training probe, in nats per token"]
    drift: Annotated[Drift | None, INLINE, OPTIONAL]


@dataclass(frozen=True)
class Alternative:
    """one checkpoint that was not chosen"""

    iteration: Annotated[Count, "iteration"]
    val_loss: Annotated[Loss | None, "validation loss"]
    reason: Annotated[str, "why it was not chosen"]


@dataclass(frozen=True)
class Judged:
    """one evaluation point"""

    iteration: Annotated[Count, "iteration"]
    train_loss: Annotated[Loss | None, "loss on the training probe"]
    val_loss: Annotated[Loss | None, "validation loss"]
    gap_pct: Annotated[Percent | None, "(val_loss - train_loss) / train_loss, per cent; null unless both losses exist"]
    status: Annotated[Status | None, "status of the point; null without losses"]


@dataclass(frozen=True)
class Overfit:
    """The verdict on the run and its chosen checkpoint, with a status for every evaluation point."""

    verdict: Annotated[Verdict, "the verdict"]
    reason: Annotated[str, "the reason for the verdict, with its figures"]
    suggestion: Annotated[str, "what to change in the next run"]
    iteration: Annotated[Count, "the chosen iteration"]
    status: Annotated[Status | None, "status of the chosen iteration"]
    gap_pct: Annotated[
        Percent | None,
        "gap of the chosen iteration between validation and training loss, per cent of the training loss",
    ]
    onset: Annotated[int | None, "first overfitting iteration after the best checkpoint; null if there is none"]
    consistency: Consistency
    risks: Annotated[Sequence[str], "warnings that follow from the figures, as sentences"]
    alternatives: Annotated[
        Sequence[Alternative],
        "the checkpoints that were not chosen, each with the reason; lowest validation loss first",
    ]
    timeline: Annotated[Sequence[Judged], "every evaluation point in order of iteration"]
