"""Near-duplicate conversations: candidate pairs come from MinHash LSH, then their Jaccard similarity is computed exactly.

The similarity of two conversations is the Jaccard index of their sets of word triples; case and white space are ignored. `Sketch`
holds what LSH needs of a row in a few hundred bytes, so a million rows fit in memory while their texts do not.
"""

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

# A placeholder such as [email_1], a word, one character of a script that puts no spaces between words, or one sign.
_TOKEN = re.compile(r"\[[a-z_]{2,12}_\d{1,6}\]|[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+|[^\w\s]")
_RECALL = 0.99  # chance that a pair at the threshold shares a band
_MOST_HASHES = 400
_MARKS = 128  # hashes, of 8 bits each, kept for a first guess at the similarity of a candidate pair
WINDOW = 16  # rows of the same bucket that each row is compared with, so that a bucket of n rows costs n, not n * n
_CHUNK = 1 << 15  # pairs compared at once


@dataclass(frozen=True)
class Sketch:
    """For N rows: a hash of all words (`exact` [N]), one LSH key for each band (`keys` [N, bands]), and MinHashes (`marks` [N, 128])."""

    exact: Ints
    keys: npt.NDArray[np.uint32]
    marks: npt.NDArray[np.uint8]

    @classmethod
    def joined(cls, parts: Iterable["Sketch"]) -> "Sketch":
        """Concatenate sketches; at least one is needed."""
        known = list(parts)
        return cls(*(np.concatenate([getattr(part, name) for part in known]) for name in ("exact", "keys", "marks")))


@dataclass(frozen=True)
class Pairs:
    """Pairs of near-duplicate rows, `a` < `b`, with their similarity; sorted by a, then b."""

    a: Ints
    b: Ints
    similarity: npt.NDArray[np.float64]


def texts_of(turns: pa.ListArray) -> list[str]:
    """The text of each conversation: one line per turn, `role: text`."""
    role, text = (turns.flatten().field(name).cast(pa.large_string()) for name in ("role", "text"))
    colon, line_end = (pa.scalar(mark, pa.large_string()) for mark in (": ", "\n"))
    lines = pc.binary_join_element_wise(role, text, colon)
    offsets = pa.array(np.concatenate([[0], np.cumsum(np.asarray(turns.value_lengths()))]), pa.int32())
    texts: list[str] = pc.binary_join(pa.ListArray.from_arrays(offsets, lines), line_end).to_pylist()
    return texts


def words(text: str) -> list[str]:
    """Split a text into lower-case words and punctuation marks."""
    return _TOKEN.findall(text.lower())


def bands(threshold: float) -> tuple[int, int]:
    """Choose the number of LSH bands and of hashes per band: as many hashes per band as still find a pair at `threshold` (below 1)
    with the wanted recall.

    A pair of similarity s shares one of b bands of r hashes with chance 1 - (1 - s^r)^b (Leskovec et al., Mining of Massive
    Datasets, 3.4.2).
    """
    choice = (1, 1)
    for rows in range(1, _MOST_HASHES + 1):
        count = math.ceil(math.log(1 - _RECALL) / math.log1p(-(threshold**rows)))
        if count * rows > _MOST_HASHES:
            break
        choice = (count, rows)
    return choice


def sketch(texts: Sequence[str], threshold: float) -> Sketch:
    """Compute the sketch of each text. A pure function, so batches may run in any process."""
    import rensa

    count, rows = bands(threshold)
    tokens = [words(one) for one in texts]
    triples, offsets = _triples(tokens)
    hashes = max(count * rows, _MARKS)
    matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(triples, offsets, hashes, 0)
    digests = np.array(matrix.to_rows(), np.uint32).reshape(len(texts), hashes)
    keys = np.zeros((len(texts), count), np.uint64)
    for row in range(rows):
        keys = _mixed(keys ^ digests[:, row : count * rows : rows])
    marks = (digests[:, :_MARKS] & 0xFF).astype(np.uint8)
    return Sketch(exact(tokens), (keys >> np.uint64(32)).astype(np.uint32), marks)


def exact(tokens: Iterable[Sequence[str]]) -> Ints:
    """Hash the words of each text (64 bits of BLAKE2b); texts with equal words get equal hashes."""
    digests = b"".join(hashlib.blake2b(" ".join(one).encode(), digest_size=8).digest() for one in tokens)
    return np.frombuffer(digests, np.int64)


