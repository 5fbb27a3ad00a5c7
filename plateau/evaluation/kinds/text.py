"""Text: free words, by how many of them two texts share."""

import unicodedata
from collections import Counter
from functools import lru_cache
from typing import Any

import numpy as np
import regex

from plateau.data.fields import Field
from plateau.evaluation import stats
from plateau.evaluation.kinds.base import Figure, Kind, Rows

_BORDERS = regex.compile(r"(?wV1)\b")
# Scripts that put no space between words: each character, with the marks on it, is a token.
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}ー]")
_CHARACTER = regex.compile(r"\X")
# What shows nothing by itself, less what makes one emoji of several: joiners between pictures, the tags of a flag.
_IGNORED = regex.compile(
    r"[\p{Default_Ignorable_Code_Point}--[\u200d\U000e0020-\U000e007f]]"
    r"|\u200d(?!\p{Extended_Pictographic})"
    r"|(?<![\p{Extended_Pictographic}\U000e0020-\U000e007f])[\U000e0020-\U000e007f]+",
    regex.VERSION1,
)
_INVISIBLE = ("Cc", "Cf", "Zs", "Zl", "Zp")


class Text(Kind):
    """Free text: F1 of the shared tokens (Rajpurkar et al. 2016)."""

    name = "text"

    @classmethod
    def matches(cls, field: Field) -> bool:
        """A string without format and pattern."""
        return field.types == {"string"} and not any(map(field.node.keyword, ("format", "pattern")))

    def score(self, truth: Any, answer: Any) -> float:
        """Token F1; of lists, that of their texts one after the other."""
        return token_f1(_joined(truth), _joined(answer))

    def figures(self, rows: Rows) -> dict[str, Figure]:
        """Mean token F1."""
        there = np.array([value is not None for value in rows.truth], dtype=bool)
        return {"token_f1": (stats.mean_of(rows.score[there]), int(there.sum()))}


def token_f1(truth: str, answer: str) -> float:
    """F1 of the shared tokens of two texts; 1 for two without any."""
    wanted, given = Counter(tokens(truth)), Counter(tokens(answer))
    if not wanted or not given:
        return float(wanted == given)
    return 2 * (wanted & given).total() / (wanted.total() + given.total())


@lru_cache(maxsize=10_000)
def tokens(text: str) -> tuple[str, ...]:
    """Words by the rules of Unicode (UAX 29), case and composition ignored; each symbol is one, and each character of a
    script without spaces.
    """
    visible = _IGNORED.sub("", unicodedata.normalize("NFKC", text))
    plain = unicodedata.normalize("NFKC", visible.casefold())
    found = []
    for part in _BORDERS.split(plain):
        pieces = _CHARACTER.findall(part) if _UNSPACED.search(part) else [part]
        found += [piece for piece in pieces if any(unicodedata.category(c) not in _INVISIBLE for c in piece)]
    return tuple(found)


def _joined(value: Any) -> str:
    return value if isinstance(value, str) else "\n".join(str(item) for item in value)
