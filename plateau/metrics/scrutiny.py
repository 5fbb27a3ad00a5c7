"""The general checks in metrics/evaluate.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from plateau.core.figures import Bare, Count, Estimate, Share
from plateau.metrics.compared import Compared


@dataclass(frozen=True)
class Band:
    """test rows of one band of similarity to training"""

    rows: Annotated[Count, "test rows that were generated for"]
    score: Annotated[Estimate, "the adapter's mean score on them"]


@dataclass(frozen=True)
class Closeness:
    """how close the generated test rows are to training, by words and by character n-grams, and the score by closeness"""

    equal: Annotated[
        Share, "share of the rows that equal a training row but for case, accents, punctuation, digits and white space"
    ]
    median: Annotated[float | None, "median similarity of a row to its nearest training row, 0 to 1"]
    bands: Annotated[Mapping[str, Band], "rows and score by similarity to the nearest training row"]
    novel_rows: Annotated[Count, "rows of the half that is least like training"]
    score_on_novel_rows: Annotated[Estimate, "the adapter's mean score on them"]
    gain_on_novel_rows: Annotated[
        Mapping[str, Compared] | None, "the adapter's score on them, less that of each baseline"
    ]


@dataclass(frozen=True)
class SliceFigures:
    """a group of test rows against all other rows"""

    name: Annotated[str, "what its rows have in common"]
    rows: Annotated[Count, "generated test rows in it"]
    score: Annotated[float, "the adapter's mean score on them, 0 to 1"]
    rest: Annotated[float, "its mean score on all other rows"]
    difference: Annotated[Estimate, Bare("its interval"), "score less rest"]
    p_value: Annotated[float, "Mann-Whitney test of no difference"]
    q_value: Annotated[float, "p-value adjusted for the number of slices (Benjamini and Hochberg)"]
    discovered: Annotated[
        bool, "whether a decision tree found it on the other half of the rows; else a column gives it"
    ]


@dataclass(frozen=True)
class NoiseFigures:
    """estimated share of wrong labels in one split"""

    rows: Annotated[Count, "rows with the field"]
    rate: Annotated[Estimate, "share of labels that a model which did not see the row contradicts where it is surest"]
    upper_bound: Annotated[bool, "whether the model's own mistakes are part of it"]


@dataclass(frozen=True)
class LabelNoise:
    """wrong labels of one class field, by split"""

    splits: Annotated[Mapping[str, NoiseFigures], "estimate by split"]
    ceiling: Annotated[float | None, "accuracy that the test labels allow at most: 1 - the test's rate"]
    differs: Annotated[float | None, "smallest p-value that train and another split have equal shares of wrong labels"]


@dataclass(frozen=True)
class ShortcutFigures:
    """what a linear model reaches on one class field with only a part of the prompt; accuracies"""

    majority: Annotated[float, "of the most frequent class"]
    whole: Annotated[float, "with the whole prompt"]
    context: Annotated[float, "with the context block alone"]
    conversation: Annotated[float, "with the conversation alone"]
    context_decides: Annotated[bool, "whether the context block alone answers as well as the whole prompt"]
    word: Annotated[str | None, "the single word that alone answers as well as the whole prompt"]


@dataclass(frozen=True)
class Scrutiny:
    """general checks for mistakes that nobody listed"""

    closeness: Closeness
    slices: Annotated[Sequence[SliceFigures] | None, "slices of the test rows, the worst first"]
    label_noise: Annotated[Mapping[str, LabelNoise] | None, "wrong labels by field"]
    shortcuts: Annotated[Mapping[str, ShortcutFigures] | None, "what decides each field"]
    score_drop: Annotated[
        Estimate, "the adapter's mean score on the validation rows generated for, less that on the test rows"
    ]
