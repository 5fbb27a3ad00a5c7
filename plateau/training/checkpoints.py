"""The scratch of a run in progress: its complete state, from which the next run goes on, and its checkpoints.

Layout: `state-<iteration>/` = arrays.safetensors + state.json, which holds the arrays' SHA-256; a state that was cut short does not match
and is passed over. `checkpoints/<iteration>/` = the adapters, `losses-<iteration>.npz` = each row's validation loss.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from mlx.utils import tree_flatten, tree_map_with_path, tree_unflatten

from plateau.core.errors import PlateauError
from plateau.core.files import replacing, sha256, write_json
from plateau.core.progress import say
from plateau.lm.backend import mx, nn, optim
from plateau.lm.model import load_arrays, save_arrays, trainable_parameters

KEPT = 2
WAIT_SECONDS = 600


@dataclass
class State:
    """All of a run that is not an array: where it is, what it counted, and its evaluation points."""

    iteration: int = 0
    epoch: int = 0
    batch: int = 0
    trained_tokens: int = 0
    padded_tokens: int = 0
    row_tokens: int = 0
    skipped_steps: int = 0
    loss_sum: float = 0.0
    loss_tokens: int = 0
    points: list[dict[str, Any]] = field(default_factory=list)


def fingerprint(values: object, files: Sequence[Path]) -> str:
    """Sixteen hex digits that change with the values, the files' content, and the project's code that is loaded."""
    root = Path(__file__).parent.parent.parent
    modules = sorted(
        Path(str(module.__file__))
        for module in list(sys.modules.values())
        if getattr(module, "__file__", None) and root in Path(str(module.__file__)).parents
    )
    code = [(path.relative_to(root).as_posix(), sha256(path)) for path in modules if ".venv" not in path.parts]
    inputs = [(path.name, sha256(path)) for path in files]
    return hashlib.sha256(json.dumps([values, inputs, code], sort_keys=True).encode()).hexdigest()[:16]


@contextmanager
def scratch(root: Path, name: str, lock: bool = True) -> Iterator[Path]:
    """Yield the run's own folder below $DVC_ROOT/.work; one rank locks it, and the system's folder `root`.

    The one against the same run in another folder, the other against an orphan of other params that would write the same outs.
    Waits for a process that is going away; raises PlateauError when it does not.
    """
    folder = Path(os.environ.get("DVC_ROOT", ".")) / ".work" / name
    with ExitStack() as held:
        for place in (root / ".work", folder) if lock else ():
            held.enter_context(_locked(place))
        yield folder


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock file."""
    deadline = time.monotonic() + WAIT_SECONDS
    stream = _opened(folder)
    try:
        while not _acquire(stream, folder, deadline):
            stream.close()
            stream = _opened(folder)
        yield
    finally:
        stream.close()


def _opened(folder: Path) -> IO[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / "lock").open("wb")


def _acquire(stream: IO[bytes], folder: Path, deadline: float) -> bool:
    """Wait for the lock; False where the folder went away meanwhile, with the run that had it."""
    waiting = False
    while True:
        try:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                raise PlateauError(f"{folder}: another process trains here; wait for it or stop it") from None
            if not waiting:
                say("waiting for an earlier process that trains here to end")
            waiting = True
            time.sleep(0.5)
        else:
            return _is_at(stream, folder / "lock")


def _is_at(stream: IO[bytes], path: Path) -> bool:
    return path.exists() and os.path.samestat(os.fstat(stream.fileno()), path.stat())


def save(folder: Path, state: State, model: nn.Module, optimizer: optim.Optimizer) -> None:
    """Write one complete state and drop all but the newest two; raises OSError when the disk is full."""
    target = folder / f"state-{state.iteration:07d}"
    with replacing(target) as temporary:
        temporary.mkdir()
        save_arrays(temporary / "arrays.safetensors", _arrays(model, optimizer))
        write_json(temporary / "state.json", {**asdict(state), "sha256": sha256(temporary / "arrays.safetensors")})
        sync(*temporary.iterdir(), temporary)
    for old in sorted(folder.glob("state-*"))[:-KEPT]:
        shutil.rmtree(old)


def sync(*paths: Path) -> None:
    """Have files and folders on the disk before going on, against a power cut."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def restore(folder: Path, model: nn.Module, optimizer: optim.Optimizer) -> State:
    """Load the newest complete state into the model and the optimizer; a new State where there is none."""
    for path in sorted(folder.glob("state-*"), reverse=True):
        try:
            values = json.loads((path / "state.json").read_text(encoding="utf-8"))
            whole = values.pop("sha256") == sha256(path / "arrays.safetensors")
        except (OSError, ValueError, KeyError):
            whole = False
        if not whole:
            say(f"passing over {path.name}: it was cut short")
            shutil.rmtree(path, ignore_errors=True)  # every rank passes over it
            continue
        _fill(load_arrays(path / "arrays.safetensors"), model, optimizer)
        return State(**values)
    return State()


def _arrays(model: nn.Module, optimizer: optim.Optimizer) -> dict[str, mx.array]:
    arrays = {f"model.{name}": array for name, array in trainable_parameters(model).items()}
    return arrays | {f"optimizer.{name}": array for name, array in tree_flatten(optimizer.state)}


def _fill(arrays: dict[str, mx.array], model: nn.Module, optimizer: optim.Optimizer) -> None:
    parameters = [(name.removeprefix("model."), a) for name, a in arrays.items() if name.startswith("model.")]
    model.update(tree_unflatten(parameters))
    # In place and leaf by leaf: assigning the state would initialise it anew, unflattening would drop its empty nodes.
    optimizer.state.update(tree_map_with_path(lambda name, _: arrays[f"optimizer.{name}"], optimizer.state))
    mx.eval(model.parameters(), optimizer.state)
