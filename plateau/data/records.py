"""Turn raw items into checked Arrow rows, batch by batch, by pure functions that may run in any process."""

import contextlib
import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate
from typing import Any, NamedTuple
from zlib import crc32

import pyarrow as pa

from plateau.data import mapping, readers
from plateau.data.contracts import Contract
from plateau.data.readers import Raw
from plateau.data.sources import Problem, RefusedError
from plateau.data.specials import first_in
from plateau.data.strict_json import strings

Check = Callable[[Any], Problem | None]

KINDS = ("transcripts", "analyses")
BATCH_ROWS = 2048
BATCH_BYTES = 8 * 2**20
TURN = pa.struct([("role", pa.string()), ("text", pa.string()), ("time", pa.string())])
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("start", pa.string()),
        ("start_utc", pa.timestamp("us", "UTC")),
        ("queue_wait_time_seconds", pa.float64()),
        ("customer_id", pa.string()),
        ("agent_id", pa.string()),
        ("turns", pa.list_(TURN)),
        ("target", pa.string()),
    ]
)
PREDEFINED = pa.field("split", pa.string())  # a column of data/prepared.parquet where some record names its split
WITH_SPLIT = SCHEMA.insert(len(SCHEMA) - 1, PREDEFINED)
ROWS = pa.schema([*list(WITH_SPLIT)[:-1], ("seq", pa.int64())])
KEYS = pa.schema(
    [
        ("kind", pa.int8()),
        ("bad", pa.bool_()),
        ("id", pa.string()),
        ("digest", pa.int64()),
        ("seq", pa.int64()),
        ("file", pa.string()),
        ("line", pa.int64()),
        ("target", pa.string()),
    ]
)
ANALYSIS = Contract(
    {
        "type": "object",
        "required": ["id", "target"],
        "properties": {"id": {"type": "string", "minLength": 1, "maxLength": 200}},
    },
    "analysis",
)


_CANONICAL = json.JSONEncoder(sort_keys=True)


class Rules(NamedTuple):
    """The rules for records, as texts that can be sent to another process: two JSON Schemas and the mapping as JSON, and the model's special tokens.

    The special tokens are None where no model is known yet.
    """

    transcript: str
    target: str
    mapping: str = "null"
    specials: tuple[str, ...] | None = None


class Reject(NamedTuple):
    """One line of rejected.jsonl; `record` is the raw text, at most 2,000 characters of it."""

    file: str
    line: int | None
    id: str | None
    reason: str
    detail: str
    record: str


class Examined(NamedTuple):
    """The result of one batch: valid transcripts as ROWS, KEYS of all items with an id by bucket, rejects, and counts."""

    rows: pa.RecordBatch
    keys: list[tuple[int, pa.RecordBatch]]
    rejects: list[Reject]
    counts: Counter[str]


@lru_cache(maxsize=4)
def compiled(rules: Rules) -> tuple[dict[str, Check], Contract, Any]:
    """The checks by kind, the target's contract and the mapping."""
    target = Contract(json.loads(rules.target), "target.schema.json", formats=True)
    transcript = Contract(json.loads(rules.transcript), "transcript.schema.json")
    checks = {"transcripts": transcript_check(transcript), "analyses": analysis_check(target, rules.specials)}
    return checks, target, json.loads(rules.mapping)


def batches(raws: Iterable[Raw]) -> Iterator[tuple[int, list[Raw]]]:
    """Items in batches of bounded rows and bytes, each with the number of its first item."""
    held: list[Raw] = []
    first = used = 0
    for raw in raws:
        held.append(raw)
        used += len(raw.data)
        if len(held) == BATCH_ROWS or used > BATCH_BYTES:
            yield first, held
            first, held, used = first + len(held), [], 0
    if held:
        yield first, held


def examine(rules: Rules, kinds: tuple[str, ...], buckets: int, batch: tuple[int, list[Raw]]) -> Examined:
    """Read, map and check the items of one batch, each as a transcript, an analysis or both."""
    first, raws = batch
    rows: list[dict[str, Any]] = []
    keys: list[tuple[Any, ...]] = []
    rejects: list[Reject] = []
    counts: Counter[str] = Counter()
    for seq, raw in enumerate(map(readers.parsed, raws), first):
        counts.update(kinds)
        for kind in kinds:
            value, problem = judged(rules, kind, raw)
            name = identity(value)
            if problem:
                rejects.append(Reject(raw.file, raw.line, name, *problem, raw.shown()))
                counts["nameless"] += kind == "transcripts" and raw.line is not None and not name
            if name:
                found = (None, None) if problem else _kept(rules, kind, value)
                keys.append((KINDS.index(kind), problem is not None, name, found[0], seq, raw.file, raw.line, found[1]))
            if problem:
                break
            if kind == "transcripts":
                rows.append(row(value, seq))
                counts["predefined"] += rows[-1]["split"] is not None
    return Examined(as_batch(rows), _by_bucket(keys, buckets), rejects, counts)


def judged(rules: Rules, kind: str, raw: Raw) -> tuple[Any, Problem | None]:
    """The item in the form of its contract, and its problem if it has one."""
    checks, target, declared = compiled(rules)
    if raw.problem:
        return raw.value, raw.problem
    try:
        value = mapped(raw, kind, declared, target)
    except RefusedError as refused:
        return _nameable(raw, kind, declared), refused.problem
    return value, checks[kind](value)


def mapped(raw: Raw, kind: str, declared: Any, target: Contract) -> Any:
    """Apply the mapping, if there is one; raises RefusedError where it does not fit the value."""
    if declared is None:
        return raw.value
    if not isinstance(raw.value, dict):
        raise RefusedError("wrong_type", f"record: {type(raw.value).__name__} in place of an object")
    place = (raw.file, raw.line)
    if kind == "transcripts":
        return mapping.transcript(raw.value, place, declared["transcripts"])
    return mapping.analysis(raw.value, place, declared, target.root)


