"""Assign each row to train, valid or test: pure functions on arrays. Rows that would leak between splits are dropped and counted."""

from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

from plateau.core.errors import BadInputError
from plateau.core.system import SPLITS
from plateau.splits import near, subset

Ints = npt.NDArray[np.int64]


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
    """The row numbers of each split, ascending, and how many rows were dropped, by reason."""

    rows: dict[str, Ints]
    dropped: dict[str, int]


@dataclass(frozen=True)
class Sizes:
    """The number of rows wanted in each split; `train` None takes all rows that are left."""

    train: int | None
    valid: int
    test: int


def split(known: Known, strategy: str, sizes: Sizes, seed: int) -> Split:
    """Assign rows to splits so that no group and no cluster of near-duplicates is in two splits.

    Only the first of equal conversations is used, whatever its split. Raises BadInputError when there are too few rows.
    """
    pool = near.first_of_equals(known.texts)
    assign = by_time if strategy == "time" else at_random
    assigned, dropped = assign(known.take(pool), sizes, np.random.default_rng(seed))
    rows = {name: pool[numbers] for name, numbers in zip(SPLITS, assigned, strict=True)}
    found = len(rows["train"])
    if sizes.train is not None:
        train = known.take(rows["train"])
        chosen = subset.choose(train.labels, train.marks, sizes.train, np.random.default_rng([seed, 1]))
        rows["train"] = rows["train"][chosen]
    repeated = len(known.times) - len(pool)
    beyond = found - len(rows["train"])
    return Split(rows, {"repeated_conversation": repeated, **dropped, "beyond_train_size": beyond})


def by_time(known: Known, sizes: Sizes, _: np.random.Generator) -> tuple[list[Ints], dict[str, int]]:
    """Test on the latest rows, validate on the latest rows before those, train on the rest. Each split is strictly earlier than the next.

    Rows whose group or near-duplicate is in a later split are dropped, so the test keeps every row of its period.
    """
    times = known.times
    _enough(len(times), sizes)
    test = np.arange(len(times) - sizes.test, len(times))
    before = np.flatnonzero(times < times[test[0]])
    clean = before[~(_shares(known.groups, before, test) | _shares(known.clusters, before, test))]
    valid = clean[-sizes.valid :]
    if len(valid) < sizes.valid:
        raise BadInputError(_too_few(f"{len(clean):,} rows are left for validation", sizes))
    earlier = before[times[before] < times[valid[0]]]
    later = np.concatenate([valid, test])
    grouped, alike = _shares(known.groups, earlier, later), _shares(known.clusters, earlier, later)
    train = earlier[~(grouped | alike)]
    if len(train) < (sizes.train or 1):
        raise BadInputError(_too_few(f"{len(train):,} rows are left for training", sizes))
    return [train, valid, test], {
        "group_in_later_split": int(grouped.sum()),
        "near_duplicate_in_later_split": int((alike & ~grouped).sum()),
        "around_the_cuts": len(times) - len(test) - len(valid) - len(earlier),
    }


def _shares(codes: Ints, rows: Ints, others: Ints) -> npt.NDArray[np.bool_]:
    """For each row of `rows`, whether a row of `others` has the same code."""
    return np.isin(codes[rows], codes[others])


def at_random(known: Known, sizes: Sizes, rng: np.random.Generator) -> tuple[list[Ints], dict[str, int]]:
    """Shuffle the groups and give whole groups to the test until it is full, then to validation, then to training.

    Groups that are linked by near-duplicates count as one group. Where the last group of a split does not fit, its surplus rows
    are dropped, because they may be in no other split.
    """
    _enough(len(known.times), sizes)
    groups = together(known.groups, known.clusters)
    codes = np.unique(groups)
    rank = np.empty(len(codes), np.int64)
    rank[rng.permutation(len(codes))] = np.arange(len(codes))
    order = np.argsort(rank[np.searchsorted(codes, groups)], kind="stable")
    test, rest, spilt_test = _take(order, groups, sizes.test)
    valid, train, spilt_valid = _take(rest, groups, sizes.valid)
    if len(valid) < sizes.valid or len(train) < (sizes.train or 1):
        raise BadInputError(
            _too_few(f"{len(valid):,} rows are left for validation and {len(train):,} for training", sizes)
        )
    return [np.sort(train), np.sort(valid), np.sort(test)], {"group_in_other_split": spilt_test + spilt_valid}


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
    if rows < sizes.test + sizes.valid + (sizes.train or 1):
        raise BadInputError(_too_few(f"there are {rows:,} different conversations", sizes))


def _too_few(found: str, sizes: Sizes) -> str:
    wanted = "at least 1" if sizes.train is None else f"{sizes.train:,}"
    return (
        f"too few rows: {found}, but split wants {wanted} to train, {sizes.valid:,} to validate and {sizes.test:,} to test; "
        "lower split.train_size, valid_size or test_size, set split.group_by to null or raise split.near_duplicates"
    )


def shared(codes: dict[str, Ints]) -> dict[str, int]:
    """For each pair of splits, the number of codes that occur in both."""
    return {f"{a}_{b}": len(np.intersect1d(codes[a], codes[b])) for a, b in combinations(SPLITS, 2)}


def is_ordered(times: dict[str, Ints]) -> bool:
    """Whether every row of train is earlier than every row of valid, and these than those of test."""
    return all(bool(times[a].max() < times[b].min()) for a, b in pairwise(SPLITS))
