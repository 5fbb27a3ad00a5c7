"""Split a file of records in two passes: first read the columns that decide, then copy the chosen rows."""

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from plateau.core.errors import BadInputError
from plateau.core.progress import track
from plateau.core.system import SPLITS
from plateau.data import parquet
from plateau.data.fields import Field
from plateau.metrics.split import NearDuplicates, Split
from plateau.splits import assignment, fixed, labels, near, review, yielding
from plateau.splits.assignment import CALIBRATION
from plateau.splits.near import Pairs
from plateau.splits.yielding import Ints

BLIND = "blind"
BLIND_STREAM = 23  # of the random numbers of `seed`
NO_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Survey:
    """The deciding columns of all rows, in file order; `order` sorts the rows by start time and id.

    `keys` are what a hash of the group is made of, its id for a row without one; `named` is the column of a predefined split.
    """

    path: Path
    ids: pa.Array
    order: Ints
    times: Ints
    groups: Ints
    sketch: near.Sketch
    columns: list[labels.Column]
    keys: pa.Array
    named: pa.Array | None = None

    def texts(self, numbers: Ints) -> list[str]:
        """The texts of the given rows."""
        return [text for batch in parquet.pick(self.path, numbers, ["turns"]) for text in near.texts_of(batch["turns"])]


@dataclass(frozen=True)
class Divided:
    """The result: rows of each split in order of time, dropped rows by reason, near-duplicate pairs, and pairs of equal rows."""

    rows: dict[str, Ints]
    dropped: dict[str, int]
    alike: Pairs
    equal: Pairs

    @property
    def unused(self) -> int:
        """Rows that are in no split though nobody asked for fewer."""
        return sum(count for reason, count in self.dropped.items() if reason != "beyond_train_size")

    @property
    def pairs(self) -> Pairs:
        """Near-duplicate pairs and equal pairs together."""
        return Pairs(*(np.concatenate([vars(self.equal)[name], vars(self.alike)[name]]) for name in vars(self.alike)))


def survey(path: Path, fields: Sequence[Field], options: Mapping[str, Any]) -> Survey:
    """Read the columns that decide a split. Conversations are sketched batch by batch, so their texts are never all in memory."""
    group_by, column = options["group_by"], options["column"]
    plain = parquet.columns(path, _plain_columns(path, group_by, column))
    order = pc.sort_indices(plain, sort_keys=[("start_utc", "ascending"), ("id", "ascending")])
    sketches: list[near.Sketch] = []

    def targets() -> Iterator[str]:
        for batch in track(parquet.scan(path, ["turns", "target"]), "batches"):
            sketches.append(near.sketch(near.texts_of(batch["turns"]), options["near_duplicates"]))
            yield from batch["target"].to_pylist()

    columns = labels.columns(fields, targets())
    if not len(plain):
        raise BadInputError(f"{path}: there are no records to split")
    groups = groups_of(plain, group_by)
    ids = plain["id"].combine_chunks()
    keys = pc.coalesce(plain[group_by].combine_chunks().cast(pa.string()), ids) if group_by else ids
    named = plain[column].combine_chunks().cast(pa.string()) if column else None
    whole = near.Sketch.joined(sketches)
    return Survey(path, ids, np.asarray(order, np.int64), times_of(plain), groups, whole, columns, keys, named)


def _plain_columns(path: Path, group_by: str | None, column: str | None = None) -> list[str]:
    """The columns of time, group and predefined split; BadInputError if one that is asked for does not exist."""
    plain = [one.name for one in parquet.schema(path) if one.name != "target" and not pa.types.is_nested(one.type)]
    for key, name in (("group_by", group_by), ("column", column)):
        if name is not None and name not in plain:
            more = "; prepare.mapping.transcripts.split says where the raw files name it" if name == "split" else ""
            raise BadInputError(f"split.{key}: no column '{name}'; the records have {', '.join(plain)}{more}")
    return list(dict.fromkeys(["id", "start_utc", *(name for name in (group_by, column) if name)]))


