"""Predictions as a table with one row per record and one column per target field, written as JSON lines, CSV or Parquet."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from plateau.core.errors import BadInputError
from plateau.data.fields import UNUSABLE, Field
from plateau.predict.predictor import Prediction

Row = dict[str, Any]
FIRST = {"id": pa.string()}
LAST = {
    "schema_valid": pa.bool_(),
    "finished": pa.bool_(),
    "reason": pa.string(),
    "tokens": pa.int64(),
    "prompt_tokens": pa.int64(),
    "dropped_turns": pa.int64(),
    "output": pa.string(),
    "place": pa.string(),
}
_SCALARS = {
    frozenset(("string",)): pa.string(),
    frozenset(("boolean",)): pa.bool_(),
    frozenset(("integer",)): pa.int64(),
    frozenset(("number",)): pa.float64(),
    frozenset(("integer", "number")): pa.float64(),
}
_MOST = 2**63 - 1
_TOGETHER = 4096


@dataclass(frozen=True)
class Columns:
    """The columns of the table. A target field whose name is taken by another column gets the prefix `target.`."""

    fields: tuple[Field, ...]

    @cached_property
    def named(self) -> dict[str, Field]:
        """The target fields by column name."""
        found: dict[str, Field] = {}
        for field in self.fields:
            name = field.name
            while name in found or name in FIRST or name in LAST:
                name = f"target.{name}"
            found[name] = field
        return found

    @cached_property
    def schema(self) -> pa.Schema:
        """Column names and types. Lists and objects are columns of JSON text."""
        of_fields = {name: _SCALARS.get(field.types, pa.string()) for name, field in self.named.items()}
        return pa.schema(list((FIRST | of_fields | LAST).items()))

    def row(self, made: Prediction) -> Row:
        """One prediction as a row. A value that the field's schema does not allow becomes null; the column `output` still shows it."""
        found = {name: self._value(field, made.answer) for name, field in self.named.items()}
        last = {name: getattr(made, name) for name in LAST}
        return {"id": made.id, **found, **last}

    def _value(self, field: Field, answer: Any) -> Any:
        value = None if answer is None and field.path else field.answer(answer)
        kind = _SCALARS.get(field.types)
        if value is UNUSABLE or value is None or (kind == pa.int64() and not -_MOST <= value <= _MOST):
            return None
        try:
            return int(value) if kind == pa.int64() else float(value) if kind == pa.float64() else value
        except OverflowError:
            return None

    def flat(self, row: Row) -> Row:
        """A row for a table without nested cells: a value that is no scalar of its column's type becomes JSON text."""
        texts = {
            name: json.dumps(row[name], ensure_ascii=False)
            for name, field in self.named.items()
            if field.types not in _SCALARS and row[name] is not None
        }
        return row | texts


Write = Callable[[Path, Columns, Iterable[Row], str], None]


def writer(path: Path) -> Write:
    """The writer for a file's ending; raises BadInputError for an unknown ending."""
    if path.suffix.lower() not in _WRITERS:
        raise BadInputError(f"--out: {path}: write to a file that ends with {', '.join(_WRITERS)}")
    return _WRITERS[path.suffix.lower()]


def line(row: Row) -> str:
    """A row as a line of JSON. A lone surrogate, which UTF-8 cannot encode, becomes a question mark."""
    text = json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8", "replace").decode("utf-8")


def _json_lines(path: Path, _: Columns, rows: Iterable[Row], __: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(map(line, rows))


def _csv(path: Path, columns: Columns, rows: Iterable[Row], _: str) -> None:
    """Write rows as CSV: null is an empty cell; booleans are `true` and `false`."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(columns.schema.names)
        for row in map(columns.flat, rows):
            table.writerow([str(v).lower() if isinstance(v, bool) else v for v in map(row.get, columns.schema.names)])


def _parquet(path: Path, columns: Columns, rows: Iterable[Row], metadata: str) -> None:
    schema = columns.schema.with_metadata({"plateau": metadata})
    with pq.ParquetWriter(path, schema, compression="zstd") as table:
        for some in _batched(map(columns.flat, rows)):
            table.write_batch(pa.RecordBatch.from_pylist(some, schema))


def _batched(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rows = iter(rows)
    while held := list(islice(rows, _TOGETHER)):
        yield held


_WRITERS: dict[str, Write] = {".jsonl": _json_lines, ".csv": _csv, ".parquet": _parquet}
