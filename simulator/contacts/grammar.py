"""A tiny template grammar: `[a|b]` chooses, choices nest, `{name}` is filled in."""

import random
import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

T = TypeVar("T")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SPACES = re.compile(r"\s+")


def expand(template: str, rng: random.Random, slots: Mapping[str, str] | None = None) -> str:
    """One text of the template, innermost choices first; every draw comes from `rng`."""
    text = template
    while "[" in text:
        text = _CHOICE.sub(lambda match: pick(rng, match[1].split("|")), text)
    if slots is not None:
        text = text.format_map(slots)
    return _SPACES.sub(" ", text).strip()


def pick(rng: random.Random, items: Sequence[T]) -> T:
    """One item, all equally likely; only `random()` is drawn, whose values never change between Python versions."""
    return items[int(rng.random() * len(items))]


def weighted(rng: random.Random, weights: Mapping[T, float]) -> T:
    """One key of `weights`, as likely as its weight."""
    totals = list(accumulate(weights.values()))
    threshold = rng.random() * totals[-1]
    return next(item for item, total in zip(weights, totals, strict=True) if threshold < total)
