"""Files that are either whole or absent: every write goes to a temporary name and is renamed."""

import glob
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plateau.core.errors import BadInputError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `path`; rename it onto `path` when the block ends without an exception.

    What killed processes left beside `path` is removed first. Where `path` is a link to a folder, for example on another disk, that folder is replaced and the link stays.
    """
    path = path.resolve() if path.is_symlink() and path.is_dir() else path
    temporary = _temporary(path)
    try:
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        _remove(temporary)


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`, removed when the block ends; folders that killed processes left are removed first."""
    folder = _temporary(path)
    folder.mkdir()
    try:
        yield folder
    finally:
        _remove(folder)


def _temporary(path: Path) -> Path:
    """Return a name beside `path` that holds this process's id; remove what killed processes left under such names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.stem)}.*.tmp{glob.escape(path.suffix)}"):
        if not _is_alive(left.name.split(".tmp")[0].rpartition(".")[2]):
            _remove(left)
    return path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        pass
    return True


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON in the order given; NaN and infinity are refused with ValueError."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON; raises BadInputError that names the file and place when it is missing or malformed."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInputError(f"{path}: no such file; run `dvc repro` to make it") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: not valid JSON: {error}") from None


def write_jsonl(path: Path, rows: Iterable[Any]) -> None:
    """Write one JSON value a line."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as lines:
        for row in rows:
            lines.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
