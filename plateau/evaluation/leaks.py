"""Find leaks that make a test worthless: test rows among the training rows, training rows later than the test, prompts in another format."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from plateau.core.numbers import significant
from plateau.data.fields import Field, label
from plateau.metrics.evaluate import Overlap, UnseenLabels
from plateau.splits import near

# What a prompt's layout shows at line starts: a [HEADING], or a name of any script with a colon.
_LAYOUT = re.compile(r"^(\[[^\]\n]{1,40}\]|[^\s:\[][^:\n]{0,39}[:\uff1a])", re.MULTILINE)
# Share of word triples in common from which a test row is leaked: the gate's own, for split.near_duplicates must not decide how
# strictly the split is judged.
NEAR = 0.7
_ALWAYS, _SELDOM = 0.95, 0.5
_EDGE = 3  # words at the start of the first and the end of the last line without a name that show how it was rendered
_LOOKED_AT = 50  # prompts of a split in which marks are looked for; one that nearly all have is in half of these
_COMMON = 0.1  # share of training rows from which a class must be tested


def overlap(
    train: Sequence[str],
    test: Sequence[str],
    threshold: float,
    prompts: tuple[Sequence[str], Sequence[str]] | None = None,
) -> Overlap:
    """Shares of the test conversations that stand among the training ones: word for word, or as nearly as `threshold`.

    `prompts` are those of the training and the test rows; a test row whose prompt is also a training prompt counts as a copy.
    """
    codes = near.exact(near.words(text) for text in (*train, *test))
    exact = np.isin(codes[len(train) :], codes[: len(train)])
    if prompts:
        exact |= np.isin(np.array(prompts[1], object), list(set(prompts[0]) & set(prompts[1])))
    pairs = near.find([*train, *test], threshold)
    crossing = pairs.b[(pairs.a < len(train)) & (pairs.b >= len(train))]
    first = near.repeats(codes[len(train) :])
    close = np.isin(np.arange(len(test)), crossing - len(train))
    close[first.b] = close[first.a]
    close &= ~exact
    return Overlap(
        exact=significant(float(exact.mean())),
        near=significant(float(close.mean())),
        leaked_rows=int((exact | close).sum()),
    )


def later_rows(found: Mapping[str, Sequence[datetime | None]]) -> int:
    """The number of rows that are later than the first row of a split that should follow theirs; `found` has starts by split, in UTC,
    None for a row without a time, which is later than none.
    """
    starts = {name: [start for start in times if start is not None] for name, times in found.items()}
    test = min(starts["test"], default=None)
    valid = min((*starts["valid"], *starts["test"]), default=None)
    pairs = (("train", valid), ("valid", test))
    return sum(start > first for name, first in pairs if first is not None for start in starts[name])


def shared_groups(groups: Mapping[str, Sequence[Any]]) -> int:
    """The number of values of the grouping column that more than one split has; a missing value is no group."""
    counts = Counter(value for values in groups.values() for value in set(values) - {None})
    return sum(count > 1 for count in counts.values())


def format_differences(prompts: Mapping[str, Sequence[str]]) -> list[str]:
    """Marks that one split's prompts nearly always have and another's seldom: signs that the splits were rendered differently.

    Marks of a layout are headings, names before a colon, lines without these, and the words with which these begin and end.
    """
    marks = sorted({mark for texts in prompts.values() for mark in _common(texts)})
    shares = {name: _shares(texts, marks) for name, texts in prompts.items() if texts}
    return [
        f"{other} lacks '{mark}', which {name} has"
        for name, found in shares.items()
        for i, mark in enumerate(marks)
        for other, others in shares.items()
        if found[i] >= _ALWAYS and others[i] < _SELDOM
    ]


def _marks(text: str) -> set[str]:
    """The marks of a prompt's layout; lines that begin with a name and a colon hold data, and only their name counts."""
    lines = [line for line in map(str.strip, text.splitlines()) if line and not _LAYOUT.match(line)]
    starts = {f"{' '.join(line.split()[:_EDGE])} ..." for line in lines[:1]}
    ends = {f"... {' '.join(line.split()[-_EDGE:])}" for line in lines[-1:]}
    return {*_LAYOUT.findall(text), *lines} | starts | ends


def _common(texts: Sequence[str]) -> list[str]:
    """Marks that half of some prompts of a split have."""
    looked_at = texts[:: max(1, -(-len(texts) // _LOOKED_AT))]
    counts = Counter(mark for text in looked_at for mark in _marks(text))
    return [mark for mark, count in counts.items() if count >= _SELDOM * len(looked_at)]


def _shares(texts: Sequence[str], marks: Sequence[str]) -> list[float]:
    """The share of texts that have each mark."""
    counts = Counter(mark for text in texts for mark in _marks(text).intersection(marks))
    return [counts[mark] / len(texts) for mark in marks]


def unseen_labels(fields: Sequence[Field], train: Sequence[Any], test: Sequence[Any]) -> UnseenLabels:
    """Classes of the test that never occur in training, by field, and the share of test rows that hold one.

    No value is a class, "(none)".
    """
    found: dict[str, list[str]] = {}
    touched = np.zeros(len(test), dtype=bool)
    for field in (field for field in fields if field.classes):
        known, asked = {field.class_of(target) for target in train}, [field.class_of(target) for target in test]
        new = np.array([name not in known for name in asked], dtype=bool)
        touched |= new
        if new.any():
            found[field.name] = sorted(set(asked) - known)
    return UnseenLabels(significant(float(touched.mean())) if len(test) else 0.0, found)


def untested_labels(fields: Sequence[Field], train: Sequence[Any], test: Sequence[Any]) -> dict[str, list[str]]:
    """Classes that at least a tenth of the training rows have and no test row has, by field; the test says nothing of them."""
    found: dict[str, list[str]] = {}
    for field in (field for field in fields if field.classes):
        known, asked = (Counter(field.class_of(target) for target in targets) for targets in (train, test))
        common = [name for name, count in known.items() if count >= _COMMON * known.total()]
        if missing := sorted(set(common) - set(asked)):
            found[field.name] = missing
    return found


def repeated(prompts: Mapping[str, Sequence[str]]) -> float:
    """The largest share, over the splits, of prompts that repeat an earlier prompt of the same split and so count twice."""
    shares = [1 - len(set(texts)) / len(texts) for texts in prompts.values() if texts]
    return float(significant(max(shares, default=0.0)) or 0.0)


def answered(fields: Sequence[Field], prompts: Sequence[str], targets: Sequence[Any]) -> float:
    """The share of prompts that spell out an answer, as "field: value" or "field=value"."""
    hits = [
        any(_spells_out(field, text, target) for field in fields) for text, target in zip(prompts, targets, strict=True)
    ]
    return float(significant(sum(hits) / max(len(hits), 1)) or 0.0)


def _spells_out(field: Field, prompt: str, target: Any) -> bool:
    """Whether a prompt gives the field's value by name, quoted or not, case ignored."""
    value = field.value(target)
    if value is None or not field.path or isinstance(value, list | dict):
        return False
    name, answer = (re.escape(text) for text in (field.path[-1], label(value)))
    return re.search(rf"\b{name}[\"']?\s*[:=]\s*[\"']?{answer}(?!\w)", prompt, re.IGNORECASE) is not None
