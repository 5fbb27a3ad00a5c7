"""Which files are in metrics/, and what each holds."""

from collections.abc import Sequence
from typing import Annotated, Any

from plateau.metrics.convert import Convert
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.evaluations import Point
from plateau.metrics.gates import Gates
from plateau.metrics.headline import Headline
from plateau.metrics.labels import Labels
from plateau.metrics.overfit import Overfit
from plateau.metrics.plots import Answer, FieldScore, LossPoint
from plateau.metrics.prepare import Prepare
from plateau.metrics.selection import Selection
from plateau.metrics.split import Split
from plateau.metrics.temporal import Temporal
from plateau.metrics.train import Train

FILES: dict[str, Any] = {
    "headline": Headline,
    "prepare": Prepare,
    "temporal": Temporal,
    "split": Split,
    "labels": Labels,
    "convert": Convert,
    "train": Train,
    "evaluations": Annotated[
        Sequence[Point],
        "The evaluation points of training, in order, the base model first and the last iteration included.",
    ],
    "loss": Annotated[Sequence[LossPoint], "The loss curve, as DVC plots it."],
    "selection": Selection,
    "evaluate": Evaluate,
    "confusion": Annotated[
        Sequence[Answer],
        "One row an answer of the adapter for each class and boolean field, for DVC's confusion plot.",
    ],
    "overfit": Overfit,
    "gates": Gates,
    "scores": Annotated[
        Sequence[FieldScore], "The adapter's score of each field for DVC's plot, written by stages/report."
    ],
}
