"""Iterate over the records to answer, from a file, a folder or Python values, and select those of a shard."""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from plateau.core.errors import BadInputError
from plateau.data import gathering, mapping, preparation, readers, sources
from plateau.data.readers import Raw
from plateau.data.sources import RefusedError

Read = Callable[[], Iterator[Raw]]


class Item(NamedTuple):
    """One record with its number in the whole input, counted from 0."""

    number: int
    raw: Raw


class Shard(NamedTuple):
    """Shard `part` of `parts`, counted from 1. Shards take turns through the records, so each record is in exactly one shard."""

    part: int = 1
    parts: int = 1

    def holds(self, number: int) -> bool:
        """Whether the record with this number belongs to the shard."""
        return number % self.parts == self.part - 1


def shard(text: str) -> Shard:
    """Parse a shard such as 3/8 from the command line; raises BadInputError for anything else."""
    found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    made = Shard(*map(int, found.groups())) if found else Shard(0, 0)
    if not 1 <= made.part <= made.parts:
        raise BadInputError(f"--shard: '{text}' is no part of several; write the third of eight as 3/8")
    return made


def paths(given: Path) -> list[Path]:
    """The files of an input (a file or a folder), sorted by path; raises BadInputError if none can be read."""
    if not given.exists():
        raise BadInputError(f"{given}: no such file or folder")
    found = sorted(sources.below(given)) if given.is_dir() else [given]
    if not found:
        raise BadInputError(f"{given}: an empty folder; put records there as {', '.join(sources.FORMATS)}")
    try:
        if not given.is_dir():
            sources.form(given)
    except RefusedError as refused:
        raise BadInputError(f"{given}: {refused.problem.detail}") from None
    return found


def of_files(given: Path, root: Path, declared: Any, memory: int, scratch: Path | None = None) -> Read:
    """A function that reads the records of an input. Files below the system folder `root` are named by their path within it."""
    encoding = (declared or {}).get("transcripts", {}).get("encoding", "utf-8")
    found = paths(given)

    def raws() -> Iterator[Raw]:
        for path in found:
            folder = given if given.is_dir() else path.resolve().parent  # a person may name a link to a file anywhere
            yield from readers.read_file(path, _name(path, given, root), folder, encoding)

    return gathered(raws, declared, preparation.buckets_of(found, memory), scratch)


def of_values(values: Sequence[Any], declared: Any, scratch: Path | None = None) -> Read:
    """A function that reads records from Python values."""
    return gathered(lambda: readers.of_values(values, "records"), declared, 1, scratch)


def gathered(raws: Read, declared: Any, buckets: int, scratch: Path | None) -> Read:
    """The raw items; where each row is a turn, the rows of one conversation become one item."""
    if not mapping.by_turn(declared):
        return raws

    def read() -> Iterator[Raw]:
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            yield from gathering.by_id(raws(), declared["transcripts"]["id"], Path(folder), buckets)

    return read


def batches(read: Read, size: int, part: Shard, skipped: int = 0) -> Iterator[list[Item]]:
    """The items of a shard in batches of `size`, without its first `skipped` items."""
    mine: Iterable[Item] = (Item(number, raw) for number, raw in enumerate(read()) if part.holds(number))
    rest = islice(mine, skipped, None)
    while held := list(islice(rest, size)):
        yield held


def _name(path: Path, given: Path, root: Path) -> str:
    real, system = path.absolute(), root.absolute()
    if real.is_relative_to(system):
        return real.relative_to(system).as_posix()
    return path.relative_to(given if given.is_dir() else given.parent).as_posix()
