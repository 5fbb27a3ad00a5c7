"""Read the first records of an export and group its files into sources."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from plateau.core.errors import BadInputError
from plateau.data import readers, sources
from plateau.data.sources import RefusedError
from plateau.splits.fixed import NAMES

MOST = 20_000  # how many records of a source are examined
_LEAST_GOOD = 0.5  # the least share of items that must be records
_BROKEN_TEXT = ("invalid_utf8", "invalid_encoding")
_ENCODINGS = ("utf-8", "utf-16", "cp1252")


@dataclass(frozen=True)
class Source:
    """Files whose records have one shape: their paths below data/raw, and their first records.

    `by_split`: each file is one split, and the file's name is the split's name.
    """

    name: str
    files: dict[str, Path]
    records: list[dict[str, Any]]
    encoding: str
    by_split: bool = False


def read(data: Path) -> list[Source]:
    """The sources of a file or folder; raises BadInputError in one line if there are none."""
    if not data.exists():
        raise BadInputError(f"{data}: no such file or folder")
    found = [_source(name, files, by_split) for name, files, by_split in _groups(data)]
    if not found:
        wanted = f"{', '.join(sources.FORMATS)}, also with {' or '.join(sources.ARCHIVES)}"
        raise BadInputError(f"{data}: no file of a format that is read: {wanted}")
    return found


def _groups(data: Path) -> Iterator[tuple[str, dict[str, Path], bool]]:
    """Group the files that are read as one source: name, files by path below data/raw, and whether each file is a split."""
    if data.is_file():
        if not _is_data(data):
            raise BadInputError(
                f"{data}: not {', '.join(sources.FORMATS)}, plain or with {' or '.join(sources.ARCHIVES)}"
            )
        yield _stem(data), {data.name: data}, False
        return
    top = [path for path in sorted(data.iterdir()) if path.is_file() and _is_data(path)]
    tables = [path for path in top if sources.form(path)[0] != ".txt"]
    below = [path for path in sorted(data.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    splits = [path for path in tables if _stem(path).lower() in NAMES]
    if len(splits) >= 2:
        yield "records", {f"records/{path.name}": path for path in splits}, True
        tables = [path for path in tables if path not in splits]
    if not tables and len(top) > 1 and not splits:
        yield "conversations", {f"conversations/{path.name}": path for path in top}, False
    else:
        yield from ((_stem(path), {path.name: path}, False) for path in tables or (top if not splits else []))
    for folder in below:
        inside = [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_data(path)]
        if inside:
            yield folder.name, {path.relative_to(data).as_posix(): path for path in inside}, False


def _is_data(path: Path) -> bool:
    try:
        sources.form(path)
    except RefusedError:
        return False
    return not path.name.startswith(".")


def _stem(path: Path) -> str:
    return path.name.partition(".")[0]


def _source(name: str, files: dict[str, Path], by_split: bool) -> Source:
    """Read the first records of some files with the first encoding that fits; raises BadInputError if most items are no records."""
    for encoding in _ENCODINGS:
        records, problems = _records(list(files.values()), encoding)
        if not any(problems[reason] for reason in _BROKEN_TEXT):
            break
    where = next(iter(files.values()))
    if not records and not problems:
        raise BadInputError(f"{where}: it holds no record")
    if len(records) < _LEAST_GOOD * (len(records) + problems.total()):
        (reason, detail), count = problems.most_common(1)[0] if problems else (("", ""), 0)
        raise BadInputError(
            f"{where}: {count:,} of {count + len(records):,} records cannot be read: {reason}: {detail}"
        )
    if len(records) == 1 and (key := _wrapped(records[0])):
        raise BadInputError(
            f"{where}: one record that holds a list under '{key}'; write its items as JSON lines, one a line"
        )
    return Source(name, files, records, encoding, by_split)


def _records(files: Sequence[Path], encoding: str) -> tuple[list[dict[str, Any]], Counter[Any]]:
    """The first records, evenly from all files, and the number of unreadable items by reason and detail."""
    records: list[dict[str, Any]] = []
    problems: Counter[Any] = Counter()
    for path in files:
        raws = readers.read_file(path, path.name, path.parent, encoding)
        for raw in map(readers.parsed, islice(raws, -(-MOST // len(files)))):
            if raw.problem:
                problems[raw.problem.reason, raw.problem.detail] += 1
            elif not isinstance(raw.value, dict):
                problems["wrong_type", f"{type(raw.value).__name__} in place of an object"] += 1
            else:
                records.append(raw.value)
    broken = Counter({reason: count for (reason, _), count in problems.items() if reason in _BROKEN_TEXT})
    return records, problems if not broken else problems + broken


def _wrapped(record: dict[str, Any]) -> str | None:
    """The key of a list of objects within a single record, if the list holds the actual records."""
    for key, value in record.items():
        if isinstance(value, list) and len(value) > 1 and all(isinstance(item, dict) for item in value):
            return key
        if isinstance(value, dict) and len(json.dumps(value)) > 100_000:
            return key
    return None
