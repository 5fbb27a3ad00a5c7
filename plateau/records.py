"""Raw transcripts and analyses to valid records: join by id, hold both to their schemas, reject with place and reason."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pyarrow as pa

from plateau.contracts import Contract, target_text
from plateau.errors import BadInputError
from plateau.readers import Problem, Raw

Check = Callable[[Any], Problem | None]

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
ANALYSIS = Contract(
    {
        "type": "object",
        "required": ["id", "target"],
        "properties": {"id": {"type": "string", "minLength": 1, "maxLength": 200}},
    },
    "analysis",
)


@dataclass
class Collected:
    """What one kind of raw file gave: good items by id, ids that were seen but rejected, and rejects."""

    good: dict[str, Raw] = field(default_factory=dict)
    bad_ids: set[str] = field(default_factory=set)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    read: int = 0
    nameless: int = 0
    duplicates: int = 0

    def reject(self, raw: Raw, problem: Problem) -> None:
        """Set one item aside with its place and the reason."""
        name = _id(raw.value)
        self.rejects.append(reject_line(raw, problem))
        self.bad_ids |= {name} if name else set()
        self.nameless += raw.line is not None and not name


def reject_line(raw: Raw, problem: Problem) -> dict[str, Any]:
    """One line of rejected.jsonl; `record` is the raw text, at most 2,000 characters of it."""
    place = {"file": raw.file, "line": raw.line, "id": _id(raw.value)}
    return {**place, "reason": problem.reason, "detail": problem.detail, "record": raw.shown()}


def _id(value: Any) -> str | None:
    name = value.get("id") if isinstance(value, dict) else None
    return name if isinstance(name, str) and name else None


def collect(raws: Iterable[Raw], check: Check) -> Collected:
    """Check every item; drop exact duplicates; reject all items of an id that stands for different contents."""
    found = Collected()
    conflicting: dict[str, Problem] = {}
    for raw in raws:
        found.read += 1
        problem = raw.problem or check(raw.value)
        name = _id(raw.value) or ""
        first = found.good.get(name)
        if problem or name in conflicting:
            found.reject(raw, problem or conflicting[name])
        elif first is None:
            found.good[name] = raw
        elif first.value == raw.value:
            found.duplicates += 1
        else:
            conflicting[name] = Problem(
                "conflicting_id", f"id also at {first.file} line {first.line}, with other contents"
            )
            found.reject(raw, conflicting[name])
            found.reject(
                found.good.pop(name),
                Problem("conflicting_id", f"id also at {raw.file} line {raw.line}, with other contents"),
            )
    return found


def transcript_check(contract: Contract) -> Check:
    """Schema first, then the times, which JSON Schema cannot judge."""

    def check(value: Any) -> Problem | None:
        problem = contract.check(value)
        return problem or _check_times(value)

    return check


def analysis_check(target: Contract) -> Check:
    """An analysis is an id and a target; the target is held to the system's schema."""

    def check(value: Any) -> Problem | None:
        problem = ANALYSIS.check(value)
        if problem:
            return problem
        inner = target.check(value["target"])
        return Problem(inner.reason, f"target.{inner.detail}") if inner else None

    return check


def _check_times(value: Any) -> Problem | None:
    problem = _check_time("start", value["start"])
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


def join(transcripts: Collected, analyses: Collected) -> Iterator[tuple[Raw, Raw]]:
    """Pairs in the order of the transcripts. Rejects what has no partner, unless the partner itself was rejected."""
    for name, transcript in transcripts.good.items():
        analysis = analyses.good.get(name)
        if analysis:
            yield transcript, analysis
        elif name not in analyses.bad_ids:
            transcripts.reject(transcript, Problem("missing_analysis", "no analysis has this id"))
    known = transcripts.good.keys() | transcripts.bad_ids
    for name, analysis in analyses.good.items():
        if name not in known:
            analyses.reject(analysis, Problem("missing_transcript", "no transcript has this id"))


def row(transcript: Any, analysis: Any, target_schema: Any) -> dict[str, Any]:
    """One prepared row of SCHEMA."""
    wait = transcript.get("queue_wait_time_seconds")
    return {
        "id": transcript["id"],
        "start": transcript["start"],
        "start_utc": parse_time(transcript["start"]),
        "queue_wait_time_seconds": None if wait is None else float(wait),
        "customer_id": transcript.get("customer_id"),
        "agent_id": transcript.get("agent_id"),
        "turns": [
            {"role": turn["role"], "text": turn["text"], "time": turn.get("time")} for turn in transcript["turns"]
        ],
        "target": target_text(analysis["target"], target_schema),
    }


def batches(pairs: Iterable[tuple[Raw, Raw]], target_schema: Any, size: int = 4096) -> Iterator[pa.RecordBatch]:
    """Prepared rows as Arrow batches of at most `size`."""
    rows = (row(transcript.value, analysis.value, target_schema) for transcript, analysis in pairs)
    while part := list(islice(rows, size)):
        yield pa.RecordBatch.from_pylist(part, SCHEMA)


def rejects(transcripts: Collected, analyses: Collected) -> list[dict[str, Any]]:
    """All rejects by place."""
    return sorted(transcripts.rejects + analyses.rejects, key=lambda line: (line["file"], line["line"] or 0))


def summary(transcripts: Collected, analyses: Collected, pairs: Sequence[tuple[Raw, Raw]]) -> dict[str, Any]:
    """Counts for metrics/prepare.json. A conversation is an id of either kind, or a transcript whose id cannot be read."""
    lines = rejects(transcripts, analyses)
    starts = [parse_time(transcript.value["start"]).isoformat() for transcript, _ in pairs]
    names = transcripts.good.keys() | transcripts.bad_ids | analyses.good.keys() | analyses.bad_ids
    conversations = len(names) + transcripts.nameless
    return {
        "transcripts": transcripts.read,
        "analyses": analyses.read,
        "conversations": conversations,
        "accepted": len(pairs),
        "duplicates_dropped": transcripts.duplicates + analyses.duplicates,
        "rejected": len(lines),
        "rejected_share": round(1 - len(pairs) / conversations, 6) if conversations else 0.0,
        "earliest_start": min(starts, default=None),
        "latest_start": max(starts, default=None),
        "rejected_by_reason": dict(sorted(Counter(line["reason"] for line in lines).items())),
    }


def check_share(summary: dict[str, Any], limit: float, rejected: object) -> None:
    """Raise BadInputError when nothing was accepted or too large a share of the conversations was lost."""
    counts = ", ".join(f"{reason} {count:,}" for reason, count in summary["rejected_by_reason"].items())
    if not summary["accepted"]:
        raise BadInputError(f"no valid conversation in data/raw ({counts or 'the files are empty'}); see {rejected}")
    if summary["rejected_share"] > limit:
        raise BadInputError(
            f"{summary['rejected_share']:.1%} of {summary['conversations']:,} conversations were rejected, more than "
            f"prepare.max_rejected = {limit:.1%} ({counts}); see {rejected}, correct the data or raise the limit"
        )
