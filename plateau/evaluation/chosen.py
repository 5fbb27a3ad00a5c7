"""The checkpoint that was chosen, as training and selection recorded it: its validation losses, and whether adapters/best is it."""

from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from plateau.core import figures, files
from plateau.core.errors import BadInputError
from plateau.core.system import System
from plateau.metrics.evaluations import Point
from plateau.metrics.selection import Selection

RowLosses = tuple[
    NDArray[np.float64], NDArray[Any]
]  # summed loss and supervised tokens of each validation row, at one iteration


def row_losses(system: System) -> dict[int, RowLosses]:
    """Per-example validation losses of each evaluation point, from adapters/val_losses.parquet."""
    path = system.path("adapters", "val_losses.parquet")
    if not path.is_file():
        raise BadInputError(f"{path}: no such file; run `dvc repro train` to make it")
    table = pq.read_table(path, columns=["iteration", "loss_sum", "tokens"])
    iteration, loss_sum, tokens = (table[name].to_numpy() for name in table.column_names)
    return {int(i): (loss_sum[iteration == i], tokens[iteration == i].astype(np.int64)) for i in np.unique(iteration)}


def losses(system: System) -> RowLosses:
    """Validation loss of each row at the chosen iteration."""
    return row_losses(system)[figures.read(Selection, system.metrics("selection")).iteration]


def check(system: System) -> None:
    """Raise BadInputError unless adapters/best is the checkpoint that was chosen, byte for byte."""
    chosen = figures.read(Selection, system.metrics("selection")).iteration
    points = figures.read(list[Point], system.metrics("evaluations"))
    recorded = next((point.sha256 for point in points if point.iteration == chosen), None)
    path = system.path("adapters", "best", "adapters.safetensors")
    if files.sha256(path) != recorded:
        raise BadInputError(
            f"{path}: not the checkpoint of iteration {chosen} that was chosen; run `dvc repro -f select`"
        )
