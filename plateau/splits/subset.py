"""A representative subset of the training rows: all classes in proportion, spread over the whole period, with few near-repeats."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
LEAST = 5  # rows of every label value, where there are so many


def choose(labels: Ints, marks: npt.NDArray[np.uint8], size: int, rng: np.random.Generator) -> Ints:
    """Choose `size` rows; returns their positions, ascending. `labels` [N, fields] are codes, `marks` [N, hashes] MinHashes.

    First each rare label value gets LEAST rows. Then the remaining rows are cut into as many equal stretches of time as rows are
    still wanted. Each stretch gives the row whose labels are furthest below their share; ties go to the row with the newest words.
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
    """Number the values of all fields consecutively from 0; returns the codes and their count."""
    codes, count = np.empty_like(labels), 0
    for field in range(labels.shape[1]):
        values, codes[:, field] = np.unique(labels[:, field], return_inverse=True)
        codes[:, field] += count
        count += len(values)
    return codes, count


def _covering(codes: Ints, count: int, size: int, rng: np.random.Generator) -> Ints:
    """Choose rows until every label value has LEAST of them, rarest value first; at most `size` rows."""
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
