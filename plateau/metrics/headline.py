"""metrics/headline.json."""

from dataclasses import dataclass
from typing import Annotated

from plateau.core.figures import Count
from plateau.metrics.gates import Answer
from plateau.metrics.overfit import Verdict

Figure = float | None


@dataclass(frozen=True)
class Headline:
    """The figures that decide: what `dvc metrics show` prints."""

    answer: Annotated[Answer, "whether the checkpoint may ship, by the gates"]
    verdict: Annotated[Verdict, "the verdict on training, by overfit_check"]
    iteration: Annotated[Count, "iteration of the chosen checkpoint"]
    val_loss: Annotated[Figure, "validation loss of the chosen checkpoint, in nats per supervised token"]
    test_loss: Annotated[Figure, "test loss of the chosen checkpoint, in nats per supervised token"]
    perplexity: Annotated[Figure, "exp(test_loss)"]
    schema_valid: Annotated[Figure, "share of the adapter's outputs that are valid by the target schema"]
    score: Annotated[Figure, "mean score of the adapter on test rows, 0 to 1"]
    base_score: Annotated[Figure, "mean score of the base model on test rows"]
    linear_score: Annotated[Figure, "mean score of a linear model on word counts on test rows"]
