"""Records to prompts, batch by batch, by the functions that prepare, temporal and convert call: a pure function for any process."""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from plateau.core.errors import BadInputError
from plateau.core.system import System
from plateau.data import context, parquet, preparation, privacy, readers, records
from plateau.data.engine import Engine
from plateau.data.records import Rules
from plateau.predict.items import Item
from plateau.prompts import conversion
from plateau.prompts.examples import Example, Renderer

_ANSWER = "null"  # stands where a training record has its answer
_IDENTITY = ("id", *context.KNOWN)
_NO_TIME = np.iinfo(np.int64).min


class Setup(NamedTuple):
    """How records become prompts, as it travels to another process."""

    rules: Rules
    guard: privacy.Rules
    temporal: Mapping[str, Any]
    prompts: conversion.Setup


class Asked(NamedTuple):
    """One record: its id if it has one, its place, and either the ids of its prompt or the reason why there is none."""

    id: str | None
    place: str
    prompt: list[int] | None = None
    reason: str | None = None
    dropped_turns: int = 0


class Batch(NamedTuple):
    """Items, and what earlier contacts say of each, where prompts show it."""

    items: list[Item]
    contacts: dict[str, pa.Array]


def setup(system: System, values: Mapping[str, Any], room: int) -> Setup:
    """How the records of a system become prompts that leave `room` tokens for the answer."""
    options = preparation.options(values["prepare"])
    base = system.path("models", "base")
    rules = preparation.rules(system.schema("transcript"), system.schema("target"), options["mapping"], base)
    prompts = conversion.setup(system, values)._replace(room=room)
    return Setup(rules, privacy.rules(options["privacy"], {}), values["temporal"], prompts)


def asked(setup: Setup, batch: Batch) -> list[Asked]:
    """The prompts of a batch, in order; a record that cannot be asked about says why, and stops nothing."""
    found: list[Asked] = []
    rows: list[dict[str, Any]] = []
    for number, item in enumerate(batch.items):
        raw = readers.parsed(item.raw)
        value, problem = records.judged(setup.rules, "transcripts", raw)
        place = raw.file if raw.line is None else f"{raw.file}:{raw.line}"
        found.append(Asked(records.identity(value), place, reason=": ".join(problem) if problem else None))
        rows += [] if problem else [records.row(value, number)]
    if rows:
        good = [row["seq"] for row in rows]
        for number, made in zip(good, _rendered(setup, records.as_batch(rows), batch.contacts), strict=True):
            found[number] = found[number]._replace(**made)
    return found


def _rendered(setup: Setup, batch: pa.RecordBatch, contacts: Mapping[str, pa.Array]) -> list[dict[str, Any]]:
    """Prompt and dropped turns, or a reason, of each row of ROWS."""
    unanswered = pa.array([_ANSWER] * len(batch), pa.string())
    columns = [unanswered if name == "target" else batch[name] for name in records.SCHEMA.names]
    redacted, _ = privacy.batch(setup.guard, pa.RecordBatch.from_arrays(columns, schema=records.SCHEMA))
    shown = {name: redacted[name] for name in redacted.schema.names}
    shown |= context.clock(redacted, setup.temporal)
    shown |= {name: values.take(batch["seq"]) for name, values in contacts.items()}
    wanted = dict.fromkeys(("id", "turns", "target", *setup.prompts.context))
    if unknown := [name for name in wanted if name not in shown]:
        raise BadInputError(f"convert.context: no column '{unknown[0]}'; the records have {', '.join(shown)}")
    rows = pa.RecordBatch.from_pydict({name: shown[name] for name in wanted}).to_pylist()
    return _examples(conversion.renderer(setup.prompts), rows)


def _examples(renderer: Renderer, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows rendered together; one by one where one of them cannot be, so that it alone is set aside."""
    try:
        return [_prompt(example) for example in renderer.examples(rows)]
    except BadInputError as error:
        if len(rows) == 1:
            return [{"reason": f"not_rendered: {error}"}]
        return [made for row in rows for made in _examples(renderer, [row])]


def _prompt(example: Example) -> dict[str, Any]:
    return {"prompt": example.ids[: example.completion_start], "dropped_turns": example.dropped_turns}


def contacts(
    engine: Engine, system: System, setup: Setup, batches: Iterable[list[Item]]
) -> tuple[dict[str, pa.Array], int]:
    """What earlier contacts say of each record of an input by its number, where prompts show it; and how many records there are.

    Contacts are the records that the system was prepared with and those of the whole input; one that is in both counts once.
    """
    names = [name for name in setup.prompts.context if name in context.CONTACTS]
    if not names:
        return {}, sum(map(len, batches))
    count = 0
    seen = [pa.RecordBatch.from_pylist([], records.ROWS).select(["seq", *_IDENTITY])]
    for one, found in engine.map(partial(_seen, setup.rules), batches):
        count += one
        seen.append(found)
    new = pa.Table.from_batches(seen)
    path: Path = system.path("data", "prepared.parquet")
    known = parquet.columns(path, _IDENTITY)
    every = pa.concat_tables([known, new.select(_IDENTITY)])
    features = _of_distinct(every)
    places = np.full(count, -1)
    places[np.asarray(new["seq"])] = len(known) + np.arange(len(new))
    taken = pa.array(places, mask=places < 0)
    return {name: features[name].take(taken) for name in names}, count


def _seen(rules: Rules, items: list[Item]) -> tuple[int, pa.RecordBatch]:
    """How many items, and who called when in those that hold."""
    rows = []
    for item in items:
        value, problem = records.judged(rules, "transcripts", readers.parsed(item.raw))
        rows += [] if problem else [records.row(value, item.number)]
    return len(items), records.as_batch(rows).select(["seq", *_IDENTITY])


def _of_distinct(contacts: pa.Table) -> dict[str, pa.Array]:
    """The features of contacts, each of which counts once however often it stands there."""
    starts = contacts["start_utc"].cast(pa.int64()).combine_chunks().fill_null(_NO_TIME)
    codes = [_codes(contacts["id"]), np.asarray(starts), _codes(contacts["customer_id"])]
    _, first, inverse = np.unique(np.stack(codes, axis=1), axis=0, return_index=True, return_inverse=True)
    features = context.contacts(contacts.take(pa.array(first)).combine_chunks())
    return {name: values.take(pa.array(inverse.ravel())) for name, values in features.items()}


def _codes(column: pa.ChunkedArray) -> Any:
    codes = column.combine_chunks().dictionary_encode().indices.cast(pa.int64())
    return np.asarray(codes.fill_null(-1))
