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

    train_loss: Annotated[Loss | None, "loss of the chosen checkpoint on the training probe, nats a token"]
    drift: Annotated[Drift | None, INLINE, OPTIONAL]


@dataclass(frozen=True)
class Alternative:
    """one alternative"""

    iteration: Annotated[Count, "iteration"]
    val_loss: Annotated[Loss | None, "validation loss"]
    reason: Annotated[str, "why it was not chosen"]


@dataclass(frozen=True)
class Judged:
    """one evaluation point"""

    iteration: Annotated[Count, "iteration"]
    train_loss: Annotated[Loss | None, "loss on the training probe"]
    val_loss: Annotated[Loss | None, "validation loss"]
    gap_pct: Annotated[Percent | None, "(val_loss - train_loss) / train_loss, per cent; null without both"]
    status: Annotated[Status | None, "status of the point; null without losses"]


@dataclass(frozen=True)
class Overfit:
    """The verdict on the run and its chosen checkpoint, with a status for every evaluation point."""

    verdict: Annotated[Verdict, "the verdict"]
    reason: Annotated[str, "why, from figures"]
    suggestion: Annotated[str, "what to change"]
    iteration: Annotated[Count, "the chosen iteration"]
    status: Annotated[Status | None, "status of the chosen iteration"]
    gap_pct: Annotated[Percent | None, "its gap between validation and training loss, per cent"]
    onset: Annotated[int | None, "first overfitting iteration after the best checkpoint; null for none"]
    consistency: Consistency
    risks: Annotated[Sequence[str], "what the figures warn of, in words"]
    alternatives: Annotated[
        Sequence[Alternative],
        "the checkpoints that were not chosen, the lowest validation loss first, with the reason",
    ]
    timeline: Annotated[Sequence[Judged], "every evaluation point in order of iteration"]
