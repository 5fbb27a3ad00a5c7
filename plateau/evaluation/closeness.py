"""How close each test row is to training: the similarity of its nearest training row, and the score by closeness.

Texts are compared without case, accents, punctuation and digits, by words and by character n-grams, so that copies which differ only in these are found.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BANDS = (0.0, 0.3, 0.5, 0.7, 0.9)  # lower bounds of the bands of similarity
_BLOCK = 256  # test rows that are compared with all training rows at once


@dataclass(frozen=True)
class Closeness:
    """For each of n test rows: similarity 0 to 1 to its nearest training row, that row's number, and whether they are equal."""

    similarity: NDArray[np.float64]
    nearest: NDArray[np.int64]
    equal: NDArray[np.bool_]


def normalised(text: str) -> str:
    """The text in lower case without accents, punctuation, symbols and digits; runs of white space are one space."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    kept = (
        char if unicodedata.category(char)[0] in "LZ" or char.isspace() else " "
        for char in plain
        if not unicodedata.combining(char)
    )
    return " ".join("".join(kept).split())


def closeness(train: Sequence[str], test: Sequence[str]) -> Closeness:
    """The nearest training row of each test row, by the larger of the cosine similarities of words and of character 3- to 5-grams."""
    known, asked = [normalised(text) for text in train], [normalised(text) for text in test]
    codes = {text: row for row, text in reversed(list(enumerate(known)))}
    similarity, nearest = np.zeros(len(asked)), np.zeros(len(asked), dtype=np.int64)
    for options in (
        {"analyzer": "word", "token_pattern": r"\S+", "ngram_range": (1, 2)},
        {"analyzer": "char_wb", "ngram_range": (3, 5)},
    ):
        closest, row = _nearest(known, asked, options)
        better = closest > similarity
        similarity, nearest = np.where(better, closest, similarity), np.where(better, row, nearest)
    equal = np.array([text in codes for text in asked], dtype=np.bool_)
    nearest = np.where(equal, [codes.get(text, 0) for text in asked], nearest)
    return Closeness(np.where(equal, 1.0, np.minimum(similarity, 1.0)), nearest, equal)


def bands(similarity: NDArray[np.float64]) -> NDArray[np.int64]:
    """The band of each row, as an index into BANDS."""
    return np.searchsorted(BANDS, similarity, side="right") - 1


def far_half(similarity: NDArray[np.float64]) -> NDArray[np.bool_]:
    """A mask of the half of the rows that are least like training; the first of rows that are equally close."""
    order = np.argsort(similarity, kind="stable")
    chosen = np.zeros(len(similarity), dtype=np.bool_)
    chosen[order[: -(-len(order) // 2)]] = True
    return chosen


def _nearest(
    known: Sequence[str], asked: Sequence[str], options: dict[str, Any]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The largest cosine similarity of each asked text to a known text, and the row of that text. Counts are hashed, so memory is bounded."""
    from sklearn.feature_extraction.text import HashingVectorizer

    if not known or not asked:
        return np.zeros(len(asked)), np.zeros(len(asked), dtype=np.int64)
    vectors = HashingVectorizer(n_features=2**20, alternate_sign=False, norm="l2", binary=True, **options)
    table = vectors.transform(known).T.tocsr()
    parts = [_best(vectors.transform(asked[start : start + _BLOCK]) @ table) for start in range(0, len(asked), _BLOCK)]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _best(product: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rows = np.asarray(product.argmax(axis=1)).ravel().astype(np.int64)
    return np.asarray(product.max(axis=1).todense(), dtype=np.float64).ravel(), rows
