"""Baselines without a language model: the majority or mean of each field, and a linear model on TF-IDF word counts."""

from collections.abc import Sequence
from typing import Any

from plateau.data.fields import UNUSABLE, Field
from plateau.evaluation.kinds.base import Kind
from plateau.prompts.vectors import tfidf

Target = Any


def majority(kinds: Sequence[Kind], train: Sequence[Any], rows: int) -> list[Target]:
    """The same target for each of `rows`: each field's mean (numbers) or most frequent value in the training targets."""
    constant: Target = {}
    for kind in kinds:
        values = _known(kind, train)[1]
        if values:
            constant = _with(constant, kind.field, kind.majority(values))
    return [constant] * rows


def linear(kinds: Sequence[Kind], texts: Sequence[str], train: Sequence[Any], asked: Sequence[str]) -> list[Target]:
    """Targets for the prompts `asked`, from a model per field on the TF-IDF of the training prompts `texts`.

    Classes: linear SVM; numbers: ridge regression; texts and the rest: the value of the most similar training prompt.
    """
    known, wanted = _vectors(texts, asked)
    targets: list[Target] = [{} for _ in asked]
    for kind in kinds:
        rows, values = _known(kind, train)
        if not rows:
            continue
        found = kind.predict(known[rows], values, wanted)
        targets = [_with(target, kind.field, value) for target, value in zip(targets, found, strict=True)]
    return targets


def _vectors(texts: Sequence[str], asked: Sequence[str]) -> tuple[Any, Any]:
    """TF-IDF of words and word pairs. Given many texts, terms that only one text has are left out, unless none remains."""
    try:
        vectors = tfidf(longest=2, rarest=1 + (len(texts) > 100))
        known = vectors.fit_transform(texts)
    except ValueError:
        vectors = tfidf(longest=2)
        known = vectors.fit_transform(texts)
    return known, vectors.transform(asked)


def _known(kind: Kind, targets: Sequence[Any]) -> tuple[list[int], list[Any]]:
    """The rows of the targets that can hold the field, and its values there (None for no value); empty where no target has a value."""
    answers = [kind.field.answer(target) for target in targets]
    found = [(i, value) for i, value in enumerate(answers) if value is not UNUSABLE]
    if all(value is None for _, value in found):
        return [], []
    return [i for i, _ in found], [value for _, value in found]


def _with(target: Target, field: Field, value: Any) -> Target:
    """A target with a field at its path, where it has a value; a whole target that is no object is the value itself."""
    if value is None or not (field.path or field.rest):
        return target if value is None else value
    place = target
    for key in field.path if field.rest else field.path[:-1]:
        place = place.setdefault(key, {})
    place.update(value if field.rest else {field.path[-1]: value})
    return target
