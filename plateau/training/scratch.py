"""The folder of a run's state: named by a hash of everything that the run depends on, locked while in use, removed once it is not needed.

Layout: `$DVC_ROOT/.work/<fingerprint>/` with `lock`, what plateau/training/checkpoints.py puts there, and once training has ended
`finished.json`: the dvc.lock that is to name the outs, and their MD5. Until it does, or for seven days, the state is kept: dvc may
be killed while it hashes the outs, and the next run then writes them again without training.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import metadata
from pathlib import Path
from typing import IO, Any

import yaml

from plateau.core.errors import PlateauError
from plateau.core.files import sha256, write_json
from plateau.core.progress import say
from plateau.core.system import System

ROOT = Path(__file__).parent.parent.parent
CODE = ("plateau", "stages")
LIBRARIES = ("mlx", "mlx-lm", "numpy", "mkl")
WAIT_SECONDS = 600
KEPT_SECONDS = 7 * 24 * 3600
FINGERPRINT = re.compile(r"[0-9a-f]{16}")
# The outs of train that dvc.lock names; evaluations.json holds the SHA-256 of each checkpoint.
OUTS = ("adapters/val_losses.parquet", "metrics/evaluations.json", "metrics/loss.json", "metrics/train.json")


def fingerprint(values: object, files: Sequence[Path]) -> str:
    """Sixteen hex digits that change with the values, the files' content, the code that train depends on, and its libraries."""
    inputs = [(path.name, sha256(path)) for path in files]
    code = [(path.relative_to(ROOT).as_posix(), sha256(path)) for path in _code()]
    libraries = [(name, _version(name)) for name in LIBRARIES]
    return hashlib.sha256(json.dumps([values, inputs, code, libraries], sort_keys=True).encode()).hexdigest()[:16]


def _code() -> list[Path]:
    """The code that dvc.yaml names among the deps of train."""
    deps = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]["train"]["deps"]
    paths = [ROOT / dep for dep in deps if dep.split("/")[0] in CODE]
    return sorted(file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py")))


def _version(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def work() -> Path:
    """The folder of all runs; experiments in temporary folders share that of the repository."""
    return Path(os.environ.get("DVC_ROOT", ".")) / ".work"


@contextmanager
def held(root: Path, name: str, lock: bool = True) -> Iterator[Path]:
    """Yield the run's own folder; one rank locks it, and the system's folder `root`.

    The first lock keeps out the same run in another folder, the second an orphan with other params that would write the same outputs. Waits for a process that is ending; raises PlateauError when it does not end.
    """
    folder = work() / name
    with ExitStack() as stack:
        for place in (root / ".work", folder) if lock else ():
            stack.enter_context(_locked(place))
        yield folder


def finish(system: System, folder: Path) -> None:
    """Note which dvc.lock is to name the outs of this run, which are written, and how that file looks until then."""
    outs, lock = {name: _md5(system.path(name)) for name in OUTS}, system.path("dvc.lock").resolve()
    write_json(folder / "finished.json", {"lock": str(lock), "before": _stamp(lock), "outs": outs})


def sweep(own: str = "") -> None:
    """Remove the folders that nobody needs: their dvc.lock names their outs, or nobody held them for seven days.

    That of the run to come, `own`, does not go by age: it is about to be used. A clock that was set back makes none older.
    """
    for folder in sorted(work().glob("*")) if work().is_dir() else ():
        if FINGERPRINT.fullmatch(folder.name) and folder.is_dir():
            is_old = folder.name != own and _age(folder) > KEPT_SECONDS
            if is_old or _is_named(folder):
                remove(folder)


def remove(folder: Path) -> None:
    """Remove a run's folder, unless another process holds it."""
    with _opened(folder) as stream:
        try:
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        shutil.rmtree(folder)


def _age(folder: Path) -> float:
    """Seconds since the folder was last held or written to."""
    return time.time() - max(path.stat().st_mtime for path in (folder, *folder.glob("lock")))


def _is_named(folder: Path) -> bool:
    """Whether the dvc.lock of a finished run names the outs that it wrote, and dvc has hashed them.

    A lock that git brought may name them before: then dvc's cache lacks them, and it is older than the run, or just as it was then,
    whatever times a clock that was set back gave them.
    """
    try:
        note = folder / "finished.json"
        finished = json.loads(note.read_text(encoding="utf-8"))
        lock, outs = Path(finished["lock"]), finished["outs"]
        content = yaml.safe_load(lock.read_text(encoding="utf-8"))
        named = {out["path"]: out["md5"] for out in content["stages"]["train"]["outs"]}
        written = _stamp(lock) != finished["before"] and lock.stat().st_mtime > note.stat().st_mtime
        hashed = written or _is_cached(outs[OUTS[0]])
        return hashed and all(_names(named, path, md5) for path, md5 in outs.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return False


def _stamp(path: Path) -> list[int] | None:
    """What changes when a file is written; None where there is none."""
    if not path.exists():
        return None
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def _is_cached(md5: str) -> bool:
    return (work().parent / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]).exists()


def _names(named: dict[str, Any], path: str, md5: str) -> bool:
    return any(known == md5 and (out == path or out.endswith(f"/{path}")) for out, known in named.items())


def _md5(path: Path) -> str:
    """DVC's hash of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder's lock file, whose time says when it was held last."""
    deadline = time.monotonic() + WAIT_SECONDS
    stream = _opened(folder)
    try:
        while not _acquire(stream, folder, deadline):
            stream.close()
            stream = _opened(folder)
        os.utime(stream.fileno())
        yield
        os.utime(stream.fileno())
    finally:
        stream.close()


def _opened(folder: Path) -> IO[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / "lock").open("ab")


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
