"""The files of a run in progress: its complete state, from which the next run continues, and its checkpoints.

Layout: `state-<iteration>/` = arrays.safetensors + state.json, which holds the arrays' SHA-256. `checkpoints/<iteration>/` = the
adapters, `losses-<iteration>.npz` = each row's validation loss. A state that was not written completely, or that lacks a checkpoint, is ignored.
"""

import json
import os
import shutil
import zipfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from mlx.utils import tree_flatten, tree_map_with_path, tree_unflatten

from plateau.core.files import replacing, sha256, write_json
from plateau.core.progress import say
from plateau.lm.backend import mx, nn, optim
from plateau.lm.model import Adapter, load_arrays, save_adapter, save_arrays, trainable_parameters
from plateau.metrics.evaluations import Point

KEPT = 2


@dataclass
class State:
    """The part of a run's state that is not arrays: its iteration, its counts and its evaluation points."""

    iteration: int = 0
    epoch: int = 0
    batch: int = 0
    trained_tokens: int = 0
    padded_tokens: int = 0
    row_tokens: int = 0
    skipped_steps: int = 0
    loss_sum: float = 0.0
    loss_tokens: int = 0
    points: list[Point] = field(default_factory=list)

    def copy(self) -> "State":
        """The state as it is now, which later updates leave alone."""
        return replace(self, points=list(self.points))


def save(folder: Path, state: State, model: nn.Module, optimizer: optim.Optimizer) -> None:
    """Write one complete state and drop all but the newest two; raises OSError when the disk is full."""
    target = folder / f"state-{state.iteration:07d}"
    with replacing(target) as temporary:
        temporary.mkdir()
        save_arrays(temporary / "arrays.safetensors", _arrays(model, optimizer))
        write_json(temporary / "state.json", {**asdict(state), "sha256": sha256(temporary / "arrays.safetensors")})
        _sync(*temporary.iterdir(), temporary)
    _sync(folder)
    for old in sorted(folder.glob("state-*"))[:-KEPT]:
        shutil.rmtree(old)


def save_point(
    folder: Path,
    iteration: int,
    model: nn.Module,
    adapter: Adapter,
    losses: tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]],
) -> str:
    """Write the adapter of an evaluation point and the summed loss and tokens of each validation row; the adapter's SHA-256."""
    checkpoint, rows = _checkpoint(folder, iteration), losses_path(folder, iteration)
    save_adapter(model, adapter, checkpoint)
    np.savez(rows, loss_sum=losses[0], tokens=losses[1])
    # A file's name is on the disk only once its folder is written too.
    _sync(rows, *checkpoint.iterdir(), checkpoint, checkpoint.parent, folder)
    return sha256(checkpoint / "adapters.safetensors")


def losses_path(folder: Path, iteration: int) -> Path:
    """The file of each validation row's loss at an evaluation point."""
    return folder / f"losses-{iteration:07d}.npz"


def _checkpoint(folder: Path, iteration: int) -> Path:
    return folder / "checkpoints" / f"{iteration:07d}"


def _sync(*paths: Path) -> None:
    """Have files and folders on the disk before going on, against a power cut."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def restore(folder: Path, model: nn.Module, optimizer: optim.Optimizer) -> State:
    """Load the newest complete state into the model and the optimizer; a new State where there is none."""
    for path in sorted(folder.glob("state-*"), reverse=True):
        try:
            state = _read(folder, path)
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            say(f"passing over {path.name}: it was cut short, or a file that it needs is missing ({error})")
            shutil.rmtree(path, ignore_errors=True)  # every rank passes over it
            continue
        _fill(load_arrays(path / "arrays.safetensors"), model, optimizer)
        return state
    return State()


def _read(folder: Path, path: Path) -> State:
    """A state and all that it needs; raises where any of it is missing or is not what was written."""
    values = json.loads((path / "state.json").read_text(encoding="utf-8"))
    _check(path / "arrays.safetensors", values.pop("sha256"))
    state = State(**{**values, "points": [Point(**point) for point in values["points"]]})
    for point in state.points:
        if point.sha256:
            checkpoint = _checkpoint(folder, point.iteration)
            json.loads((checkpoint / "adapter_config.json").read_text(encoding="utf-8"))
            _check(checkpoint / "adapters.safetensors", point.sha256)
            with np.load(losses_path(folder, point.iteration)) as losses:
                _ = [losses[name] for name in ("loss_sum", "tokens")]
    return state


def _check(path: Path, digest: str) -> None:
    if sha256(path) != digest:
        raise ValueError(f"{path.name} has other bytes")


def _arrays(model: nn.Module, optimizer: optim.Optimizer) -> dict[str, mx.array]:
    arrays = {f"model.{name}": array for name, array in trainable_parameters(model).items()}
    return arrays | {f"optimizer.{name}": array for name, array in tree_flatten(optimizer.state)}


def _fill(arrays: dict[str, mx.array], model: nn.Module, optimizer: optim.Optimizer) -> None:
    parameters = [(name.removeprefix("model."), a) for name, a in arrays.items() if name.startswith("model.")]
    model.update(tree_unflatten(parameters))
    # In place and leaf by leaf: assigning the state would initialise it anew, unflattening would drop its empty nodes.
    optimizer.state.update(tree_map_with_path(lambda name, _: arrays[f"optimizer.{name}"], optimizer.state))
    mx.eval(model.parameters(), optimizer.state)
