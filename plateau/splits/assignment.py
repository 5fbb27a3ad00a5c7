"""Assign each row to train, valid or test: pure functions on arrays. Rows that would leak between splits are dropped and counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

from plateau.core.errors import BadInputError
from plateau.core.system import SPLITS
from plateau.splits import near, subset, yielding
from plateau.splits.yielding import Ints, Links

CALIBRATION = "calibration"  # rows that neither training, stopping nor selection reads


@dataclass(frozen=True)
class Known:
    """The columns that decide a split, for N rows sorted by time.

    `groups`, `texts` and `clusters` [N] are integer codes: rows with the same code have the same group, the same words, or
    nearly the same words. `labels` [N, fields] and `marks` [N, hashes] (MinHashes) say what a training subset must cover.
    """

    times: Ints
    groups: Ints
    texts: Ints
    clusters: Ints
    labels: Ints
    marks: npt.NDArray[np.uint8]

    def take(self, rows: Ints) -> "Known":
        """Keep only the given rows."""
        return Known(*(column[rows] for column in vars(self).values()))


@dataclass(frozen=True)
class Split:
    """The row numbers of each split, ascending, and how many rows were dropped, by reason. `rows` has CALIBRATION where it is asked for."""

    rows: dict[str, Ints]
    dropped: dict[str, int]


@dataclass(frozen=True)
class Asked:
    """The sizes of params: rows, or below 1 a share of all; `train` None takes all rows that are left."""

    train: int | None
    valid: float
    test: float
    calibration: float


@dataclass(frozen=True)
class Sizes:
    """The number of rows wanted in each split; `train` None takes all rows that are left.

    `whole` where sizes were given as shares: then no group or chain of near-duplicates is cut to reach a number. `test_from` and
    `valid_from`, in the unit of times, are the first moments of these splits in place of a number of rows.
    """

    train: int | None
    valid: int
    test: int
    calibration: int = 0
    whole: bool = False
    test_from: int | None = None
    valid_from: int | None = None

    @classmethod
    def of(cls, asked: Asked, rows: int, cuts: Mapping[str, int]) -> "Sizes":
        """The sizes that params ask for, of so many rows, with the first moments that they name."""
        sizes = {"valid": asked.valid, "test": asked.test, CALIBRATION: asked.calibration}
        counts = {name: max(1, round(size * rows)) if 0 < size < 1 else int(size) for name, size in sizes.items()}
        return cls(train=asked.train, **counts, whole=asked.test < 1, **cuts)


def split(known: Known, strategy: str, sizes: Sizes, seed: int, links: Links | None = None) -> Split:
    """Assign rows to splits so that no group and no cluster of near-duplicates is in two splits.

    Only the first of equal conversations is used, whatever its split. Raises BadInputError when there are too few rows.
    `links` are the near-duplicates behind `clusters`; with them a random split breaks chains that are longer than the test.
    """
    pool = _first_of_equals(known, sizes)
    draw = np.random.default_rng(seed)
    taken = known.take(pool)
    assigned, dropped = by_time(taken, sizes) if strategy == "time" else at_random(taken, sizes, draw, links)
    rows = {name: pool[numbers] for name, numbers in assigned.items()}
    return limited(known, Split(rows, {"repeated_conversation": len(known.times) - len(pool), **dropped}), sizes, seed)


def _first_of_equals(known: Known, sizes: Sizes) -> Ints:
    """The rows that stand for those with the same words: the first in time, or of the test where its first moment is given."""
    if sizes.test_from is None:
        return near.first_of_equals(known.texts)
    order = np.argsort(known.times < sizes.test_from, kind="stable")
    return np.sort(order[near.first_of_equals(known.texts[order])])


def limited(known: Known, made: Split, sizes: Sizes, seed: int) -> Split:
    """The split with at most as many training rows as are wanted, and without an empty place for calibration."""
    rows = {name: made.rows[name] for name in (*SPLITS, CALIBRATION) if name in SPLITS or len(made.rows[name])}
    found = len(rows["train"])
    if sizes.train is not None:
        train = known.take(rows["train"])
        chosen = subset.choose(train.labels, train.marks, sizes.train, np.random.default_rng([seed, 1]))
        rows["train"] = rows["train"][chosen]
    return Split(rows, {**made.dropped, "beyond_train_size": found - len(rows["train"])})


def by_time(known: Known, sizes: Sizes) -> tuple[dict[str, Ints], dict[str, int]]:
    """Test on the latest rows, calibrate and validate on the latest rows before those, train on the rest. Each split is strictly
    earlier than the next.

    Rows whose group or near-duplicate is in a later split are dropped, so the test keeps every row of its period.
    """
    times = known.times
    _enough(len(times), sizes)
    test = np.arange(len(times) - sizes.test, len(times))
    if sizes.test_from is not None:
        test = np.flatnonzero(times >= sizes.test_from)
        if not len(test):
            raise BadInputError(
                "split.test_from: no row is as late; set an earlier moment, or null to use split.test_size"
            )
    before, clean = _earlier(known, test)
    calibration = clean[len(clean) - sizes.calibration :] if sizes.calibration else clean[:0]
    if sizes.calibration:
        before, clean = _earlier(known, np.concatenate([calibration, test]))
    valid = clean[-sizes.valid :]
    if sizes.valid_from is not None:
        valid = clean[times[clean] >= sizes.valid_from]
    if len(valid) < (sizes.valid if sizes.valid_from is None else 1):
        raise BadInputError(_too_few(f"{len(clean):,} rows are left for validation", sizes))
    earlier = before[times[before] < times[valid[0]]]
    later = np.concatenate([valid, calibration, test])
    grouped, alike = _shares(known.groups, earlier, later), _shares(known.clusters, earlier, later)
    train = earlier[~(grouped | alike)]
    if len(train) < (sizes.train or 1):
        raise BadInputError(_too_few(f"{len(train):,} rows are left for training", sizes))
    return {"train": train, "valid": valid, CALIBRATION: calibration, "test": test}, {
        "group_in_later_split": int(grouped.sum()),
        "near_duplicate_in_later_split": int((alike & ~grouped).sum()),
        "around_the_cuts": len(times) - len(test) - len(calibration) - len(valid) - len(earlier),
    }


def _earlier(known: Known, later: Ints) -> tuple[Ints, Ints]:
    """The rows strictly earlier than all of `later`, and those of them without a group or near-duplicate there."""
    before = np.flatnonzero(known.times < known.times[later[0]])
    return before, before[~(_shares(known.groups, before, later) | _shares(known.clusters, before, later))]


def _shares(codes: Ints, rows: Ints, others: Ints) -> npt.NDArray[np.bool_]:
    """For each row of `rows`, whether a row of `others` has the same code."""
    return np.isin(codes[rows], codes[others])


def at_random(
    known: Known, sizes: Sizes, rng: np.random.Generator, links: Links | None = None
) -> tuple[dict[str, Ints], dict[str, int]]:
    """Shuffle the groups and give whole groups to the test until it is full, then to validation, then to training.

    Groups that are linked by near-duplicates count as one group. One that is larger than the test goes to training, a chain of them
    after it was broken at its weakest links. Where the last group of a split does not fit, it is left for the next one if sizes are
    shares; if they are numbers its surplus rows are dropped, because they may be in no other split.
    """
    _enough(len(known.times), sizes)
    groups = together(known.groups, known.clusters)
    broken = links is not None and _largest(groups) > sizes.test
    if links is not None and broken:
        groups = yielding.pieces(known.groups, known.texts, links, sizes.test)
    order, counts = _shuffled(groups, rng)
    large = counts > sizes.test
    rest, dropped, rows = order[~large], 0, {}
    for name, size in (("test", sizes.test), ("valid", sizes.valid), (CALIBRATION, sizes.calibration)):
        rows[name], rest, spilt = _whole(rest, groups, size) if sizes.whole else _take(rest, groups, size)
        dropped += spilt
    rows["train"] = np.concatenate([order[large], rest])
    if _short(rows, sizes):
        left = f"{len(rows['valid']):,} rows are left for validation and {len(rows['train']):,} for training"
        raise BadInputError(_too_few(left, sizes))
    rows = {name: np.sort(found) for name, found in rows.items()}
    if links is None or not broken:
        return rows, {"group_in_other_split": dropped}
    place, lost = yielding.settle(yielding.place_of(rows, len(groups)), known.groups, known.texts, links)
    alike = "near_duplicate_in_other_split"
    return yielding.rows_of(place), {"group_in_other_split": dropped, alike: lost[alike]}


def _shuffled(groups: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """The rows, group by group in an order that is drawn, and how many rows the group of each has."""
    codes, counts = np.unique(groups, return_counts=True)
    rank = np.empty(len(codes), np.int64)
    rank[rng.permutation(len(codes))] = np.arange(len(codes))
    order = np.argsort(rank[np.searchsorted(codes, groups)], kind="stable")
    return order, counts[np.searchsorted(codes, groups[order])]


def _largest(codes: Ints) -> int:
    """How many rows have the most common code."""
    return int(np.unique(codes, return_counts=True)[1].max(initial=0))


def _short(rows: Mapping[str, Ints], sizes: Sizes) -> bool:
    """Whether a split has fewer rows than are wanted of it; where groups are not cut, it must only not be empty."""
    wanted = {"train": sizes.train or 1, "valid": sizes.valid, "test": sizes.test, CALIBRATION: sizes.calibration}
    return any(len(rows[name]) < (min(size, 1) if sizes.whole else size) for name, size in wanted.items())


def _whole(order: Ints, groups: Ints, size: int) -> tuple[Ints, Ints, int]:
    """Those groups, in order, that fit into `size` rows one after the other; all other rows; 0, the number of rows that are lost."""
    codes, first, counts = np.unique(groups[order], return_index=True, return_counts=True)
    taken, room = [], size
    for number in np.argsort(first).tolist():
        if counts[number] <= room:
            taken.append(codes[number])
            room -= counts[number]
    inside = np.isin(groups[order], taken)
    return order[inside], order[~inside], 0


def together(groups: Ints, clusters: Ints) -> Ints:
    """Connected components of groups and clusters: rows get the same code if a chain of shared groups or clusters links them."""
    rows = np.arange(len(groups))
    _, first, place = np.unique(clusters, return_index=True, return_inverse=True)
    joined = first[place] != rows
    if not joined.any():
        return groups
    codes = np.unique(groups, return_inverse=True)[1]
    count = int(codes.max()) + 1
    return near.components(count, (codes[first[place]][joined], codes[joined]))[codes]


def _take(order: Ints, groups: Ints, size: int) -> tuple[Ints, Ints, int]:
    """Cut `order` after `size` rows: those rows, the later rows of other groups, and the number of later rows of the same groups."""
    taken, rest = order[:size], order[size:]
    others = rest[~np.isin(groups[rest], groups[taken])]
    return taken, others, len(rest) - len(others)


def _enough(rows: int, sizes: Sizes) -> None:
    test, valid = (0 if cut is not None else size for cut, size in _counted(sizes))
    if rows < test + valid + sizes.calibration + (sizes.train or 1):
        raise BadInputError(_too_few(f"there are {rows:,} different conversations", sizes))


def _too_few(found: str, sizes: Sizes) -> str:
    wanted = "at least 1" if sizes.train is None else f"{sizes.train:,}"
    return (
        f"too few rows: {found}, but split wants {wanted} to train, {sizes.valid:,} to validate and {sizes.test:,} to test; "
        "lower split.train_size, valid_size or test_size, or set split.group_by to null"
    )


def shared(codes: dict[str, Ints]) -> dict[str, int]:
    """For each pair of splits, the number of codes that occur in both."""
    return {f"{a}_{b}": len(np.intersect1d(codes[a], codes[b])) for a, b in combinations(SPLITS, 2)}


def _counted(sizes: Sizes) -> tuple[tuple[int | None, int], tuple[int | None, int]]:
    """For test and validation, the first moment, where it is given, and the number of rows."""
    return (sizes.test_from, sizes.test), (sizes.valid_from, sizes.valid)


def is_ordered(times: dict[str, Ints]) -> bool:
    """Whether every row of train is earlier than every row of valid, and these than those of test."""
    return all(bool(times[a].max() < times[b].min()) for a, b in pairwise(SPLITS))
