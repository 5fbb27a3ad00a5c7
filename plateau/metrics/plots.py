"""metrics/loss.json, metrics/confusion.json and metrics/scores.json: lists that DVC plots."""

from dataclasses import dataclass
from typing import Annotated

from plateau.core.figures import OPTIONAL, Bare, Count, Estimate
from plateau.metrics.train import Loss


@dataclass(frozen=True)
class LossPoint:
    """one evaluation point; a loss that is not finite has no key"""

    iteration: Annotated[Count, "updates made so far; 0 is the base model"]
    train_loss: Annotated[
        Loss | None,
        OPTIONAL,
        "loss on the training probe (a fixed sample of the training split, as large as the validation split), in nats per supervised token",
    ]
    val_loss: Annotated[Loss | None, OPTIONAL, "loss on the whole validation split, in nats per supervised token"]


@dataclass(frozen=True)
class Answer:
    """one answer"""

    actual: Annotated[str, "field: true class"]
    predicted: Annotated[str, "field: predicted class; (other) for an answer outside the classes"]


@dataclass(frozen=True)
class FieldScore:
    """one field"""

    name: Annotated[str, "field of the target"]
    score: Annotated[Estimate, Bare("its interval"), "mean score on the test split, 0 to 1"]
