"""What needs no language model: the majority or mean of each field, and a linear model on TF-IDF word counts."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import linear_kernel
from sklearn.svm import LinearSVC

from plateau.data.fields import Field, label

Target = dict[str, Any]


def prompts(path: Path) -> list[str]:
    """The user message of each row of a chat file: all that the model is told."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line)["messages"][0]["content"] for line in lines]


def majority(fields: Sequence[Field], train: Sequence[Any], rows: int) -> list[Target]:
    """The same target for each of `rows`: each field's mean (numbers) or most frequent value in the training targets."""
    constant: Target = {}
    for field in fields:
        values = _known(field, train)[1]
        if values:
            _put(constant, field, float(np.mean(values)) if field.kind == "number" else _most_frequent(values))
    return [constant] * rows


def linear(fields: Sequence[Field], texts: Sequence[str], train: Sequence[Any], asked: Sequence[str]) -> list[Target]:
    """Targets for the prompts `asked`, from a model per field on the TF-IDF of the training prompts `texts`.

    Classes: linear SVM; numbers: ridge regression; texts and the rest: the value of the most similar training prompt.
    """
    known, wanted = _vectors(texts, asked)
    targets: list[Target] = [{} for _ in asked]
    for field in fields:
        rows, values = _known(field, train)
        if not rows:
            continue
        for target, value in zip(targets, _predict(field, known[rows], values, wanted), strict=True):
            _put(target, field, value)
    return targets


def _vectors(texts: Sequence[str], asked: Sequence[str]) -> tuple[Any, Any]:
    """TF-IDF of words and word pairs; of many texts, without what only one of them says, unless nothing else is said."""
    options: dict[str, Any] = {"token_pattern": r"\w+|[^\w\s]", "sublinear_tf": True, "ngram_range": (1, 2)}
    try:
        vectors = TfidfVectorizer(**options, min_df=1 + (len(texts) > 100))
        known = vectors.fit_transform(texts)
    except ValueError:
        vectors = TfidfVectorizer(**options)
        known = vectors.fit_transform(texts)
    return known, vectors.transform(asked)


def _known(field: Field, targets: Sequence[Any]) -> tuple[list[int], list[Any]]:
    """Rows and values of the targets that have the field."""
    found = [(i, value) for i, target in enumerate(targets) if (value := field.value(target)) is not None]
    return [i for i, _ in found], [value for _, value in found]


def _predict(field: Field, known: Any, values: Sequence[Any], wanted: Any) -> list[Any]:
    """The predicted value of one field for each row of `wanted`."""
    if field.kind == "number":
        low, high = min(values), max(values)
        predicted = Ridge(alpha=1.0, solver="lsqr").fit(known, np.array(values, dtype=np.float64)).predict(wanted)
        return [float(value) for value in np.clip(predicted, low, high)]
    by_label = {label(value): value for value in values}
    if len(by_label) == 1:
        return [values[0]] * wanted.shape[0]
    if field.kind in ("class", "boolean"):
        model = LinearSVC(random_state=0, max_iter=10_000).fit(known, [label(value) for value in values])
        return [by_label[name] for name in model.predict(wanted)]
    return [values[i] for i in np.asarray(linear_kernel(wanted, known).argmax(axis=1)).ravel()]


def _most_frequent(values: Sequence[Any]) -> Any:
    """The value that occurs most; of equals, the first in order of their text."""
    counts = Counter(map(label, values))
    name = min(counts, key=lambda name: (-counts[name], name))
    return next(value for value in values if label(value) == name)


def _put(target: Target, field: Field, value: Any) -> None:
    """Set a field at its path; a target that is no object cannot hold one."""
    for key in field.path[:-1]:
        target = target.setdefault(key, {})
    if field.path:
        target[field.path[-1]] = value
