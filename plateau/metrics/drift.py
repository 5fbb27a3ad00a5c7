"""The losses of one checkpoint on training, validation and test rows, in metrics/evaluate.json and metrics/overfit.json."""

from dataclasses import dataclass
from typing import Annotated

from plateau.core.figures import Bare, Count, Estimate
from plateau.metrics.compared import Result


@dataclass(frozen=True)
class Drift:
    """losses on the training probe, the validation split and the test split, and whether test and validation loss differ"""

    train_rows: Annotated[Count, "rows of the training probe, a fixed sample of the training split"]
    train_loss: Annotated[Estimate, "loss of the chosen checkpoint on the training probe, in nats per token"]
    valid_rows: Annotated[Count, "validation rows"]
    valid_loss: Annotated[Estimate, "validation loss of the chosen checkpoint, in nats per token"]
    test_rows: Annotated[Count, "test rows"]
    test_loss: Annotated[Estimate, "test loss of the chosen checkpoint, in nats per token"]
    difference: Annotated[Estimate, Bare("the interval of the difference"), "test loss less validation loss"]
    result: Annotated[Result, "whether the test loss differs from the validation loss by more than chance"]
