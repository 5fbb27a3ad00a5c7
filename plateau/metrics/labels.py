"""metrics/labels.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from plateau.core.figures import Count, Exact, Keys

REASONS = {
    "conflicting": "labels that differ from those of a near-duplicate",
    "doubtful": "labels that a word model fitted on other rows speaks against",
}


@dataclass(frozen=True)
class Field:
    """what one field of the target holds"""

    kind: Annotated[str, "what the field holds: class (few values), boolean, number, text or other"]
    present: Annotated[Count, "records that have the field"]
    distinct: Annotated[Count, "different values"]
    counts: Annotated[Mapping[str, Count], "records by value of an enum or boolean field; (none) where it has no value"]
    lowest: Annotated[Exact | None, "least value of a number"]
    highest: Annotated[Exact | None, "greatest value of a number"]
    mean: Annotated[float | None, "mean of a number"]


@dataclass(frozen=True)
class Labels:
    """What is odd about the labels."""

    rows: Annotated[Count, "records"]
    constant_fields: Annotated[
        Sequence[str], "fields that hold the same value in every record; there is nothing to learn"
    ]
    missing_fields: Annotated[Sequence[str], "fields of the schema that no record has"]
    unseen_values: Annotated[
        Mapping[str, Sequence[str]], "values of enum and boolean fields that no record has, by field"
    ]
    alike_pairs: Annotated[Count, "pairs of conversations that are equal word for word or near-duplicates"]
    conflicting_pairs: Annotated[
        Count,
        "of these, pairs with another value in some enum or boolean field; data/review.csv shows them",
    ]
    conflicts: Annotated[Mapping[str, Count], "conflicting pairs by field"]
    fields: Annotated[Mapping[str, Field], "what each field of the target holds"]
    review_rows: Annotated[
        Mapping[str, Count],
        Keys(REASONS),
        "rows of data/review.csv by reason",
    ]
