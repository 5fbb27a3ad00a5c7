"""Try a proposal on the sample before any file is written: which records are rejected, and how long prompts and answers are."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from plateau.core.errors import BadInputError
from plateau.core.files import read_json
from plateau.core.system import SHARED_SCHEMAS
from plateau.data import mapping, records
from plateau.data.readers import Raw
from plateau.data.records import Rules
from plateau.proposal import target
from plateau.proposal.proposal import Proposal
from plateau.proposal.sample import Source

_MOST_LOST = 0.5
_OWN_ROLES = ("customer", "agent")


@dataclass(frozen=True)
class Trial:
    """The result: conversations in the sample, the share of rejected ones and why, and lengths in characters."""

    conversations: int
    lost: float
    reasons: Counter[str]
    prompt: int
    answer: int
    days: int


def transcript_schema(made: Proposal) -> dict[str, Any] | None:
    """A transcript schema for the system, if its roles are not just customer and agent; else None."""
    if set(made.turns.roles) <= set(_OWN_ROLES):
        return None
    schema: dict[str, Any] = read_json(SHARED_SCHEMAS / "transcript.schema.json")
    schema["properties"]["turns"]["items"]["properties"]["role"]["enum"] = list(made.turns.roles)
    return schema


def run(made: Proposal, others: list[Source]) -> Trial:
    """Map and validate the sample; raises BadInputError in one line if most of it would be rejected."""
    rules = _rules(made)
    reasons: Counter[str] = Counter()
    apart = next((source for source in others if source.name == made.analyses.get("source")), None)
    transcripts = _good(rules, "transcripts", _items(made, made.source), reasons)
    analyses = _good(rules, "analyses", _items(made, apart) if apart else _items(made, made.source), reasons)
    both = [name for name in transcripts if name in analyses]
    seen = max(len(list(_items(made, made.source))), 1)
    if apart and transcripts:
        reasons["missing_analysis"] += len(transcripts) - len(both)
    lost = 1 - len(both) / seen
    counted = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common(4) if count)
    if lost > _MOST_LOST:
        raise BadInputError(
            f"{next(iter(made.source.files.values()))}: {lost:.0%} of {seen:,} records would be rejected ({counted or 'ids that come twice'}); "
            "say with --id, --text, --start or --target what they hold"
        )
    lengths = sorted(sum(len(turn["text"]) + 12 for turn in transcripts[name]["turns"]) for name in both)
    answers = [len(json.dumps(analyses[name]["target"], ensure_ascii=False)) for name in both]
    starts = {str(transcripts[name].get("start"))[:10] for name in both}
    return Trial(seen, lost, +reasons, lengths[int(0.95 * (len(lengths) - 1))], max(answers), len(starts - {"None"}))


def _rules(made: Proposal) -> Rules:
    schema = transcript_schema(made) or read_json(SHARED_SCHEMAS / "transcript.schema.json")
    return Rules(json.dumps(schema), json.dumps(target.schema(made.labels)), json.dumps(made.mapping))


def _items(made: Proposal, source: Source) -> Iterator[Raw]:
    """The records of a source; where each row is a turn, rows are gathered into conversations."""
    first = next(iter(source.files))
    if source is made.source and mapping.by_turn(made.mapping):
        rows: dict[Any, list[Any]] = {}
        for record in source.records:
            rows.setdefault(json.dumps(record.get(made.transcripts["id"])), []).append(record)
        found = [{**group[0], mapping.ROWS: group} for group in rows.values()]
    else:
        found = source.records
    return (Raw(f"data/raw/{first}", number, b"", value) for number, value in enumerate(found, 1))


def _good(rules: Rules, kind: str, raws: Iterator[Raw], reasons: Counter[str]) -> dict[str, Any]:
    """The valid items, by id; the reasons for rejecting the others are added to `reasons`."""
    kept: dict[str, Any] = {}
    for raw in raws:
        value, problem = records.judged(rules, kind, raw)
        if problem:
            reasons[problem.reason] += 1
        else:
            kept[value["id"]] = value
    return kept


def rounded_up(value: float, step: int, least: int, most: int) -> int:
    """Round up to a multiple of `step`, within bounds."""
    return int(min(max(step * math.ceil(value / step), least), most))