def _triples(tokens: Sequence[Sequence[str]]) -> tuple[Hashes, Hashes]:
    """Hash the word triples of all texts into one array, and give the offset of each text; a text of fewer than three words is one triple."""
    import rensa

    padded = [one if len(one) >= 3 else [*one, "", "", ""][:3] for one in tokens]
    lengths = np.array([len(one) for one in padded], np.int64)
    ends = np.cumsum(lengths)
    hashes = rensa.RMinHash.hash_token_sets(padded)
    flat = np.fromiter((code for one in hashes for code in one), np.uint64, int(lengths.sum()))
    mixed = _mixed(_mixed(_mixed(flat[:-2]) ^ flat[1:-1]) ^ flat[2:])
    whole = np.ones(len(flat), np.bool_)
    whole[ends - 1] = whole[ends - 2] = False
    return mixed[whole[: len(mixed)]], np.concatenate([[0], np.cumsum(lengths - 2)]).astype(np.uint64)


def _mixed(values: Hashes) -> Hashes:
    """A bijection of 64 bits that spreads every bit (the finaliser of MurmurHash3)."""
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(33))


def first_of_equals(codes: Ints) -> Ints:
    """The first row of each set of rows with equal words, ascending."""
    return np.sort(np.unique(codes, return_index=True)[1])


def candidates(found: Sketch, threshold: float) -> tuple[Ints, Ints]:
    """Pairs of rows that share an LSH bucket and whose MinHashes agree well enough. Within a bucket only neighbouring rows are paired."""
    slack = 3 * math.sqrt(threshold * (1 - threshold) / _MARKS)
    codes = [np.empty(0, np.int64)]
    for key in found.keys.T:
        order = np.argsort(key, kind="stable")
        ranked = key[order]
        for step in range(1, WINDOW + 1):
            same = np.flatnonzero(ranked[step:] == ranked[:-step])
            if not len(same):
                break
            for part in range(0, len(same), _CHUNK):
                a, b = order[same[part : part + _CHUNK]], order[same[part : part + _CHUNK] + step]
                alike = (found.marks[a] == found.marks[b]).mean(axis=1) >= threshold - slack
                codes.append(a[alike] * len(key) + b[alike])
    pairs = np.unique(np.concatenate(codes))
    return pairs // max(len(found.exact), 1), pairs % max(len(found.exact), 1)


def checked(a: Ints, b: Ints, fetch: Callable[[Ints], Sequence[str]], threshold: float) -> Pairs:
    """Keep the candidates whose exact similarity reaches `threshold`; `fetch` returns the texts of ascending row numbers."""
    parts = [slice(start, start + _CHUNK) for start in range(0, len(a), _CHUNK)]
    similarity = np.concatenate([np.empty(0), *(_similarity(a[part], b[part], fetch) for part in parts)])
    near = similarity >= threshold
    return Pairs(a[near], b[near], similarity[near])


def _similarity(a: Ints, b: Ints, fetch: Callable[[Ints], Sequence[str]]) -> npt.NDArray[np.float64]:
    """The Jaccard index of the word triples of each pair."""
    from scipy.sparse import csr_array

    rows = np.unique(np.concatenate([a, b]))
    triples, offsets = _triples([words(one) for one in fetch(rows)])
    columns = np.unique(triples, return_inverse=True)[1]
    sets = csr_array((np.ones(len(columns), np.int32), columns, offsets.astype(np.int64)))
    sets.sum_duplicates()
    sets.data[:] = 1
    sizes = np.diff(sets.indptr)
    left, right = np.searchsorted(rows, a), np.searchsorted(rows, b)
    shared: npt.NDArray[np.int64] = np.asarray(sets[left].multiply(sets[right]).sum(axis=1)).ravel()
    index: npt.NDArray[np.float64] = shared / (sizes[left] + sizes[right] - shared)
    return index


def find(texts: Sequence[str], threshold: float) -> Pairs:
    """Find the near-duplicates among texts in memory. Of texts with equal words, only the first takes part."""
    if not texts:
        return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    found = sketch(texts, threshold)
    return among(found, first_of_equals(found.exact), lambda rows: [texts[row] for row in rows.tolist()], threshold)


def among(found: Sketch, rows: Ints, fetch: Callable[[Ints], Sequence[str]], threshold: float) -> Pairs:
    """Find the near-duplicates among `rows` (ascending), a subset of the sketched rows."""
    a, b = candidates(Sketch(found.exact[rows], found.keys[rows], found.marks[rows]), threshold)
    return checked(rows[a], rows[b], fetch, threshold)


def repeats(codes: Ints) -> Pairs:
    """Pairs of each repeated row with the first row that has equal words."""
    first, place = np.unique(codes, return_index=True, return_inverse=True)[1:]
    rows = np.flatnonzero(first[place] != np.arange(len(codes)))
    return Pairs(first[place][rows], rows, np.ones(len(rows)))


def components(count: int, *edges: tuple[Ints, Ints]) -> Ints:
    """Connected components: one code for each of `count` nodes, equal where a path of edges links two nodes."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    a, b = (np.concatenate([edge[side] for edge in edges]) for side in (0, 1))
    graph = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], np.int64)
