"""metrics/selection.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from plateau.core.figures import OPTIONAL, Count, Limits

Policy = Literal["latest_within_tolerance", "best", "earliest_within_tolerance", "one_standard_error", "quality"]
Loss = float


@dataclass(frozen=True)
class Candidate:
    """one evaluation point"""

    iteration: Annotated[Count, "iteration"]
    val_loss: Annotated[Loss | None, "validation loss; null where not finite"]
    train_loss: Annotated[Loss | None, "loss on the training probe; null where not finite"]
    eligible: Annotated[bool, "whether the policy may choose it"]
    chosen: Annotated[bool, "whether it was chosen"]
    reason: Annotated[str, "why it was chosen or not chosen"]
    score: Annotated[
        float | None, OPTIONAL, "mean score of the fields on the validation split; only with the policy quality"
    ]


@dataclass(frozen=True)
class Selection:
    """Which checkpoint was chosen and why, every candidate with its reason."""

    policy: Annotated[Policy, "selection.policy"]
    iteration: Annotated[int, Limits(1), "iteration of the chosen checkpoint"]
    val_loss: Annotated[Loss, "validation loss of the chosen checkpoint, in nats per token"]
    val_perplexity: Annotated[float, "exp(val_loss), where val_loss is token-weighted"]
    reason: Annotated[str, "why it was chosen, one sentence"]
    candidates: Annotated[Sequence[Candidate], "every evaluation point in order of iteration"]
