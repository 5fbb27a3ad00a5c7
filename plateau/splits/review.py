"""Rows whose labels a person should check: near-duplicates with different labels, and labels that a word model finds unlikely."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plateau.core.files import replacing
from plateau.metrics.labels import REASONS
from plateau.splits import labels
from plateau.splits.labels import Column, Ints
from plateau.splits.near import Pairs

HEADER = ("reason", "id", "split", "field", "label", "other_label", "other_id", "score", "text")
FOLDS = 3
MOST_ROWS = 20_000  # rows in which doubtful labels are looked for, evenly spaced
_TELLING = 0.7  # share of rows whose label the words must tell before a label against them is doubted
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SHOWN = 2000


@dataclass(frozen=True)
class Finding:
    """A label to check: the row, its field, the other label that is likely instead, and the row that has that label (-1 if none)."""

    reason: str
    row: int
    field: str
    label: str
    other: str
    other_row: int
    score: float


def conflicting(found: Sequence[Column], pairs: Pairs) -> list[Finding]:
    """Near-duplicate conversations with different labels, most similar first; the score is the similarity."""
    differing = labels.conflicts(found, pairs)
    made = [
        Finding("conflicting", int(a), name, column.shown(int(a)), column.shown(int(b)), int(b), round(float(s), 4))
        for column in found
        if (name := column.field.name) in differing
        for a, b, s in zip(*(part[differing[name]] for part in (pairs.a, pairs.b, pairs.similarity)), strict=True)
    ]
    return sorted(made, key=lambda one: (-one.score, one.row, one.other_row))


def doubtful(found: Sequence[Column], rows: Ints, fetch: Callable[[Ints], Sequence[str]]) -> list[Finding]:
    """Labels that a word model, fitted on other rows (cross-fitting), finds least likely; only for fields that the model predicts well.

    The score is the log-likelihood ratio of the model's own choice to the label, in nats per word; largest first.
    """
    columns = [column for column in found if column.is_class]
    looked = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(np.int64)] if len(rows) else rows
    if not columns or len(looked) < 10 * FOLDS:
        return []
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(token_pattern=r"\w+", sublinear_tf=True, min_df=2).fit_transform(fetch(looked))  # noqa: S106
    made = [one for column in columns for one in _doubts(column.take(looked), looked, vectors)]
    return sorted(made, key=lambda one: (-one.score, one.row, one.field))


def _doubts(column: Column, rows: Ints, vectors: Any) -> Iterator[Finding]:
    """The findings of one field; `rows` and `vectors` belong to its column."""
    from sklearn.naive_bayes import ComplementNB

    fold, given = np.arange(len(rows)) % FOLDS, column.values
    margins, best = np.zeros(len(rows)), given.copy()
    for number in range(FOLDS):
        known, asked = fold != number, np.flatnonzero(fold == number)
        if len(np.unique(given[known])) < 2 or not len(asked):
            continue
        model = ComplementNB().fit(vectors[known], given[known])
        scores = model.predict_joint_log_proba(vectors[asked])
        own = np.searchsorted(model.classes_, given[asked]).clip(max=len(model.classes_) - 1)
        top = scores.argmax(axis=1)
        taught = model.classes_[own] == given[asked]
        margins[asked] = np.where(taught, scores[np.arange(len(asked)), top] - scores[np.arange(len(asked)), own], 0.0)
        best[asked] = np.where(taught, model.classes_[top], given[asked])
    against = best != given
    if against.sum() > (1 - _TELLING) * len(given):
        return
    for row in np.flatnonzero(against).tolist():
        other = column.names[int(best[row])]
        score = round(float(margins[row]), 4)
        yield Finding("doubtful", int(rows[row]), column.field.name, column.shown(row), other, -1, score)


def chosen(conflicts: Sequence[Finding], doubts: Sequence[Finding], most: int) -> list[Finding]:
    """Choose at most `most` findings, half for each reason; where one reason has too few, the other fills up."""
    half = max(most // 2, most - len(doubts))
    first = list(conflicts[:half])
    return [*first, *doubts[: most - len(first)]]


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    """The number of findings by reason, for metrics/labels.json."""
    found = Counter(one.reason for one in findings)
    return {reason: found[reason] for reason in REASONS}


def write(
    path: Path, findings: Sequence[Finding], ids: Any, splits: Mapping[int, str], texts: Mapping[int, str]
) -> None:
    """Write one CSV line for each finding; ids (an Arrow array), splits and texts are given by row."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream)
        lines.writerow(HEADER)
        for one in findings:
            other = str(ids[one.other_row]) if one.other_row >= 0 else ""
            place = (one.reason, str(ids[one.row]), splits[one.row], one.field, one.label, one.other, other)
            lines.writerow([plain(cell) for cell in (*place, f"{one.score:g}", texts[one.row][:_SHOWN])])


def plain(cell: str) -> str:
    """Escape a cell so that a spreadsheet does not run it as a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
