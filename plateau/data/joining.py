"""Join transcripts and analyses by id on disk. Keys are hashed into buckets and joined there; then the rows are read once more and get their result."""

import json
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from plateau.core import files
from plateau.core.errors import BadInputError
from plateau.data import spill
from plateau.data.records import KEYS, ROWS, SCHEMA, WITH_SPLIT, Examined, Reject
from plateau.data.sources import Problem
from plateau.data.strict_json import SHOWN_CHARACTERS
from plateau.metrics.prepare import Corrected, Prepare, Redacted

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ORDER = ("start_utc", "id")
FATES = pa.schema(
    [
        ("seq", pa.int64()),
        ("target", pa.string()),
        ("file", pa.string()),
        ("line", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)


class Rejects:
    """The lines of rejected.jsonl: texts are kept in a temporary file, places in memory; they are written in the order of their places."""

    def __init__(self, path: Path) -> None:
        self._log = path.open("wb+")
        self._names: dict[str, int] = {}
        self._places = [array("q") for _ in range(3)]
        self.reasons: Counter[str] = Counter()

    def add(self, reject: Reject) -> None:
        """Set one item aside with its place and the reason."""
        name = self._names.setdefault(reject.file, len(self._names))
        for held, number in zip(self._places, (name, reject.line or 0, self._log.tell()), strict=True):
            held.append(number)
        self._log.write(json.dumps(reject._asdict(), ensure_ascii=False).encode() + b"\n")
        self.reasons[reject.reason] += 1

    def write(self, path: Path) -> None:
        """Write all rejects, ordered by file and line."""
        ranks = {self._names[name]: rank for rank, name in enumerate(sorted(self._names))}
        names, lines, offsets = (np.array(held, np.int64) for held in self._places)
        places = np.array([ranks[name] for name in names.tolist()], np.int64)
        with files.replacing(path) as temporary, temporary.open("wb") as out:
            for number in np.lexsort([lines, places]):
                self._log.seek(offsets[number])
                out.write(self._log.readline())

    def close(self) -> None:
        """Close the temporary file."""
        self._log.close()


class Store:
    """Examined batches on disk: the rows in one file, the keys in one file for each bucket."""

    def __init__(self, folder: Path, buckets: int) -> None:
        self.folder, self.buckets = folder, buckets
        self.rejects = Rejects(folder / "rejects")
        self.counts: Counter[str] = Counter()
        self.in_order = True
        self._latest: tuple[object, ...] = ()
        self._rows = spill.writer(folder / "rows", ROWS)
        self._keys = [spill.writer(self.bucket(number), KEYS) for number in range(buckets)]

    def bucket(self, number: int) -> Path:
        """The file of one bucket's keys."""
        return self.folder / f"keys{number}"

    def add(self, examined: Examined) -> None:
        """Store what became of one batch; batches come in order."""
        self._rows.write_batch(examined.rows)
        for bucket, keys in examined.keys:
            self._keys[bucket].write_batch(keys)
        for reject in examined.rejects:
            self.rejects.add(reject)
        self.counts += examined.counts
        self._watch_order(examined.rows)

    def _watch_order(self, batch: pa.RecordBatch) -> None:
        """Note whether rows come in ORDER; if not, they are sorted later."""
        if len(batch) and self.in_order:
            table = pa.Table.from_batches([batch.select(ORDER)])
            first, last = (spill.key_of(batch, row, ORDER) for row in (0, len(batch) - 1))
            self.in_order = self._latest < first and table.sort_by([(name, "ascending") for name in ORDER]).equals(
                table
            )
            self._latest = last

    def seal(self) -> None:
        """Finish the temporary files, so that they can be read."""
        for writer in (self._rows, *self._keys):
            writer.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.seal()
        self.rejects.close()


def join(store: Store) -> None:
    """Decide on every item, bucket by bucket. Rejects of analyses are final; the results for rows are stored in files."""
    store.seal()
    for number in range(store.buckets):
        keys = pa.Table.from_batches(spill.batches(store.bucket(number)), KEYS)
        found = resolve(keys)
        for reject in found.rejects:
            store.rejects.add(reject)
        store.counts += found.counts
        with spill.writer(store.folder / f"fates{number}", FATES) as writer:
            writer.write_table(found.fates, max_chunksize=spill.BATCH_ROWS)
        store.bucket(number).unlink()


class Resolved(NamedTuple):
    """The results of one bucket: FATES of rows by seq (a target, or a reason for rejection), rejects of analyses, and counts."""

    fates: pa.Table
    rejects: list[Reject]
    counts: Counter[str]


class _Kind(NamedTuple):
    """Items of one kind in a bucket: for each code of an id the row number of its item (-1 for none), and the items that contradict each other."""

    chosen: Ints
    known: Bools
    conflicts: list[tuple[int, int]]
    duplicates: int


def resolve(keys: pa.Table) -> Resolved:
    """Decide on the items of one bucket; `keys` are KEYS in the order in which they were read."""
    names = keys["id"].combine_chunks().dictionary_encode()
    codes, count = np.asarray(names.indices.cast(pa.int64())), len(names.dictionary)
    transcripts, analyses = (_kind(keys, codes, count, kind) for kind in (0, 1))
    both = (transcripts.chosen >= 0) & (analyses.chosen >= 0)
    no_analysis = transcripts.chosen[(transcripts.chosen >= 0) & ~analyses.known]
    no_transcript = analyses.chosen[(analyses.chosen >= 0) & ~transcripts.known]
    lost = [(row, Problem("missing_analysis", "no analysis has this id")) for row in no_analysis.tolist()]
    lost += [(row, _conflict(keys, other)) for row, other in transcripts.conflicts]
    bad = [(row, Problem("missing_transcript", "no transcript has this id")) for row in no_transcript.tolist()]
    bad += [(row, _conflict(keys, other)) for row, other in analyses.conflicts]
    fates = pa.concat_tables([_matched(keys, transcripts.chosen[both], analyses.chosen[both]), _lost(keys, lost)])
    counts = Counter(ids=count, duplicates=transcripts.duplicates + analyses.duplicates, accepted=int(both.sum()))
    return Resolved(fates.sort_by("seq"), [_analysis_reject(keys, row, why) for row, why in bad], counts)


def _kind(keys: pa.Table, codes: Ints, count: int, kind: int) -> _Kind:
    """Pick the item for each id: the first of items with equal contents, none where contents differ."""
    mine = np.asarray(keys["kind"]) == kind
    known = np.zeros(count, np.bool_)
    known[codes[mine]] = True
    good = np.flatnonzero(mine & ~np.asarray(keys["bad"]))
    digests = np.asarray(keys["digest"].fill_null(0))
    chosen = np.full(count, -1, np.int64)
    chosen[codes[good][::-1]] = good[::-1]
    differs = digests[good] != digests[chosen[codes[good]]]
    other = np.full(count, -1, np.int64)
    other[codes[good][differs][::-1]] = good[differs][::-1]
    torn = good[other[codes[good]] >= 0]
    conflicts = [
        (row, int(chosen[code] if digests[row] != digests[chosen[code]] else other[code]))
        for row, code in zip(torn.tolist(), codes[torn].tolist(), strict=True)
    ]
    chosen[codes[torn]] = -1
    return _Kind(chosen, known, conflicts, len(good) - len(torn) - int((chosen >= 0).sum()))


def _conflict(keys: pa.Table, other: int) -> Problem:
    place = f"{keys['file'][other].as_py()} line {keys['line'][other].as_py()}"
    return Problem("conflicting_id", f"id also at {place}, with other contents")


def _matched(keys: pa.Table, transcripts: Ints, analyses: Ints) -> pa.Table:
    nothing = pa.nulls(len(transcripts))
    columns = {"seq": keys["seq"].take(pa.array(transcripts)), "target": keys["target"].take(pa.array(analyses))}
    return pa.table([columns.get(field.name, nothing.cast(field.type)) for field in FATES], schema=FATES)


def _lost(keys: pa.Table, lost: list[tuple[int, Problem]]) -> pa.Table:
    taken = keys.select(["seq", "file", "line"]).take(pa.array([row for row, _ in lost], pa.int64()))
    reasons = [pa.array([why[part] for _, why in lost], pa.string()) for part in (0, 1)]
    return pa.table(
        [taken["seq"], pa.nulls(len(lost), pa.string()), taken["file"], taken["line"], *reasons], schema=FATES
    )


def _analysis_reject(keys: pa.Table, row: int, why: Problem) -> Reject:
    """Reject a valid analysis; its record is shown in the form of the contract."""
    found = {name: keys[name][row].as_py() for name in ("file", "line", "id", "target")}
    text = json.dumps({"id": found["id"], "target": json.loads(found["target"])}, ensure_ascii=False)
    return Reject(found["file"], found["line"], found["id"], *why, text[:SHOWN_CHARACTERS])


def accepted(store: Store, memory: int) -> Iterator[pa.RecordBatch]:
    """Yield prepared rows in ORDER, and set rejected transcripts aside on the way."""
    found = _joined(store)
    return spill.rebatched(found if store.in_order else spill.in_order(found, ORDER, store.folder, memory // 4))


def _joined(store: Store) -> Iterator[pa.RecordBatch]:
    """Yield rows with their targets, in the order in which they were read."""
    cursors = [spill.Cursor(spill.batches(store.folder / f"fates{n}"), ["seq"]) for n in range(store.buckets)]
    for batch in spill.batches(store.folder / "rows"):
        if not len(batch):
            continue
        last = spill.key_of(batch, len(batch) - 1, ["seq"])
        parts = [part for cursor in cursors for part in cursor.up_to(last)]
        fates = pa.Table.from_batches(parts, FATES).sort_by("seq")
        places = pa.array(np.searchsorted(np.asarray(batch["seq"]), np.asarray(fates["seq"])))
        reached = pa.Table.from_batches([batch]).take(places)
        kept, lost = fates["target"].is_valid(), fates["target"].is_null()
        for row, fate in zip(reached.filter(lost).to_pylist(), fates.filter(lost).to_pylist(), strict=True):
            store.rejects.add(_transcript_reject(row, fate))
        rest = reached.filter(kept)
        whole = pa.table([*rest.drop(["seq"]).columns, fates["target"].filter(kept)], WITH_SPLIT)
        yield from whole.select(written(store).names).to_batches()


def written(store: Store) -> pa.Schema:
    """The columns of data/prepared.parquet: with that of a predefined split only where some record names one."""
    return WITH_SPLIT if store.counts["predefined"] else SCHEMA


def _transcript_reject(row: Mapping[str, Any], fate: Mapping[str, Any]) -> Reject:
    """Reject a valid transcript; its record is shown in the form of the contract."""
    shown = {name: value for name, value in row.items() if name not in ("seq", "start_utc") and value is not None}
    text = json.dumps(shown, ensure_ascii=False)[:SHOWN_CHARACTERS]
    return Reject(fate["file"], fate["line"], row["id"], fate["reason"], fate["detail"], text)


def summary(store: Store, starts: Any, redacted: Redacted, corrections: Corrected) -> Prepare:
    """The content of metrics/prepare.json; a conversation is an id of either kind, or a transcript whose id cannot be read."""
    counts, starts = store.counts, starts.drop_null()
    conversations = counts["ids"] + counts["nameless"]
    return Prepare(
        transcripts=counts["transcripts"],
        analyses=counts["analyses"],
        conversations=conversations,
        accepted=counts["accepted"],
        duplicates_dropped=counts["duplicates"],
        rejected=sum(store.rejects.reasons.values()),
        rejected_share=round(1 - counts["accepted"] / conversations, 6) if conversations else 0.0,
        earliest_start=starts[0].as_py().isoformat() if len(starts) else None,
        latest_start=starts[-1].as_py().isoformat() if len(starts) else None,
        rejected_by_reason=dict(sorted(store.rejects.reasons.items())),
        redacted=redacted,
        corrections=corrections,
    )


def check_share(summary: Prepare, limit: float, rejected: object) -> None:
    """Raise BadInputError when nothing was accepted or too large a share of the conversations was lost."""
    counts = ", ".join(f"{reason} {count:,}" for reason, count in summary.rejected_by_reason.items())
    if not summary.accepted:
        raise BadInputError(f"no valid conversation in data/raw ({counts or 'the files are empty'}); see {rejected}")
    if summary.rejected_share > limit:
        raise BadInputError(
            f"{summary.rejected_share:.1%} of {summary.conversations:,} conversations were rejected, more than "
            f"prepare.max_rejected = {limit:.1%} ({counts}); see {rejected}, correct the data or raise the limit"
        )
