"""Which row trains, validates or tests: pure functions on arrays. What leaks between splits is dropped and counted."""

from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

from plateau.errors import BadInputError
from plateau.system import SPLITS

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """Row numbers of each split, ascending, and how many rows were dropped for what reason."""

    rows: dict[str, Ints]
    dropped: dict[str, int]


@dataclass(frozen=True)
class Sizes:
    """Rows wanted in each split; `train` None for all that are left."""

    train: int | None
    valid: int
    test: int


def split(times: Ints, groups: Ints, texts: Ints, strategy: str, sizes: Sizes, seed: int) -> Split:
    """Assign rows that stand in order of time. `groups` and `texts` are codes: equal code, same group or same conversation.

    Only the first of equal conversations is used, whatever its split. Raises BadInputError when there are too few rows.
    """
    first = np.zeros(len(times), np.bool_)
    first[np.unique(texts, return_index=True)[1]] = True
    pool = np.flatnonzero(first)
    assign = by_time if strategy == "time" else at_random
    assigned, dropped = assign(times[pool], groups[pool], sizes, np.random.default_rng(seed))
    rows = {name: pool[numbers] for name, numbers in zip(SPLITS, assigned, strict=True)}
    rows["train"], left = _subset(rows["train"], sizes.train, np.random.default_rng([seed, 1]))
    repeated = len(times) - len(pool)
    return Split(rows, {"repeated_conversation": repeated, **dropped, "beyond_train_size": left})


def by_time(times: Ints, groups: Ints, sizes: Sizes, _: np.random.Generator) -> tuple[list[Ints], dict[str, int]]:
    """Test on the latest rows, validate on the latest before them, train on the rest; strictly earlier each time.

    Rows of a group that has rows in a later split are dropped, so the test keeps every row of its period.
    """
    _enough(len(times), sizes)
    test = np.arange(len(times) - sizes.test, len(times))
    before = np.flatnonzero(times < times[test[0]])
    clean = before[~np.isin(groups[before], groups[test])]
    valid = clean[-sizes.valid :]
    if len(valid) < sizes.valid:
        raise BadInputError(_too_few(f"{len(clean):,} rows are left for validation", sizes))
    earlier = before[times[before] < times[valid[0]]]
    train = earlier[~np.isin(groups[earlier], groups[np.concatenate([valid, test])])]
    if len(train) < (sizes.train or 1):
        raise BadInputError(_too_few(f"{len(train):,} rows are left for training", sizes))
    shared = len(earlier) - len(train)
    return [train, valid, test], {
        "group_in_later_split": shared,
        "around_the_cuts": len(times) - len(test) - len(valid) - len(earlier),
    }


def at_random(times: Ints, groups: Ints, sizes: Sizes, rng: np.random.Generator) -> tuple[list[Ints], dict[str, int]]:
    """Whole groups in random order: to the test until it is full, then to validation, the rest to training.

    Rows of the last group beyond a size are dropped, for they may stand in no other split.
    """
    _enough(len(times), sizes)
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


def _take(order: Ints, groups: Ints, size: int) -> tuple[Ints, Ints, int]:
    """The first `size` rows, the rows of other groups, and how many rows fall between the two."""
    taken, rest = order[:size], order[size:]
    others = rest[~np.isin(groups[rest], groups[taken])]
    return taken, others, len(rest) - len(others)


def _subset(rows: Ints, size: int | None, rng: np.random.Generator) -> tuple[Ints, int]:
    """`size` of the rows, spread evenly: one drawn from each of as many equal stretches; and how many are left."""
    if size is None or size >= len(rows):
        return rows, 0
    edges = np.linspace(0, len(rows), size + 1).astype(np.int64)
    return rows[rng.integers(edges[:-1], edges[1:])], len(rows) - size


def _enough(rows: int, sizes: Sizes) -> None:
    if rows < sizes.test + sizes.valid + (sizes.train or 1):
        raise BadInputError(_too_few(f"there are {rows:,} different conversations", sizes))


def _too_few(found: str, sizes: Sizes) -> str:
    wanted = "at least 1" if sizes.train is None else f"{sizes.train:,}"
    return (
        f"too few rows: {found}, but split wants {wanted} to train, {sizes.valid:,} to validate and {sizes.test:,} to test; "
        "lower split.train_size, valid_size or test_size, or set split.group_by to null"
    )


def shared(codes: dict[str, Ints]) -> dict[str, int]:
    """How many codes two splits have in common, for each two of them."""
    return {f"{a}_{b}": len(np.intersect1d(codes[a], codes[b])) for a, b in combinations(SPLITS, 2)}


def is_ordered(times: dict[str, Ints]) -> bool:
    """Whether every row of train is earlier than every row of valid, and these than those of test."""
    return all(bool(times[a].max() < times[b].min()) for a, b in pairwise(SPLITS))
