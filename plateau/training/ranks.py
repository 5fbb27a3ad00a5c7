"""One run on several processes (ranks). Their results are summed over all ranks, so that every rank takes the same decisions."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from mlx.utils import tree_map

from plateau.core.errors import PlateauError
from plateau.lm.backend import mx, nn

RANK_VARIABLES = {"MLX_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK"}  # one is set for each process that a launcher starts


@dataclass(frozen=True)
class Ranks:
    """The rank of this process among `size` processes; with one process, sums change nothing."""

    rank: int = 0
    size: int = 1

    def share(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The rows of this rank; each row belongs to one rank."""
        return rows[self.rank :: self.size]

    def sum(self, values: Sequence[float]) -> list[float]:
        """Sum of each figure over all ranks."""
        if self.size == 1:
            return list(values)
        total = mx.distributed.all_sum(mx.array(list(values), mx.float32), stream=mx.cpu)
        return [float(value) for value in np.array(total)]

    def sum_rows(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Sum of an array over all ranks, where each row is zero on every rank but one."""
        if self.size == 1:
            return values
        total = mx.distributed.all_sum(mx.array(values.astype(np.float32)), stream=mx.cpu)
        return np.array(total).astype(values.dtype)

    def sum_gradients(self, gradients: Any) -> Any:
        """Sum of the gradients over all ranks."""
        if self.size == 1:
            return gradients
        average = nn.average_gradients(gradients, communication_stream=mx.cpu)
        return tree_map(lambda gradient: gradient * self.size, average)

    def any(self, flag: bool) -> bool:
        """Whether the flag is true on any rank; the call waits until all ranks make it."""
        return self.sum([float(flag)])[0] > 0


def join(expected: int) -> Ranks:
    """Join the other ranks of this run; raises PlateauError when they are not as many as asked for."""
    if not RANK_VARIABLES & os.environ.keys():
        return Ranks()
    group = mx.distributed.init(strict=True)
    if group.size() != expected:
        raise PlateauError(f"ranks: {expected} were asked for, {group.size()} came")
    return Ranks(group.rank(), group.size())
