"""Batches of rows of similar token length; their order in an epoch depends on the seed and the number of the epoch alone."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
GROUP = 50  # batches' worth of rows that are sorted by length together; the rest of the order is random


def epoch_batches(
    lengths: npt.NDArray[np.int32], seed: int, epoch: int, batch_size: int, max_tokens: int | None = None
) -> list[Rows]:
    """Row indices of each batch of one epoch; every row once, the last partial batch included.

    `max_tokens` (padding included) takes the place of `batch_size` where given.
    """
    draw = np.random.default_rng([seed, epoch])
    order = draw.permutation(len(lengths))
    per_group = GROUP * (batch_size if max_tokens is None else max(1, max_tokens // max(1, int(lengths.mean()))))
    batches: list[Rows] = []
    for start in range(0, len(order), per_group):
        group = order[start : start + per_group]
        group = group[np.argsort(lengths[group], kind="stable")]
        batches += _cut(group, lengths, batch_size, max_tokens)
    return [batches[i] for i in draw.permutation(len(batches))]


def in_order(lengths: npt.NDArray[np.int32], batch_size: int, max_tokens: int | None = None) -> list[Rows]:
    """Batches of an evaluation: every row once, longest last, always the same; of `max_tokens` at most where given."""
    return _cut(np.argsort(lengths, kind="stable"), lengths, batch_size, max_tokens)


def padding_waste(lengths: npt.NDArray[np.int32], batches: Sequence[Rows]) -> float:
    """Share of a padded epoch's tokens that are padding."""
    padded = sum(len(rows) * int(lengths[rows].max()) for rows in batches)
    return 1 - int(lengths.sum()) / padded if padded else 0.0


def _cut(rows: Rows, lengths: npt.NDArray[np.int32], batch_size: int, max_tokens: int | None) -> list[Rows]:
    """Cut rows, shortest first, into batches of a row or token budget; a row over the budget goes alone."""
    if max_tokens is None:
        return [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
    batches, start = [], 0
    for end in range(1, len(rows) + 1):
        if end == len(rows) or (end + 1 - start) * int(lengths[rows[end]]) > max_tokens:
            batches.append(rows[start:end])
            start = end
    return batches
