"""metrics/split.json."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, Literal

from plateau.core.figures import Count, Decimals, Keys, Share
from plateau.core.system import SPLITS


def _splits(doc: str) -> Keys:
    """A key a split; `doc` has a place for its name."""
    return Keys({name: doc.format(name) for name in SPLITS})


def _pairs(doc: str) -> Keys:
    """A key each two splits; `doc` has places for their names."""
    return Keys({f"{a}_{b}": doc.format(a, b) for a, b in combinations(SPLITS, 2)})


@dataclass(frozen=True)
class NearDuplicates:
    """near-duplicates among all records, including pairs within one split"""

    pairs: Annotated[
        Count,
        "pairs of conversations whose sets of word triples have a Jaccard similarity of at least split.near_duplicates",
    ]
    rows: Annotated[Count, "conversations in at least one such pair"]


@dataclass(frozen=True)
class Drift:
    """how far the values of a field differ between two splits"""

    distance: Annotated[
        Share,
        "total variation distance for a class field, Kolmogorov-Smirnov statistic for a number; 0: same distribution, 1: no common values",
    ]
    psi: Annotated[
        float | None,
        Decimals(6),
        "population stability index of a class field; 0.2 or more usually counts as a shift; null for numbers",
    ]
    p_value: Annotated[Share, "p-value of the hypothesis of no change (chi-squared or Kolmogorov-Smirnov test)"]


@dataclass(frozen=True)
class Split:
    """Sizes of the splits, dropped rows, and the evidence that nothing leaked between them."""

    strategy: Annotated[
        Literal["time", "random", "hash", "column"],
        "how rows were assigned; column for a predefined split (split.column)",
    ]
    group_by: Annotated[str | None, "column whose values never occur in two splits"]
    rows: Annotated[Mapping[str, Count], _splits("rows: {}"), "rows"]
    calibration_rows: Annotated[
        Count, "rows of data/split/calibration.parquet, which no training, stopping or selection reads"
    ]
    blind_rows: Annotated[Count, "rows of data/split/blind.parquet, which no stage reads"]
    test_ids: Annotated[str, "SHA-256 of the sorted ids of the test rows, one per line; equal for equal test splits"]
    unused_share: Annotated[Share, "share of the records in no split, without those beyond train_size"]
    dropped: Annotated[
        Mapping[str, Count],
        "rows in no split, by reason: repeated_conversation (word for word as another one), group_in_later_split or "
        "group_in_other_split (another split has the group), near_duplicate_in_later_split or near_duplicate_in_other_split "
        "(another split has a near-duplicate), no_split_named (split.column has no value), around_the_cuts (between train and valid or valid and test), beyond_train_size",
    ]
    earliest: Annotated[
        Mapping[str, str | None],
        _splits("first start, ISO 8601 in UTC: {}"),
        "first start, ISO 8601 in UTC; null where no row has a time",
    ]
    latest: Annotated[
        Mapping[str, str | None],
        _splits("last start, ISO 8601 in UTC: {}"),
        "last start, ISO 8601 in UTC; null where no row has a time",
    ]
    ordered_in_time: Annotated[
        bool | None,
        "whether all train rows are earlier than all valid rows, and these earlier than all test rows; null if a row has no time",
    ]
    shared_ids: Annotated[
        Mapping[str, Count],
        _pairs("ids in both {} and {}"),
        "ids that two splits have in common; anything but 0 is a leak",
    ]
    shared_conversations: Annotated[
        Mapping[str, Count],
        _pairs("conversations, word for word, in both {} and {}"),
        "conversations, word for word, that two splits have in common; anything but 0 is a leak",
    ]
    shared_near_duplicates: Annotated[
        Mapping[str, Count],
        _pairs("near-duplicates with one row in each of {} and {}"),
        "pairs of near-duplicates (split.near_duplicates) that two splits have in common; anything but 0 is a leak",
    ]
    shared_groups: Annotated[
        Mapping[str, Count],
        _pairs("values of group_by in both {} and {}"),
        "values of group_by that two splits have in common; anything but 0 is a leak",
    ]
    near_duplicates: NearDuplicates
    classes: Annotated[
        Mapping[
            str,
            Annotated[
                Mapping[str, Mapping[str, Count]],
                _splits("rows of {} by value; (none) counts rows without a value"),
                "rows by split and value",
            ],
        ],
        "for each class field of the target: rows by split and value",
    ]
    label_drift: Annotated[
        Mapping[str, Annotated[Mapping[str, Drift], _pairs("{} against {}")]],
        "how far the labels differ between two splits, by field",
    ]
