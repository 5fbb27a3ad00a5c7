"""Read the answers of a file in data/external/ as rows of predictions, with what a call took and cost where the file says so."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from plateau.core import files
from plateau.core.errors import BadInputError
from plateau.core.numbers import is_finite, rounded
from plateau.data import readers
from plateau.evaluation import external, rows
from plateau.evaluation.samples import Split

KEYS = ("id", "output", "latency_seconds", "cost")
CALL = ("latency_seconds", "cost")  # of one call; null where the file does not say
SCHEMA = pa.schema([*rows.SCHEMA, *(pa.field(name, pa.float64()) for name in CALL)])
_SHOWN = 5
_IDS = "the ids of the test rows are in data/split/test.parquet"


@dataclass(frozen=True)
class Answer:
    """One answer, and what its call took (seconds) and cost (in the currency of evaluate.price_input)."""

    output: str
    latency_seconds: float | None
    cost: float | None


@dataclass(frozen=True)
class Found:
    """The answers of one file to the sampled test rows; ids that the sample has and the file has not, and ids of no test row."""

    arm: str
    table: pa.Table
    lacking: Sequence[str]
    unknown: Sequence[str]

    @property
    def summary(self) -> str:
        """One line for people."""
        count = self.table.num_rows
        said = [f"{self.arm}: answers to {count:,} of {count + len(self.lacking):,} test rows that are asked about"]
        said += [f"{_named(self.lacking)} without an answer"] if self.lacking else []
        said += [f"left out, for no test row has the id: {_named(self.unknown)}"] if self.unknown else []
        return "; ".join(said)


def read(arm: str, path: Path, test: Split) -> Found:
    """The answers of a file to the sampled rows of the test split; raises BadInputError, with file and line, for one that is broken."""
    answers = _answers(path)
    sampled = [row for row in test.sampled.tolist() if test.examples.ids[row] in answers]
    if not sampled:
        raise BadInputError(
            f"{path}: answers none of the {len(test.sampled):,} test rows that are asked about; {_IDS}, column id"
        )
    given = [answers[test.examples.ids[row]] for row in sampled]
    table = rows.rows_of(
        test.examples,
        external.entry(arm),
        test.name,
        None,
        np.array(sampled, dtype=np.int64),
        [answer.output for answer in given],
        [0] * len(given),
    )
    for name in CALL:
        table = table.append_column(SCHEMA.field(name), pa.array([getattr(one, name) for one in given], pa.float64()))
    asked = [test.examples.ids[row] for row in test.sampled.tolist()]
    known = set(test.examples.ids)
    return Found(
        arm, table, [name for name in asked if name not in answers], [name for name in answers if name not in known]
    )


def write(path: Path, tables: Sequence[pa.Table], made_from: Mapping[str, str]) -> None:
    """Write the rows, none where there is no file, with the hashes that `rows.made_from` reads."""
    table = pa.concat_tables([SCHEMA.empty_table(), *tables])
    with files.replacing(path) as temporary:
        pq.write_table(table.replace_schema_metadata({"made_from": json.dumps(made_from)}), temporary)


def append(path: Path, found: pa.Table) -> None:
    """Put the rows of external arms behind those of a file of predictions; without any it stays as it is."""
    if not found.num_rows:
        return
    whole = pa.concat_tables([rows.read(path), found], promote_options="default").replace_schema_metadata({})
    with files.replacing(path) as temporary:
        pq.write_table(whole, temporary)


def _answers(path: Path) -> dict[str, Answer]:
    """Every answer of a file by its id."""
    found: dict[str, Answer] = {}
    for where, value in _lines(path):
        name = _id(where, value)
        if name in found:
            raise BadInputError(f"{where}: the id '{name}' a second time; leave one answer to a row")
        found[name] = Answer(_output(where, value), *(_number(where, value, key) for key in CALL))
    return found


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line, or row of a table, as an object, with file and line in words."""
    word = "row" if path.suffix == ".parquet" else "line"
    for raw in map(readers.parsed, readers.read_file(path, path.name, path.parent)):
        where = f"{path}, {word} {raw.line}" if raw.line is not None else str(path)
        if raw.problem:
            raise BadInputError(f"{where}: {raw.problem.reason}: {raw.problem.detail}")
        if not isinstance(raw.value, dict):
            raise BadInputError(f"{where}: no object of {', '.join(KEYS)}")
        yield where, raw.value


def _id(where: str, value: Mapping[str, Any]) -> str:
    name = value.get("id")
    if isinstance(name, bool) or not isinstance(name, str | int):
        raise BadInputError(f"{where}: it has no id; {_IDS}")
    return str(name)


def _output(where: str, value: Mapping[str, Any]) -> str:
    """The answer as text; an object or a list as its JSON."""
    output = value.get("output")
    if isinstance(output, str):
        return output
    if isinstance(output, dict | list):
        return json.dumps(output, ensure_ascii=False)
    if output is None:
        raise BadInputError(f'{where}: it has no output; write "" for a call without an answer, which counts as wrong')
    raise BadInputError(f"{where}: its output is {json.dumps(output)}; write the answer as text, or as an object")


def _number(where: str, value: Mapping[str, Any], key: str) -> float | None:
    number = value.get(key)
    if number is None:
        return None
    if not is_finite(number) or number < 0:
        raise BadInputError(f"{where}: {key} is {json.dumps(number)}; write a number, 0 or more, or leave it out")
    return rounded(number)


def _named(names: Sequence[str]) -> str:
    """How many, and the first of them."""
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{len(names):,} ({', '.join(names[:_SHOWN])}{more})"