def _nameable(raw: Raw, kind: str, declared: Any) -> Any:
    """Only the id of an item that could not be mapped, so that its partner is not reported as missing one."""
    part = declared[kind] if "id" in declared[kind] else declared["transcripts"]
    with contextlib.suppress(RefusedError):
        return {"id": mapping.identity(raw.value, (raw.file, raw.line), part)}
    return None


def identity(value: Any) -> str | None:
    """The id of a transcript or analysis, if it has one."""
    name = value.get("id") if isinstance(value, dict) else None
    return name if isinstance(name, str) and name else None


def digest(value: Any) -> int:
    """A hash that is equal for equal contents, whatever the order of keys."""
    text = _CANONICAL.encode(value).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big", signed=True)


def _kept(rules: Rules, kind: str, value: Any) -> tuple[int, str | None]:
    """The digest of a valid item, and for an analysis its target as JSON text, in which 2 and 2.0 are equal."""
    if kind != "analyses":
        return digest(value), None
    target = compiled(rules)[1].root.canonical(value["target"])
    return digest({**value, "target": target}), json.dumps(target, ensure_ascii=False)


def _by_bucket(keys: list[tuple[Any, ...]], buckets: int) -> list[tuple[int, pa.RecordBatch]]:
    """The keys by a hash of their ids, so that equal ids meet in one bucket."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    for key in keys:
        found.setdefault(crc32(key[2].encode()) % buckets, []).append(key)
    return [(bucket, _key_batch(part)) for bucket, part in sorted(found.items())]


def _key_batch(keys: list[tuple[Any, ...]]) -> pa.RecordBatch:
    columns = zip(zip(*keys, strict=True), KEYS.types, strict=True)
    return pa.RecordBatch.from_arrays([pa.array(values, kind) for values, kind in columns], schema=KEYS)


def transcript_check(contract: Contract) -> Check:
    """Check a transcript: first its schema, then its times, which JSON Schema cannot check."""

    def check(value: Any) -> Problem | None:
        problem = contract.check(value)
        return problem or _check_times(value)

    return check


def analysis_check(target: Contract, specials: tuple[str, ...] | None = None) -> Check:
    """Check an analysis: it has an id and a target, and the target is valid by the system's schema."""

    def check(value: Any) -> Problem | None:
        problem = ANALYSIS.check(value)
        if problem:
            return problem
        return target.check(value["target"], ["target"]) or _special(value["target"], specials)

    return check


def _special(target: Any, specials: tuple[str, ...] | None) -> Problem | None:
    """Find a special token of the model in the texts of a target; a model can never write it as text."""
    texts = list(strings(target))
    if not first_in("\n".join(texts), specials):  # nearly always true, and faster than asking text by text
        return None
    for text in texts:
        if token := first_in(text, specials):
            return Problem(
                "special_token",
                f"target: {text[:100]!r} holds {token!r}, a special token of the model; change the text",
            )
    return None


def _check_times(value: Any) -> Problem | None:
    start = value.get("start")
    problem = None if start is None else _check_time("start", start)
    for number, turn in enumerate(value["turns"]):
        if problem:
            break
        time = turn.get("time")
        problem = _check_time(f"turns.{number}.time", time) if time is not None else None
    return problem


def _check_time(where: str, text: str) -> Problem | None:
    try:
        parse_time(text)
    except NaiveTimeError:
        return Problem("naive_time", f"{where}: {text[:100]!r} has no offset from UTC; write it as +02:00 or Z")
    except (ValueError, OverflowError) as error:
        return Problem(
            "impossible_time", f"{where}: {text[:100]!r} is no ISO 8601 time between 1970 and 2199: {str(error)[:100]}"
        )
    return None


class NaiveTimeError(ValueError):
    """A time without an offset from UTC."""


def parse_time(text: str) -> dt.datetime:
    """An ISO 8601 time with offset, as UTC; NaiveTimeError without one, ValueError or OverflowError when impossible."""
    time = dt.datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise NaiveTimeError(text)
    utc = time.astimezone(dt.UTC)
    if not 1970 <= utc.year < 2200:
        raise ValueError(f"year {utc.year}")
    return utc


def row(transcript: Mapping[str, Any], seq: int) -> dict[str, Any]:
    """One row of ROWS. This is the only place where a record's texts can be changed before they are stored."""
    wait, start = transcript.get("queue_wait_time_seconds"), transcript.get("start")
    return {
        "id": transcript["id"],
        "start": start,
        "start_utc": None if start is None else parse_time(start),
        "queue_wait_time_seconds": None if wait is None else float(wait),
        "customer_id": transcript.get("customer_id"),
        "agent_id": transcript.get("agent_id"),
        "turns": transcript["turns"],
        "split": transcript.get("split"),
        "seq": seq,
    }


def as_batch(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    """Rows as Arrow columns. Turns are flattened here, because Arrow's own conversion of nested objects is 20 times slower."""
    columns = {field.name: [row[field.name] for row in rows] for field in ROWS}
    flat = [turn for turns in columns["turns"] for turn in turns]
    ends = list(accumulate(map(len, columns["turns"]), initial=0))
    texts = [pa.array([turn.get(field.name) for turn in flat], field.type) for field in TURN]
    turns = pa.ListArray.from_arrays(ends, pa.StructArray.from_arrays(texts, fields=list(TURN)))
    arrays = [turns if field.name == "turns" else pa.array(columns[field.name], field.type) for field in ROWS]
    return pa.RecordBatch.from_arrays(arrays, schema=ROWS)
