"""metrics/evaluations.json, a list of points."""

from dataclasses import dataclass
from typing import Annotated, Literal

from plateau.core.figures import Count, Limits
from plateau.metrics.train import Loss

Status = Literal["baseline", "overfitting", "no_gap", "minimal", "acceptable", "elevated", "wide"]


@dataclass(frozen=True)
class Point:
    """one evaluation point"""

    iteration: Annotated[Count, "updates made so far; 0 is the base model"]
    epoch: Annotated[float, Limits(0), "passes through the training split so far"]
    trained_tokens: Annotated[Count, "supervised tokens trained on so far"]
    lr: Annotated[float | None, Limits(0), "learning rate of the next update"]
    train_loss: Annotated[
        Loss | None,
        "loss on the training probe (a fixed sample of the training split, as large as the validation split), in nats per supervised token",
    ]
    val_loss: Annotated[
        Loss | None, "loss on the whole validation split, in nats per supervised token; null if not finite"
    ]
    val_perplexity: Annotated[float | None, Limits(1), "exp(val_loss)"]
    batch_loss: Annotated[
        Loss | None, "mean loss of the training batches since the previous evaluation point; null at iteration 0"
    ]
    sha256: Annotated[str | None, "SHA-256 of the checkpoint's adapters.safetensors; null without a checkpoint"]
