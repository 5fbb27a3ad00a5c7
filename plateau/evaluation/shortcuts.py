"""Does the answer follow from the conversation? What linear models reach with only a part of the prompt.

A field that a model of the context block alone answers as well as a model of the whole prompt does not need the conversation.
A field that one single word answers as well hangs on that word.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plateau.core.numbers import significant
from plateau.evaluation import stats
from plateau.metrics.scrutiny import ShortcutFigures
from plateau.prompts.vectors import tfidf

FOLDS = 5
MOST_ROWS = 5_000
_MARGIN = 0.02  # how far below the whole prompt's accuracy a part may stay and still count as enough


def shortcut(
    labels: Sequence[str], contexts: Sequence[str], conversations: Sequence[str], confidence: float
) -> ShortcutFigures | None:
    """What decides a class field: accuracies of cross-fitted linear models; None where there are too few rows or classes to say."""
    rows = (
        np.linspace(0, len(labels) - 1, min(len(labels), MOST_ROWS)).astype(np.int64)
        if labels
        else np.zeros(0, np.int64)
    )
    names = np.array([labels[i] for i in rows], dtype=object)
    counts = np.unique(names, return_counts=True)[1]
    if len(names) < 20 * FOLDS or len(counts) < 2:
        return None
    parts = {
        "context": [contexts[i] for i in rows],
        "conversation": [conversations[i] for i in rows],
        "whole": [f"{contexts[i]}\n{conversations[i]}" for i in rows],
    }
    right = {name: _right(texts, names) for name, texts in parts.items()}
    right["majority"] = names == np.unique(names)[counts.argmax()]
    decides = _enough(right["context"], right["whole"], right["majority"], confidence)
    word = _single_word(parts["whole"], names, right, confidence)
    shares = {name: significant(float(hits.mean())) or 0.0 for name, hits in right.items()}
    return ShortcutFigures(
        shares["majority"], shares["whole"], shares["context"], shares["conversation"], decides, word
    )


def _enough(part: NDArray[np.bool_], whole: NDArray[np.bool_], majority: NDArray[np.bool_], confidence: float) -> bool:
    """Whether a part does as well as the whole, within the margin, and clearly better than the most frequent class."""
    if part.mean() < whole.mean() - _MARGIN or part.mean() <= majority.mean() + _MARGIN:
        return False
    return stats.paired_p_value(part.astype(np.float64) - majority) < 1 - confidence


def _right(texts: Sequence[str], names: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether a linear model of the words, fitted on other rows, answers each row rightly."""
    from sklearn.svm import LinearSVC

    try:
        vectors = tfidf().fit_transform(texts)
    except ValueError:  # no words at all
        return np.zeros(len(names), dtype=np.bool_)
    fold, right = np.arange(len(names)) % FOLDS, np.zeros(len(names), dtype=np.bool_)
    for number in range(FOLDS):
        known, asked = fold != number, fold == number
        if len(set(names[known])) > 1:
            model = LinearSVC(random_state=0, max_iter=10_000).fit(vectors[known], names[known])
            right[asked] = model.predict(vectors[asked]) == names[asked]
    return right


def _single_word(
    texts: Sequence[str], names: NDArray[Any], right: dict[str, NDArray[np.bool_]], confidence: float
) -> str | None:
    """The word whose presence alone answers a field of two classes as well as all words do."""
    from sklearn.feature_extraction.text import CountVectorizer

    classes = np.unique(names)
    if len(classes) != 2:
        return None
    try:
        counter = CountVectorizer(binary=True, token_pattern=r"\w+", min_df=5)  # noqa: S106
        counts = counter.fit_transform(texts).tocsc()
    except ValueError:
        return None
    second = names == classes[1]
    with_second = np.asarray(counts.T @ second.astype(np.int64)).ravel()
    present = np.asarray(counts.sum(axis=0)).ravel()
    agree = with_second + ((~second).sum() - (present - with_second))
    best = int(np.maximum(agree, len(names) - agree).argmax())
    shown = np.asarray(counts[:, best].todense()).ravel().astype(np.bool_)
    hits = (shown == second) if agree[best] * 2 >= len(names) else (shown != second)
    enough = _enough(hits, right["whole"], right["majority"], confidence)
    return str(counter.get_feature_names_out()[best]) if enough else None
