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

    answer: Annotated[Answer, "the answer of the gates"]
    verdict: Annotated[Verdict, "the verdict on training"]
    iteration: Annotated[Count, "iteration of the chosen checkpoint"]
    val_loss: Annotated[Figure, "its validation loss, nats a supervised token"]
    test_loss: Annotated[Figure, "its test loss, nats a supervised token"]
    perplexity: Annotated[Figure, "exp of the test loss"]
    schema_valid: Annotated[Figure, "share of its outputs that obey the target's schema"]
    score: Annotated[Figure, "mean score of a test row over its fields, 0 to 1"]
    base_score: Annotated[Figure, "that of the base model"]
    linear_score: Annotated[Figure, "that of a linear model on word counts"]