def divide(known: Survey, options: Mapping[str, Any], seed: int) -> Divided:
    """Decide the rows of each split."""
    count, exact = len(known.ids), known.sketch.exact
    pairs = near.among(known.sketch, near.first_of_equals(exact), known.texts, options["near_duplicates"])
    equal = near.repeats(exact)
    clusters = near.components(count, (pairs.a, pairs.b), (equal.a, equal.b))
    few = np.stack([labels.few(column) for column in known.columns] or [np.zeros(count, np.int64)], axis=1)
    facts = assignment.Known(known.times, known.groups, exact, clusters, few, known.sketch.marks).take(known.order)
    texts = yielding.Links(
        exact[pairs.a],
        exact[pairs.b],
        pairs.similarity,
        options["near_duplicates"],
        lambda rows: known.texts(known.order[rows]),
    )
    made = _assigned(known, facts, texts, options, seed)
    rows = {name: known.order[rows] for name, rows in made.rows.items()}
    if options["blind_size"]:
        rows |= _blind(rows["test"], known.groups, options["blind_size"], seed)
    return Divided(rows, made.dropped, pairs, equal)


def _blind(test: Ints, groups: Ints, size: int, seed: int) -> dict[str, Ints]:
    """The test rows in two: those that stay, and at least `size` that are put away, in whole groups drawn by the seed."""
    names, counts = np.unique(groups[test], return_counts=True)
    drawn = np.random.default_rng([seed, BLIND_STREAM]).permutation(len(names))
    enough = int(np.searchsorted(np.cumsum(counts[drawn]), size)) + 1
    away = np.isin(groups[test], names[drawn[:enough]])
    if away.all():
        raise BadInputError(
            f"split.blind_size: {size:,}, but the test has {len(test):,} rows, and some must stay; raise split.test_size"
        )
    return {"test": test[~away], BLIND: test[away]}


def _assigned(
    known: Survey, facts: assignment.Known, links: yielding.Links, options: Mapping[str, Any], seed: int
) -> assignment.Split:
    """The split of rows in order of time, by split.column where it is set, else by split.strategy."""
    strategy, places = options["strategy"], pa.array(known.order)
    asked = assignment.Asked(
        options["train_size"], options["valid_size"], options["test_size"], options["calibration_size"]
    )
    if known.named is not None or strategy == "hash":
        named = None if known.named is None else known.named.take(places).to_pylist()
        return fixed.split(facts, known.keys.take(places).to_pylist(), named, links, asked, seed)
    if strategy == "time" and (without := int((known.times == NO_TIME).sum())):
        raise BadInputError(
            f"split.strategy: time, but {without:,} of {len(known.times):,} records have no start; set split.strategy to hash"
        )
    rows = len(near.first_of_equals(facts.texts))
    sizes = assignment.Sizes.of(asked, rows, _cuts(options) if strategy == "time" else {})
    return assignment.split(facts, strategy, sizes, seed, links)


def _cuts(options: Mapping[str, Any]) -> dict[str, int]:
    """The first moments of test and validation that params set, in microseconds since 1970, UTC."""
    found = {name: options[name] for name in ("test_from", "valid_from") if options[name] is not None}
    return {name: _microseconds(dt.datetime.fromisoformat(text)) for name, text in found.items()}


def _microseconds(time: dt.datetime) -> int:
    """Since 1970, UTC; a time without an offset is UTC."""
    return (time.replace(tzinfo=time.tzinfo or dt.UTC) - dt.datetime.fromtimestamp(0, dt.UTC)) // dt.timedelta(
        microseconds=1
    )


def write(known: Survey, made: Divided, paths: Mapping[str, Path]) -> None:
    """The rows of each split to its file, in order of start and id."""
    for name, path in paths.items():
        parquet.write(path, parquet.schema(known.path), parquet.pick(known.path, made.rows[name]))


def times_of(records: pa.Table) -> Ints:
    """Start of each row in microseconds since 1970, UTC; NO_TIME where it is unknown."""
    return np.asarray(records["start_utc"].cast(pa.int64()).fill_null(NO_TIME))


def groups_of(records: pa.Table, column: str | None) -> Ints:
    """Encode a column as group codes. A row without a value is a group of its own; so is every row where no column is given."""
    return np.arange(len(records), dtype=np.int64) if column is None else codes(records[column])


def codes(values: pa.Array | pa.ChunkedArray) -> Ints:
    """Encode values as integers in order of first appearance; each missing value gets its own code."""
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    found = np.asarray(whole.dictionary_encode().indices.cast(pa.int64()).fill_null(-1))
    return np.where(found < 0, len(found) + np.arange(len(found)), found)


