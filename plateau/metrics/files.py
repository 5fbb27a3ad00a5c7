"""The files in metrics/, each with its class of figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

from plateau.core.figures import read
from plateau.core.system import System
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
from plateau.metrics.unsealed import Unsealed


@dataclass(frozen=True)
class Files:
    """The metrics files of a run from which the report is made."""

    prepare: Prepare
    temporal: Temporal
    split: Split
    convert: Convert
    train: Train
    selection: Selection
    evaluate: Evaluate
    overfit: Overfit
    gates: Gates
    evaluations: Annotated[
        Sequence[Point],
        "The evaluation points of training, in order, the base model first and the last iteration included.",
    ]

    @classmethod
    def read(cls, system: System) -> "Files":
        """Read them; raises BadInputError in one line where a file is missing or malformed."""
        hints = get_type_hints(cls, include_extras=True)
        return cls(**{name: read(hint, system.metrics(name)) for name, hint in hints.items()})


# Every file of metrics/, in the order of the docs.
FILES: dict[str, Any] = {
    "headline": Headline,
    **get_type_hints(Files, include_extras=True),
    "labels": Labels,
    "unsealed": Unsealed,
    "loss": Annotated[Sequence[LossPoint], "The loss curve, as DVC plots it."],
    "confusion": Annotated[
        Sequence[Answer],
        "One row an answer of the adapter for each class and boolean field, for DVC's confusion plot.",
    ],
    "scores": Annotated[
        Sequence[FieldScore], "The adapter's score of each field for DVC's plot, written by stages/report."
    ],
}
