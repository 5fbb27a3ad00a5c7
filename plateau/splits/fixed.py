"""Splits that stay when rows are added: by a hash of the group, or as a column of the data names them."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from plateau.core.errors import BadInputError
from plateau.splits.assignment import Asked, Known, Sizes, Split, limited
from plateau.splits.yielding import CALIBRATION, NOWHERE, TEST, TRAIN, VALID, Ints, Links, rows_of, settle

Floats = npt.NDArray[np.float64]
NAMES = {
    "train": TRAIN,
    "training": TRAIN,
    "valid": VALID,
    "validation": VALID,
    "val": VALID,
    "dev": VALID,
    "development": VALID,
    "calibration": CALIBRATION,
    "test": TEST,
    "testing": TEST,
}


def hashed(keys: Iterable[str]) -> Floats:
    """A number from 0 to 1 for each key, always the same: the first 64 bits of its BLAKE2b."""
    digests = b"".join(hashlib.blake2b(key.encode(), digest_size=8).digest() for key in keys)
    return np.frombuffer(digests, ">u8") / 2.0**64


def split(
    known: Known,
    keys: Sequence[str],
    named: Sequence[str | None] | None,
    links: Links,
    asked: Asked,
    seed: int,
) -> Split:
    """The split that `named`, a name a row, asks for, else that of the hashes of `keys`, the group of each row.

    Raises BadInputError where a split has no row, or for a name that is none.
    """
    drawn = hashed(keys)
    place = _by_hash(drawn, asked) if named is None else _by_name(drawn, named, asked)
    unnamed = int((place == NOWHERE).sum())
    place, dropped = settle(place, known.groups, known.texts, links)
    rows = rows_of(place)
    for name in ("train", "valid", "test"):
        if not len(rows[name]):
            raise BadInputError(
                f"split: no row is left for {name} ({_counted(place, dropped)}); {_CURES[named is not None]}"
            )
    made = Split(rows, {**dropped, **({"no_split_named": unnamed} if named is not None else {})})
    return limited(known, made, Sizes(asked.train, 1, 1), seed)


_CURES = {
    False: "bring more rows, raise split.valid_size and test_size, or set split.group_by to null",
    True: "look at the values of split.column, or set split.group_by to null",
}


def _counted(place: Ints, dropped: Mapping[str, int]) -> str:
    rows = {name: len(found) for name, found in rows_of(place).items()} | dict(dropped)
    return ", ".join(f"{name} {count:,}" for name, count in rows.items() if count)


def _by_hash(drawn: Floats, asked: Asked) -> Ints:
    """The test is the lowest share, validation the next, calibration the highest: another size of one moves no row of the others."""
    test, valid, calibration = asked.test, asked.valid, asked.calibration
    place = np.full(len(drawn), TRAIN, np.int64)
    place[drawn >= 1 - calibration] = CALIBRATION
    place[drawn < test + valid] = VALID
    place[drawn < test] = TEST
    return place


def _by_name(drawn: Floats, named: Sequence[str | None], asked: Asked) -> Ints:
    """The place that each name stands for; where none is of validation, or of calibration, it comes out of training by hash."""
    unknown = Counter(name for name in named if name is not None and name.strip().lower() not in NAMES)
    if unknown:
        shown = ", ".join(f"'{name}' ({count:,} rows)" for name, count in unknown.most_common(5))
        raise BadInputError(
            f"split.column: it names no split with {shown}; the names are {', '.join(NAMES)}: "
            "translate others with `values` in prepare.mapping"
        )
    place = np.array([NOWHERE if name is None else NAMES[name.strip().lower()] for name in named], np.int64)
    count = int((place == TRAIN).sum())
    for number, size, side in ((VALID, asked.valid, drawn), (CALIBRATION, asked.calibration, 1 - drawn)):
        share = size if size < 1 else size / max(count, 1)
        if not (place == number).any():
            place[(place == TRAIN) & (side < share)] = number
    return place
