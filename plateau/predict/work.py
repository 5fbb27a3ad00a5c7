"""Resumable output: finished rows are stored in part files beside the output, which is written once all rows are there."""

import fcntl
import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plateau.core import files
from plateau.core.errors import BadInputError
from plateau.predict.columns import Columns, Row, line, writer


class Work:
    """An unfinished output; its first `done` rows, in the order of the input, are stored."""

    def __init__(self, out: Path, folder: Path, job: Mapping[str, Any]) -> None:
        self.out, self.folder, self._job = out, folder, dict(job)
        self._parts = sorted(folder.glob("[0-9]*.jsonl"))
        self.done = sum(_count(part) for part in self._parts)

    def add(self, rows: Sequence[Row]) -> None:
        """Store more rows as one part file, atomically."""
        part = self.folder / f"{self.done:012}.jsonl"
        files.write_text(part, "".join(map(line, rows)))
        self._parts.append(part)
        self.done += len(rows)

    def rows(self) -> Iterator[Row]:
        """Iterate over all stored rows with one part file in memory at a time."""
        for part in self._parts:
            yield from map(json.loads, part.read_text(encoding="utf-8").removesuffix("\n").split("\n"))

    def finish(self, columns: Columns, said: Mapping[str, Any]) -> Counter[str]:
        """Write the output and its metadata, then delete the part files; returns the counts of rows by outcome."""
        counts = Counter[str](rows=0, answered=0, schema_valid=0, finished=0)
        reasons = Counter[str]()
        for row in self.rows():
            counts.update(rows=1, answered=row["reason"] is None)
            counts.update(schema_valid=bool(row["schema_valid"]), finished=bool(row["finished"]))
            reasons.update([row["reason"].partition(":")[0]] if row["reason"] else [])
        figures = {**counts, "reasons": dict(sorted(reasons.items()))}
        metadata = {**said, **figures, "job": self._job}
        with files.replacing(self.out) as temporary:
            writer(self.out)(temporary, columns, self.rows(), json.dumps(metadata, ensure_ascii=False))
        files.write_json(metadata_of(self.out), metadata)
        shutil.rmtree(self.folder)
        return counts


def metadata_of(out: Path) -> Path:
    """The metadata file beside an output; it says how the output was made."""
    return out.with_name(f"{out.name}.meta.json")


def complete(out: Path, job: Mapping[str, Any]) -> bool:
    """Whether the output exists and is complete; raises BadInputError if it belongs to another input or adapter."""
    if not out.exists() or _folder(out).exists():
        return False
    made = files.read_json(metadata_of(out)) if metadata_of(out).is_file() else {}
    if made.get("job") != job:
        raise BadInputError(f"{out}: is there already, made from something else; remove it, or name another with --out")
    return True


@contextmanager
def begun(out: Path, job: Mapping[str, Any]) -> Iterator[Work]:
    """Start or resume the work on an output, with a lock against other processes.

    Raises BadInputError where another process holds the lock, or the stored parts belong to another input, adapter or shard.
    """
    folder = _folder(out)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInputError(f"{out}: another process is writing it; name another output with --out") from None
        place = folder / "job.json"
        if not place.is_file():
            files.write_json(place, job)
        elif files.read_json(place) != job:
            raise BadInputError(
                f"{folder}: holds unfinished rows of another input, adapter or shard; remove it to begin anew, or name another --out"
            )
        yield Work(out, folder, job)


def _folder(out: Path) -> Path:
    return out.with_name(f"{out.name}.parts")


def _count(part: Path) -> int:
    with part.open("rb") as lines:
        return sum(1 for _ in lines)
