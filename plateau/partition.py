"""Tables to split tables, and the proof that nothing leaked between them."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from plateau import splits
from plateau.errors import BadInputError
from plateau.system import SPLITS


def divide(records: pa.Table, options: Mapping[str, Any], seed: int) -> tuple[dict[str, pa.Table], dict[str, int]]:
    """The rows of each split, in order of start and id, and how many rows were left out for what reason."""
    ordered = records.sort_by([("start_utc", "ascending"), ("id", "ascending")])
    sizes = splits.Sizes(options["train_size"], options["valid_size"], options["test_size"])
    times = times_of(ordered)
    made = splits.split(
        times, groups_of(ordered, options["group_by"]), texts_of(ordered), options["strategy"], sizes, seed
    )
    return {name: ordered.take(pa.array(made.rows[name])) for name in SPLITS}, made.dropped


def times_of(records: pa.Table) -> splits.Ints:
    """Start of each row in microseconds since 1970, UTC."""
    return np.asarray(records["start_utc"].cast(pa.int64()))


def groups_of(records: pa.Table, column: str | None) -> splits.Ints:
    """Codes of a column; rows without a value, or all rows for None, are groups of their own."""
    if column is None:
        return np.arange(len(records), dtype=np.int64)
    plain = [field.name for field in records.schema if field.name != "target" and not pa.types.is_nested(field.type)]
    if column not in plain:
        raise BadInputError(f"split.group_by: no column '{column}'; the records have {', '.join(plain)}")
    return codes(records[column])


def texts_of(records: pa.Table) -> splits.Ints:
    """Codes of what was said and by whom: equal for conversations that are equal word for word."""
    turns = records["turns"].combine_chunks()
    role, text = (turns.flatten().field(name).cast(pa.large_string()) for name in ("role", "text"))
    tab, line_end = (pa.scalar(mark, pa.large_string()) for mark in "\t\n")
    lines = pc.binary_join_element_wise(role, text, tab)
    return codes(pc.binary_join(pa.ListArray.from_arrays(_offsets(turns), lines), line_end))


def codes(values: pa.Array | pa.ChunkedArray) -> splits.Ints:
    """Equal values to equal codes, in order of first appearance; each missing value to a code of its own."""
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    found = np.asarray(whole.dictionary_encode().indices.cast(pa.int64()).fill_null(-1))
    return np.where(found < 0, len(found) + np.arange(len(found)), found)


def _offsets(lists: pa.ListArray) -> pa.Array:
    """Offsets into the flattened list, from 0, whatever slice of a table it is."""
    return pa.array(np.concatenate([[0], np.cumsum(np.asarray(lists.value_lengths()))]), pa.int32())


def summary(
    tables: Mapping[str, pa.Table], dropped: Mapping[str, int], options: Mapping[str, Any], target: Any
) -> dict[str, Any]:
    """Figures for metrics/split.json, counted anew from the tables that are written."""
    together = pa.concat_tables([tables[name] for name in SPLITS])
    parts = np.cumsum([0, *(len(tables[name]) for name in SPLITS)])

    def shared(found: splits.Ints) -> dict[str, int]:
        return splits.shared({name: found[parts[number] : parts[number + 1]] for number, name in enumerate(SPLITS)})

    times = {name: times_of(tables[name]) for name in SPLITS}
    return {
        "strategy": options["strategy"],
        "group_by": options["group_by"],
        "rows": {name: len(tables[name]) for name in SPLITS},
        "dropped": dict(dropped),
        "earliest": {name: _moment(tables[name], pc.min) for name in SPLITS},
        "latest": {name: _moment(tables[name], pc.max) for name in SPLITS},
        "ordered_in_time": splits.is_ordered(times),
        "shared_ids": shared(codes(together["id"])),
        "shared_conversations": shared(texts_of(together)),
        "shared_groups": shared(groups_of(together, options["group_by"])),
        "classes": class_counts(tables, target),
    }


def _moment(records: pa.Table, pick: Any) -> str:
    return str(pick(records["start_utc"]).as_py().isoformat())


def class_counts(tables: Mapping[str, pa.Table], target: Any) -> dict[str, dict[str, dict[str, int]]]:
    """For each target property of few values (enum or boolean): split, value, rows; `absent` where it is left out."""
    properties = target.get("properties", {}) if isinstance(target, dict) else {}
    names = [
        name
        for name, rule in properties.items()
        if isinstance(rule, dict) and (rule.get("enum") or rule.get("type") == "boolean")
    ]
    targets = {split: [json.loads(text) for text in table["target"].to_pylist()] for split, table in tables.items()}
    return {name: {split: _counts(rows, name, properties[name]) for split, rows in targets.items()} for name in names}


def _counts(rows: list[dict[str, Any]], name: str, rule: Mapping[str, Any]) -> dict[str, int]:
    found = Counter(_shown(row[name]) if name in row else "absent" for row in rows)
    order = [_shown(value) for value in rule.get("enum", [False, True])]
    return {value: found[value] for value in dict.fromkeys([*order, *sorted(found)]) if found[value] or value in order}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
