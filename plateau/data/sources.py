"""Raw files: which files belong to a source, which are refused, and how compressed files are read with a bound on their size."""

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa

from plateau.core.errors import BadInputError

FORMATS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".txt")
ARCHIVES = {".gz": "gzip", ".zst": "zstd"}
_CACHED = re.compile(r"/files/md5/[0-9a-f]{2}/[0-9a-f]{30}$")
ARCHIVE_RATIO = 200
ARCHIVE_FREE_BYTES = 64 * 2**20


class Problem(NamedTuple):
    """Why something was refused: a reason (for counting) and a detail (for people)."""

    reason: str
    detail: str


class RefusedError(Exception):
    """Raised for a file, or a part of one, that is refused; carries the problem."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.problem = Problem(reason, detail)


def files(folder: Path, name: str) -> list[Path]:
    """The files of one source, in order of their paths: `<name>` itself, `<name>.<format>`, and all below `<name>/`.

    Hidden files and folders are passed over. Raises BadInputError when there is none.
    """
    endings = ["", *(form + archive for form in FORMATS for archive in ("", *ARCHIVES))]
    single = [
        path for path in (folder / f"{name}{ending}" for ending in endings) if _exists(path) and not path.is_dir()
    ]
    found = single + sorted(below(folder / name))
    if not found:
        raise BadInputError(
            f"{folder}: found no {name}.jsonl and no file in {name}/; put raw {name} there, "
            f"as {', '.join(FORMATS)}, also with {' or '.join(ARCHIVES)}"
        )
    return found


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def below(folder: Path) -> Iterator[Path]:
    """The files below a folder. Links to folders are listed but not followed."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if Path(place, name).is_symlink()]
        yield from (Path(place, name) for name in [*names, *links] if not name.startswith("."))


def form(path: Path) -> tuple[str, str | None]:
    """The format (file ending) and the compression codec, None if uncompressed; RefusedError for an unknown format."""
    endings = [ending.lower() for ending in path.suffixes]
    codec = ARCHIVES.get(endings[-1]) if endings else None
    kind = (endings[:-1] if codec else endings)[-1:]
    if not kind or kind[0] not in FORMATS:
        raise RefusedError("unknown_format", f"not {', '.join(FORMATS)}, plain or with {' or '.join(ARCHIVES)}")
    return kind[0], codec


def check_place(path: Path, folder: Path) -> None:
    """Raise RefusedError unless the path is a regular file in `folder` or in a DVC cache; a link that leads elsewhere is refused."""
    real = path.resolve()
    if not (real.is_relative_to(folder.resolve()) or _is_cached(real, folder)):
        raise RefusedError("outside_folder", f"a link that leads out of {folder}; copy the file in")
    if not real.is_file():
        raise RefusedError("unreadable_file", "no regular file" if real.exists() else "a broken link")


def _is_cached(real: Path, folder: Path) -> bool:
    """Whether a file is one of the DVC cache of the folder's repository."""
    if not _CACHED.search(real.as_posix()):
        return False
    cache = _cache(folder.resolve())
    return cache is not None and real.is_relative_to(cache)


@lru_cache(maxsize=4)
def _cache(folder: Path) -> Path | None:
    """The DVC cache of a folder's repository, wherever it is configured to be; None where the folder is in no repository."""
    command = [sys.executable, "-m", "dvc", "cache", "dir"]
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return (folder / found.stdout.strip()).resolve() if found.returncode == 0 else None


def opened(path: Path, codec: str | None) -> BinaryIO:
    """Open a file, decompressed if need be. Reading raises RefusedError if the compressed data is truncated or expands too much."""
    return io.BufferedReader(_Archive(path, codec), 2**18) if codec else path.open("rb")


class _Archive(io.RawIOBase):
    """Reads decompressed bytes and counts them, because a compressed file may expand to a thousand times its size."""

    def __init__(self, path: Path, codec: str) -> None:
        self._path, self._codec = path, codec
        self._packed = path.open("rb")
        self._inner: Any = pa.CompressedInputStream(self._packed, codec)
        self._given = 0
        self._broken: OSError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._broken:
            raise RefusedError("broken_archive", f"after {self._given:,} bytes: {self._broken}")
        try:
            data = self._inner.read(len(buffer))
        except OSError as error:
            self._broken = error
            data = self._rest()
        self._given += len(data)
        if self._given > ARCHIVE_FREE_BYTES + ARCHIVE_RATIO * self._packed.tell():
            raise RefusedError("archive_bomb", f"grows to more than {ARCHIVE_RATIO} times its size when it is unpacked")
        buffer[: len(data)] = data
        return len(data) or (self.readinto(buffer) if self._broken else 0)

    def _rest(self) -> bytes:
        """Read on byte by byte up to the point of failure, because a failed block read returns nothing."""
        again = pa.CompressedInputStream(str(self._path), self._codec)
        skipped, found = 0, bytearray()
        with again, contextlib.suppress(OSError):
            while skipped < self._given:
                skipped += len(again.read(min(2**16, self._given - skipped)))
            while piece := again.read(1):
                found += piece
        return bytes(found)

    def close(self) -> None:
        self._inner.close()
        self._packed.close()
        super().close()
