"""Rows that would leak between splits give way: those of the test stay where they are, whatever rows are added."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plateau.splits import near

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Fetch = Callable[[Ints], Sequence[str]]

NOWHERE = -1
TRAIN, VALID, CALIBRATION, TEST = range(4)
FIRST = (TEST, TRAIN, VALID, CALIBRATION)  # a row gives way to those of the splits before its own
PLACES = {"train": TRAIN, "valid": VALID, "calibration": CALIBRATION, "test": TEST}
_LEVELS = np.linspace(0, 1, 21)[1:]  # of the similarities, at which a chain that is too long is broken
_MOST_COMPARED = 2_000_000  # pairs within one chain of near-duplicates; in a longer chain all give way


@dataclass(frozen=True)
class Links:
    """Near-duplicates as pairs of text codes, with their similarity, the least that counts, and what reads the texts of rows."""

    a: Ints
    b: Ints
    similarity: npt.NDArray[np.float64]
    threshold: float
    fetch: Fetch


def settle(place: Ints, groups: Ints, texts: Ints, links: Links) -> tuple[Ints, dict[str, int]]:
    """Which rows stay in the split that `place` [N] names, NOWHERE for those that give way, and how many did by reason.

    `groups` and `texts` [N] are codes. A repeated conversation stays once, in the first split of FIRST that has it; the test keeps
    all its rows, so that no row which is added can take the place of another.
    """
    repeated = _repeated(place, texts)
    place = np.where(repeated, NOWHERE, place)
    grouped = np.zeros(len(place), np.bool_)
    alike = np.zeros(len(place), np.bool_)
    names, codes = np.unique(texts, return_inverse=True)
    rows_of = np.zeros(len(names), np.int64)
    rows_of[codes[::-1]] = np.arange(len(codes))[::-1]
    near_by = _Neighbours(np.searchsorted(names, links.a), np.searchsorted(names, links.b), rows_of, links)
    for number, name in enumerate(FIRST[1:], 1):
        before = np.isin(place, FIRST[:number])
        mine = place == name
        outside = mine & np.isin(groups, groups[before])
        close = mine & ~outside & near_by.of(np.unique(codes[before]), np.unique(codes[mine]))[codes]
        grouped, alike = grouped | outside, alike | close
        place = np.where(outside | close, NOWHERE, place)
    return place, {
        "repeated_conversation": int(repeated.sum()),
        "group_in_other_split": int(grouped.sum()),
        "near_duplicate_in_other_split": int(alike.sum()),
    }


def rows_of(place: Ints) -> dict[str, Ints]:
    """The rows of each split, ascending."""
    return {name: np.flatnonzero(place == number) for name, number in PLACES.items()}


def place_of(rows: Mapping[str, Ints], count: int) -> Ints:
    """For each of `count` rows the split that has it."""
    place = np.full(count, NOWHERE)
    for name, number in PLACES.items():
        place[rows[name]] = number
    return place


def _repeated(place: Ints, texts: Ints) -> Bools:
    """Rows that say word for word what a row before them says, in the order of FIRST; none of the test."""
    rank = np.array([FIRST.index(name) if name != NOWHERE else len(FIRST) for name in range(-1, len(FIRST))])[place + 1]
    order = np.lexsort([np.arange(len(place)), rank])
    first = np.zeros(len(place), np.bool_)
    first[order[np.unique(texts[order], return_index=True)[1]]] = True
    return np.asarray(~first & (place != TEST) & (place != NOWHERE))


@dataclass(frozen=True)
class _Neighbours:
    """Links between texts, numbered from 0; `rows` has a row of each."""

    a: Ints
    b: Ints
    rows: Ints
    links: Links

    def of(self, held: Ints, asked: Ints) -> Bools:
        """For each text, whether it is among `asked` and nearly the same as one of `held`.

        Within a chain texts are compared one by one, for LSH compares only neighbours in a bucket.
        """
        is_held, is_asked = (np.isin(np.arange(len(self.rows)), some) for some in (held, asked))
        found = np.zeros(len(self.rows), np.bool_)
        found[self.a[is_held[self.b]]] = True
        found[self.b[is_held[self.a]]] = True
        chain = near.components(len(self.rows), (self.a, self.b))
        sizes = np.bincount(chain)
        both = np.bincount(chain[held], minlength=len(sizes)) * np.bincount(chain[asked], minlength=len(sizes)) > 0
        for number in np.flatnonzero(both & (sizes > near.WINDOW)).tolist():
            members = chain == number
            known, open_ = np.flatnonzero(members & is_held), np.flatnonzero(members & is_asked & ~found)
            found[open_ if len(known) * len(open_) > _MOST_COMPARED else self._close(known, open_)] = True
        return np.asarray(found & is_asked)

    def _close(self, known: Ints, asked: Ints) -> Ints:
        """Those of `asked` that are nearly the same as one of `known`, compared each with each."""
        left, right = np.repeat(known, len(asked)), np.tile(asked, len(known))
        pairs = near.checked(self.rows[left], self.rows[right], self._texts, self.links.threshold)
        return np.flatnonzero(np.isin(self.rows, pairs.b) & np.isin(np.arange(len(self.rows)), asked))

    def _texts(self, rows: Ints) -> Sequence[str]:
        return self.links.fetch(rows)


def pieces(groups: Ints, texts: Ints, links: Links, most: int) -> Ints:
    """Codes of rows that belong together, [N]: those of a group, of a text and of a chain of near-duplicates.

    A chain that makes more than `most` rows one is broken at its weakest links, where that splits no group and no text.
    """
    kept = np.ones(len(links.a), np.bool_)
    whole = _joined(groups, texts, links, kept)
    for least in [*np.unique(np.quantile(links.similarity, _LEVELS)).tolist(), np.inf] if len(links.a) else []:
        large = np.bincount(whole)[whole] > most
        if not large.any():
            break
        kept &= ~np.isin(links.a, texts[large]) | (links.similarity >= least)
        whole = _joined(groups, texts, links, kept)
    return whole


def _joined(groups: Ints, texts: Ints, links: Links, kept: Bools) -> Ints:
    """Connected components of groups, texts and the links that are kept."""
    group, (names, text) = np.unique(groups, return_inverse=True)[1], np.unique(texts, return_inverse=True)
    groups_end = int(group.max(initial=-1)) + 1
    a, b = (np.searchsorted(names, side[kept]) + groups_end for side in (links.a, links.b))
    return near.components(groups_end + len(names), (group, text + groups_end), (a, b))[group]
