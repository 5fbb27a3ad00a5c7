"""Turn records into prompts, batch by batch, with the functions of the stages prepare, temporal and convert. Pure functions, so any process can run them."""

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

_ANSWER = "null"  # stands in for the answer, which a new record does not have
_IDENTITY = ("id", *context.KNOWN)
_NO_TIME = np.iinfo(np.int64).min


class Setup(NamedTuple):
    """The settings that turn records into prompts; can be pickled for another process."""

    rules: Rules
    guard: privacy.Rules
    temporal: Mapping[str, Any]
    prompts: conversion.Setup


class Asked(NamedTuple):
    """One record: its id if it has one, its place in the input, and either the token ids of its prompt or the reason why it has no prompt."""

    id: str | None
    place: str
    prompt: list[int] | None = None
    reason: str | None = None
    dropped_turns: int = 0


class Batch(NamedTuple):
    """Some items, and the history features of each, if prompts show them."""

    items: list[Item]
    contacts: dict[str, pa.Array]


def setup(system: System, values: Mapping[str, Any], room: int) -> Setup:
    """The settings for a system's prompts; each prompt leaves `room` tokens for the answer."""
    options = preparation.options(values["prepare"])
    base = system.path("models", "base")
    rules = preparation.rules(system.schema("transcript"), system.schema("target"), options["mapping"], base)
    prompts = conversion.setup(system, values)._replace(room=room)
    return Setup(rules, privacy.rules(options["privacy"], {}), values["temporal"], prompts)


def asked(setup: Setup, batch: Batch) -> list[Asked]:
    """The prompts of a batch, in order. A record that cannot become a prompt gets a reason instead; the others are not affected."""
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
    """For each row of the table: its prompt and the number of dropped turns, or the reason why it has no prompt."""
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
    """Render the rows together. If that fails, render them one by one, so that only the bad row is set aside."""
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
    """The history features of each record of an input, by record number, if prompts show them; and the number of records.

    Earlier contacts come from the prepared records of the system and from the whole input; a contact that is in both counts once.
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
    """The number of items, and customer and time of each valid item."""
    rows = []
    for item in items:
        value, problem = records.judged(rules, "transcripts", readers.parsed(item.raw))
        rows += [] if problem else [records.row(value, item.number)]
    return len(items), records.as_batch(rows).select(["seq", *_IDENTITY])


def _of_distinct(contacts: pa.Table) -> dict[str, pa.Array]:
    """The history features of contacts; a repeated contact counts once."""
    starts = contacts["start_utc"].cast(pa.int64()).combine_chunks().fill_null(_NO_TIME)
    codes = [_codes(contacts["id"]), np.asarray(starts), _codes(contacts["customer_id"])]
    _, first, inverse = np.unique(np.stack(codes, axis=1), axis=0, return_index=True, return_inverse=True)
    features = context.contacts(contacts.take(pa.array(first)).combine_chunks())
    return {name: values.take(pa.array(inverse.ravel())) for name, values in features.items()}


def _codes(column: pa.ChunkedArray) -> Any:
    codes = column.combine_chunks().dictionary_encode().indices.cast(pa.int64())
    return np.asarray(codes.fill_null(-1))
