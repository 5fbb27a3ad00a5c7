"""The losses of one checkpoint on training, validation and test rows, in metrics/evaluate.json and metrics/overfit.json."""

from dataclasses import dataclass
from typing import Annotated

from plateau.core.figures import Bare, Count, Estimate
from plateau.metrics.compared import Result


@dataclass(frozen=True)
class Drift:
    """the training probe, validation, and the later test against it"""

    train_rows: Annotated[Count, "rows of the training probe"]
    train_loss: Annotated[Estimate, "loss of the chosen checkpoint on the training probe, nats a token"]
    valid_rows: Annotated[Count, "validation rows"]
    valid_loss: Annotated[Estimate, "validation loss of the chosen checkpoint, nats a token"]
    test_rows: Annotated[Count, "test rows"]
    test_loss: Annotated[Estimate, "test loss of the chosen checkpoint, nats a token"]
    difference: Annotated[Estimate, Bare("the interval of the difference"), "test loss less validation loss"]
    result: Annotated[Result, "whether the later test is told apart from the validation split"]
