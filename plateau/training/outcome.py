"""Write the outputs of a finished run: its evaluation points, the validation loss of each row, and the figures of train.json."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plateau.core.errors import BadInputError
from plateau.core.figures import to_json
from plateau.core.files import replacing, write_json
from plateau.core.numbers import rounded
from plateau.core.system import System
from plateau.metrics.plots import LossPoint
from plateau.metrics.train import StopReason, Train
from plateau.training import checkpoints, stopping
from plateau.training.checkpoints import State


def figures(
    state: State, reason: StopReason, trainable: int, total: int, unigram_loss: float, params_sha256: str
) -> Train:
    """The content of metrics/train.json. Losses are in nats a supervised token; `padding_waste` is a share of the tokens computed."""
    iterations = [point.iteration for point in state.points]
    losses = stopping.losses_of(state.points)
    best = stopping.best_of(losses)
    base = state.points[0].val_loss if iterations[:1] == [0] else None
    best_loss = None if best is None else losses[best]
    return Train(
        stop_reason=reason,
        stop_summary=stopping.summary(iterations, losses, reason),
        iterations=state.iteration,
        best_iteration=None if best is None else iterations[best],
        best_val_loss=best_loss,
        base_val_loss=base,
        unigram_loss=unigram_loss,
        val_loss_reduction=1 - best_loss / base if best_loss is not None and base else None,
        epochs=state.epoch,
        trained_tokens=state.trained_tokens,
        trainable_parameters=trainable,
        total_parameters=total,
        trainable_share=trainable / total,
        padding_waste=1 - state.row_tokens / state.padded_tokens if state.padded_tokens else 0.0,
        skipped_steps=state.skipped_steps,
        params_sha256=params_sha256,
    )


def write(system: System, folder: Path, state: State, valid_ids: Sequence[str], train_figures: Train) -> None:
    """Write the outs of train: checkpoints, val_losses.parquet, evaluations.json, loss.json, train.json."""
    with replacing(system.path("adapters", "checkpoints")) as temporary:
        temporary.mkdir()
        for point in state.points:
            name = f"{point.iteration:07d}"
            if point.sha256:
                shutil.copytree(folder / "checkpoints" / name, temporary / name, ignore=shutil.ignore_patterns(".*"))
    with replacing(system.path("adapters", "val_losses.parquet")) as temporary:
        pq.write_table(_val_losses(folder, state, valid_ids), temporary)
    curve = [LossPoint(point.iteration, point.train_loss, point.val_loss) for point in state.points]
    write_json(system.metrics("evaluations"), to_json(state.points))
    write_json(system.metrics("loss"), to_json(curve))
    write_json(system.metrics("train"), to_json(train_figures))


def refuse_broken(train_figures: Train) -> None:
    """Raise BadInputError for a run whose loss was not a number, or rose above train.divergence_threshold."""
    if train_figures.stop_reason in stopping.BROKEN:
        raise BadInputError(f"{train_figures.stop_summary}; lower lr, or look for rows that break the loss")


def _val_losses(folder: Path, state: State, valid_ids: Sequence[str]) -> pa.Table:
    """Rows iteration, id, loss_sum, tokens: every validation row at every evaluation point."""
    points = [point for point in state.points if point.sha256]
    losses = [np.load(checkpoints.losses_path(folder, point.iteration)) for point in points]
    return pa.table(
        {
            "iteration": pa.array(
                np.repeat([point.iteration for point in points], len(valid_ids)).astype(np.int32), pa.int32()
            ),
            "id": list(valid_ids) * len(losses),
            "loss_sum": pa.array([rounded(value) for loss in losses for value in loss["loss_sum"]], pa.float64()),
            "tokens": np.concatenate([np.zeros(0, np.int32), *(loss["tokens"] for loss in losses)]),
        }
    )
