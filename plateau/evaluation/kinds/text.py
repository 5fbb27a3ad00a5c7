"""The kind `text`: free text, scored by the words that truth and answer share."""

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
# Scripts without spaces between words: each character, with its combining marks, is a token.
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}ー]")
_CHARACTER = regex.compile(r"\X")
# Invisible characters, except those that combine several emoji into one: joiners between pictures, the tags of a flag.
_IGNORED = regex.compile(
    r"[\p{Default_Ignorable_Code_Point}--[\u200d\U000e0020-\U000e007f]]"
    r"|\u200d(?!\p{Extended_Pictographic})"
    r"|(?<![\p{Extended_Pictographic}\U000e0020-\U000e007f])[\U000e0020-\U000e007f]+",
    regex.VERSION1,
)
_INVISIBLE = ("Cc", "Cf", "Zs", "Zl", "Zp")


class Text(Kind):
    """A free text field: an answer scores the F1 of the tokens shared with the truth (Rajpurkar et al. 2016)."""

    name = "text"

    @classmethod
    def matches(cls, field: Field) -> bool:
        """Strings without format and pattern."""
        return field.types == {"string"} and not any(map(field.node.keyword, ("format", "pattern")))

    def score(self, truth: Any, answer: Any) -> float:
        """Token F1. The texts of a list are joined first."""
        return token_f1(_joined(truth), _joined(answer))

    def figures(self, rows: Rows) -> dict[str, Figure]:
        """Mean token F1."""
        there = np.array([value is not None for value in rows.truth], dtype=bool)
        return {"token_f1": (stats.mean_of(rows.score[there]), int(there.sum()))}


def token_f1(truth: str, answer: str) -> float:
    """F1 of the shared tokens of two texts; 1 where neither has a token."""
    wanted, given = Counter(tokens(truth)), Counter(tokens(answer))
    if not wanted or not given:
        return float(wanted == given)
    return 2 * (wanted & given).total() / (wanted.total() + given.total())


@lru_cache(maxsize=10_000)
def tokens(text: str) -> tuple[str, ...]:
    """Split a text into words by Unicode's rules (UAX 29); case and composition are ignored.

    Each symbol is a token, and so is each character of a script without spaces.
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
