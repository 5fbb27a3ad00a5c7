"""Which files are in metrics/, and what each holds."""

from typing import Any

from plateau.metrics.convert import Convert
from plateau.metrics.labels import Labels
from plateau.metrics.prepare import Prepare
from plateau.metrics.split import Split
from plateau.metrics.temporal import Temporal

FILES: dict[str, Any] = {
    "prepare": Prepare,
    "temporal": Temporal,
    "split": Split,
    "labels": Labels,
    "convert": Convert,
}
