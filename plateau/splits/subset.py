"""A part of the training rows that stands for the whole: every class in it, in proportion, from the whole period, little twice."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
LEAST = 5  # rows of every label value, where there are so many


def choose(labels: Ints, marks: npt.NDArray[np.uint8], size: int, rng: np.random.Generator) -> Ints:
    """Positions of `size` rows, ascending. `labels` [N, fields] are codes, `marks` [N, hashes] MinHashes of the texts.

    First rare label values get LEAST rows each. Then the rest is cut in as many equal stretches as rows are wanted, and from
    each comes the row whose labels lag most behind their share, or, of such, whose words were seen least.
    """
    if size >= len(labels):
        return np.arange(len(labels))
    codes, count = _numbered(labels)
    chosen = _covering(codes, count, size, rng)
    left = np.setdiff1d(np.arange(len(labels)), chosen)
    edges = np.linspace(0, len(left), size - len(chosen) + 1).astype(np.int64)
    share = np.bincount(codes.ravel(), minlength=count) / len(labels)
    taken = np.bincount(codes[chosen].ravel(), minlength=count).astype(np.float64)
    words = np.ascontiguousarray(marks).view(np.uint16) if marks.shape[1] % 2 == 0 else marks.astype(np.uint16)
    seen = np.zeros((words.shape[1], 1 << 16), np.bool_)
    places = np.arange(words.shape[1])
    seen[places, words[chosen]] = True
    more = []
    for number, (start, end) in enumerate(pairwise(edges), len(chosen) + 1):
        rows = left[start:end]
        lag = (share * number - taken)[codes[rows]].sum(axis=1)
        new = 1 - seen[places, words[rows]].mean(axis=1) if len(places) else 0.0
        best = rows[np.argmax(lag + new + 1e-6 * rng.random(len(rows)))]
        taken[codes[best]] += 1
        seen[places, words[best]] = True
        more.append(best)
    return np.sort(np.concatenate([chosen, np.array(more, np.int64)]))


def _numbered(labels: Ints) -> tuple[Ints, int]:
    """Codes from 0 that are distinct for distinct values of all fields together, and how many there are."""
    codes, count = np.empty_like(labels), 0
    for field in range(labels.shape[1]):
        values, codes[:, field] = np.unique(labels[:, field], return_inverse=True)
        codes[:, field] += count
        count += len(values)
    return codes, count


def _covering(codes: Ints, count: int, size: int, rng: np.random.Generator) -> Ints:
    """Rows by which every value has LEAST rows, the rarest value first; at most `size`."""
    order = rng.permutation(len(codes))
    have = np.zeros(count, np.int64)
    rarest = np.argsort(np.bincount(codes.ravel(), minlength=count), kind="stable")
    fields = codes.max(axis=0) if codes.size else codes[:0]
    rows = {value: order[codes[order, int(np.searchsorted(fields, value))] == value] for value in rarest.tolist()}
    chosen: dict[int, None] = {}
    for least in range(1, LEAST + 1):
        for value, holders in rows.items():
            if have[value] < least and len(chosen) < size:
                row = next((row for row in holders[: len(chosen) + 1].tolist() if row not in chosen), None)
                if row is not None:
                    chosen[row] = None
                    have[codes[row]] += 1
    return np.array(list(chosen), np.int64)