def summary(paths: Mapping[str, Path], known: Survey, made: Divided, options: Mapping[str, Any]) -> Split:
    """The figures of metrics/split.json. Those that prove that nothing leaked are computed from the split files as written."""
    group_by = options["group_by"]
    tables = {name: parquet.columns(path, _plain_columns(path, group_by)) for name, path in paths.items()}
    together = pa.concat_tables([tables[name] for name in SPLITS])
    parts = np.cumsum([0, *(len(tables[name]) for name in SPLITS)])

    def shared(found: Ints) -> dict[str, int]:
        return assignment.shared({name: found[parts[number] : parts[number + 1]] for number, name in enumerate(SPLITS)})

    by_split = {name: [column.take(made.rows[name]) for column in known.columns] for name in SPLITS}
    return Split(
        strategy="column" if options["column"] else options["strategy"],
        group_by=group_by,
        rows={name: len(tables[name]) for name in SPLITS},
        calibration_rows=len(made.rows.get(CALIBRATION, ())),
        blind_rows=len(made.rows.get(BLIND, ())),
        test_ids=_digest(tables["test"]["id"]),
        unused_share=made.unused / len(known.ids),
        dropped=dict(made.dropped),
        earliest={name: _moment(tables[name], pc.min) for name in SPLITS},
        latest={name: _moment(tables[name], pc.max) for name in SPLITS},
        ordered_in_time=_ordered(tables),
        shared_ids=shared(codes(together["id"])),
        shared_conversations=shared(np.concatenate([_exact(paths[name]) for name in SPLITS])),
        shared_near_duplicates=_crossing(made.alike, known.ids, {name: tables[name]["id"] for name in SPLITS}),
        shared_groups=shared(groups_of(together, group_by)),
        near_duplicates=NearDuplicates(len(made.alike.a), len(np.union1d(made.alike.a, made.alike.b))),
        classes={
            column.field.name: {name: labels.counts(by_split[name][number]) for name in SPLITS}
            for number, column in enumerate(known.columns)
            if column.is_class
        },
        label_drift=labels.drift(by_split),
    )


def _moment(records: pa.Table, pick: Any) -> str | None:
    moment = pick(records["start_utc"]).as_py()
    return None if moment is None else str(moment.isoformat())


def _ordered(tables: Mapping[str, pa.Table]) -> bool | None:
    """Whether the splits follow each other in time; None where a row has no time."""
    if any(table["start_utc"].null_count for table in tables.values()):
        return None
    return assignment.is_ordered({name: times_of(tables[name]) for name in SPLITS})


def _digest(ids: pa.ChunkedArray) -> str:
    """SHA-256 of the ids, sorted, one a line."""
    return hashlib.sha256("".join(f"{name}\n" for name in sorted(ids.to_pylist())).encode()).hexdigest()


def _exact(path: Path) -> Ints:
    """Hashes of the words of each row of a file."""
    texts = (text for batch in parquet.scan(path, ["turns"]) for text in near.texts_of(batch["turns"]))
    return near.exact(near.words(text) for text in texts)


def _crossing(pairs: Pairs, ids: pa.Array, written: Mapping[str, pa.ChunkedArray]) -> dict[str, int]:
    """For each pair of splits, the number of near-duplicate pairs with one row in each."""
    inside = {name: np.asarray(pc.is_in(ids, value_set=found.combine_chunks())) for name, found in written.items()}
    return {
        f"{a}_{b}": int(((inside[a][pairs.a] & inside[b][pairs.b]) | (inside[b][pairs.a] & inside[a][pairs.b])).sum())
        for a, b in combinations(SPLITS, 2)
    }


def worth_a_look(known: Survey, made: Divided, most: int) -> list[review.Finding]:
    """The findings for data/review.csv: conflicting labels among all rows, and doubtful labels among the rows of the splits."""
    used = np.sort(np.concatenate([made.rows[name] for name in SPLITS]))
    conflicts = review.conflicting(known.columns, made.pairs)
    return review.chosen(conflicts, review.doubtful(known.columns, used, known.texts), most)


def write_review(path: Path, findings: Sequence[review.Finding], known: Survey, made: Divided) -> None:
    """Write data/review.csv with the split and the text of each row."""
    where = dict.fromkeys([one.row for one in findings], "")
    for name in SPLITS:
        where |= dict.fromkeys(np.intersect1d(made.rows[name], list(where)).tolist(), name)
    numbers = np.array(sorted(where), np.int64)
    texts = dict(zip(numbers.tolist(), known.texts(numbers), strict=True)) if len(numbers) else {}
    review.write(path, findings, known.ids, where, texts)
