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
    """the values of one field of the target"""

    kind: Annotated[str, "what the field holds: class (few values), boolean, number, text or other"]
    present: Annotated[Count, "records that have the field"]
    distinct: Annotated[Count, "number of different values"]
    counts: Annotated[
        Mapping[str, Count],
        "number of records by value of an enum or boolean field; (none) counts records without a value",
    ]
    lowest: Annotated[Exact | None, "least value of a number"]
    highest: Annotated[Exact | None, "greatest value of a number"]
    mean: Annotated[float | None, "mean of a number"]


@dataclass(frozen=True)
class Labels:
    """Statistics of the labels, and which of them a person should check."""

    rows: Annotated[Count, "records"]
    constant_fields: Annotated[
        Sequence[str], "fields with the same value in every record, from which a model learns nothing"
    ]
    missing_fields: Annotated[Sequence[str], "fields of the schema that no record has"]
    unseen_values: Annotated[
        Mapping[str, Sequence[str]], "values of enum and boolean fields that no record has, by field"
    ]
    alike_pairs: Annotated[Count, "pairs of conversations that are equal word for word or near-duplicates"]
    conflicting_pairs: Annotated[
        Count,
        "alike pairs whose labels differ in some enum or boolean field; listed in data/review.csv",
    ]
    conflicts: Annotated[Mapping[str, Count], "conflicting pairs by field"]
    fields: Annotated[Mapping[str, Field], "the values of each field of the target"]
    review_rows: Annotated[
        Mapping[str, Count],
        Keys(REASONS),
        "rows of data/review.csv by reason",
    ]
