"""The general checks in metrics/evaluate.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from plateau.core.figures import Bare, Count, Estimate, Share
from plateau.metrics.compared import Compared


@dataclass(frozen=True)
class Band:
    """test rows whose similarity to training falls into one band"""

    rows: Annotated[Count, "test rows for which the adapter generated an output"]
    score: Annotated[Estimate, "the adapter's mean score on these rows"]


@dataclass(frozen=True)
class Closeness:
    """similarity between test rows and training rows, by words and by character n-grams, and the score by similarity"""

    equal: Annotated[
        Share,
        "share of the test rows that equal a training row if case, accents, punctuation, digits and white space are ignored",
    ]
    median: Annotated[float | None, "median similarity of a test row to its nearest training row, 0 to 1"]
    bands: Annotated[Mapping[str, Band], "rows and score by similarity to the nearest training row"]
    novel_rows: Annotated[Count, "number of novel rows: the half of the test rows least similar to training"]
    score_on_novel_rows: Annotated[Estimate, "the adapter's mean score on the novel rows"]
    gain_on_novel_rows: Annotated[
        Mapping[str, Compared] | None, "the adapter's score on the novel rows less the score of each baseline"
    ]


@dataclass(frozen=True)
class SliceFigures:
    """a group of test rows against all other rows"""

    name: Annotated[str, "what the rows of the slice have in common"]
    rows: Annotated[Count, "generated test rows in the slice"]
    score: Annotated[float, "the adapter's mean score on the rows of the slice, 0 to 1"]
    rest: Annotated[float, "the adapter's mean score on all other rows"]
    difference: Annotated[Estimate, Bare("its interval"), "score in the slice less score on all other rows"]
    p_value: Annotated[float, "p-value of the Mann-Whitney test between the slice and all other rows"]
    q_value: Annotated[float, "p-value adjusted for the number of slices (Benjamini and Hochberg)"]
    discovered: Annotated[
        bool, "true if a decision tree found the slice on the other half of the rows; false if a column defines it"
    ]


@dataclass(frozen=True)
class NoiseFigures:
    """estimated share of wrong labels in one split"""

    rows: Annotated[Count, "rows with the field"]
    rate: Annotated[Estimate, "share of labels that a model, fitted without the row, contradicts with high confidence"]
    upper_bound: Annotated[bool, "true if the rate may include mistakes of that model, and so is an upper bound"]


@dataclass(frozen=True)
class LabelNoise:
    """wrong labels of one class field, by split"""

    splits: Annotated[Mapping[str, NoiseFigures], "estimate by split"]
    ceiling: Annotated[float | None, "highest accuracy that the test labels allow: 1 - rate of the test split"]
    differs: Annotated[
        float | None,
        "smallest p-value of the hypothesis that train and another split have equal shares of wrong labels",
    ]


@dataclass(frozen=True)
class ShortcutFigures:
    """accuracy of a linear model on one class field, given only a part of the prompt"""

    majority: Annotated[float, "accuracy of the most frequent class"]
    whole: Annotated[float, "accuracy with the whole prompt"]
    context: Annotated[float, "accuracy with the context block alone"]
    conversation: Annotated[float, "accuracy with the conversation alone"]
    context_decides: Annotated[bool, "whether the context block alone predicts the field as well as the whole prompt"]
    word: Annotated[
        str | None, "a single word that predicts the field as well as the whole prompt; null if there is none"
    ]


@dataclass(frozen=True)
class Scrutiny:
    """general checks for mistakes that nobody listed"""

    closeness: Closeness
    slices: Annotated[Sequence[SliceFigures] | None, "slices of the test rows, the worst first"]
    label_noise: Annotated[Mapping[str, LabelNoise] | None, "wrong labels by field"]
    shortcuts: Annotated[Mapping[str, ShortcutFigures] | None, "by class field, which part of the prompt predicts it"]
    score_drop: Annotated[
        Estimate, "the adapter's mean score on the generated validation rows less its mean score on the test rows"
    ]
