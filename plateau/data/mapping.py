"""Convert the user's raw records to the contract, as `prepare.mapping` in params.yaml declares.

A field is declared by a path, such as `call.uuid` or `turns.0.text`, or by a mapping: `path` or a constant `value`, and a rule that converts the value found: a table `values`, or for a time `format` and `time_zone`.
"""

import codecs
import contextlib
import datetime as dt
import json
import math
import re
import zoneinfo
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

from plateau.core.errors import BadInputError
from plateau.data.nodes import Node
from plateau.data.sources import RefusedError
from plateau.data.strict_json import parse

ROWS = "$rows"
FILE, ROW = "$file", "$row"
OPTIONAL = ("queue_wait_time_seconds", "customer_id", "agent_id", "split")
_TRUE, _FALSE = {"true", "yes", "y", "1", "t"}, {"false", "no", "n", "0", "f"}
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
MISSING = object()


def check(mapping: Any) -> None:
    """Raise BadInputError for a time zone, pattern or encoding that does not exist."""
    for kind, part in (mapping or {}).items():
        place = f"prepare.mapping.{kind}"
        try:
            codecs.lookup(part.get("encoding", "utf-8"))
        except LookupError:
            raise BadInputError(f"{place}.encoding: no encoding '{part['encoding']}'; such as utf-8, cp1252") from None
        for turns in _several(part.get("turns", [])):
            try:
                groups = re.compile(turns.get("pattern", "(?P<role>)")).groupindex
            except re.error as error:
                raise BadInputError(f"{place}.turns.pattern: {error}") from None
            if "role" not in groups:
                raise BadInputError(f"{place}.turns.pattern: it must name the speaker, as (?P<role>Agent|Customer):")
            _check_zone(f"{place}.turns.time", turns.get("time"))
        _check_zone(f"{place}.start", part.get("start"))


def _check_zone(place: str, field: Any) -> None:
    name = field.get("time_zone") if isinstance(field, dict) else None
    if name is not None:
        try:
            _zone(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise BadInputError(f"{place}.time_zone: '{name}' is no known time zone, such as Europe/Berlin") from None


@lru_cache(maxsize=64)
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


def source(mapping: Any, kind: str) -> str:
    """The name of the files of transcripts or analyses; both have the same name where one record holds both."""
    if mapping is None:
        return kind
    of_transcripts: str = mapping["transcripts"].get("source", "transcripts")
    named: str = mapping["analyses"].get("source", of_transcripts)
    return named if kind == "analyses" else of_transcripts


def by_turn(mapping: Any) -> bool:
    """Whether each raw row is one turn, to be gathered by id."""
    return mapping is not None and any(turns.get("rows") for turns in _several(mapping["transcripts"]["turns"]))


def transcript(raw: Any, place: tuple[str, int | None], part: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a raw record to a transcript of the contract; raises RefusedError where a time or a text cannot be read."""
    made: dict[str, Any] = {"id": identity(raw, place, part)}
    start = _time("start", raw, part.get("start"), None)
    if start is None and "start" in part:
        raise RefusedError("missing_key", f"start: nothing at '{_path(part['start'])}'")
    made |= {} if start is None else {"start": start}
    for name in OPTIONAL:
        is_file = name == "split" and part.get(name) == FILE
        value = Path(place[0]).name.partition(".")[0] if is_file else _found(raw, part.get(name))
        made |= {} if value in (None, MISSING) else {name: _number(value) if name == OPTIONAL[0] else _name(value)}
    return {**made, "turns": [turn for turns in _several(part["turns"]) for turn in _turns(raw, turns, start)]}


def analysis(raw: Any, place: tuple[str, int | None], mapping: Mapping[str, Any], schema: Node) -> dict[str, Any]:
    """Convert a raw record to an analysis of the contract; texts become numbers, booleans or lists where the target schema asks for these."""
    part, declared = mapping["analyses"], mapping["analyses"]["target"]
    made = {"id": identity(raw, place, part if "id" in part else mapping["transcripts"])}
    if isinstance(declared, str):
        target = _found(raw, declared)
        return {**made, "target": _unpacked(target)} if target is not MISSING else made
    made_target: dict[str, Any] = {}
    found = []
    for name, field in declared.items():
        keys = keys_of(name, schema)
        rules = list(accumulate(keys, Node.under, initial=schema))
        found.append((keys, rules, coerced(_found(raw, field), rules[-1])))
    for keys, rules, value in sorted(found, key=lambda one: one[2] is None or one[2] is MISSING):
        _put(made_target, keys, rules, value)
    return {**made, "target": made_target}


def _put(target: dict[str, Any], keys: Sequence[str], rules: Sequence[Node], value: Any) -> None:
    """Set a value under nested keys; for null or a missing value, make only the objects on the way that the schema requires."""
    for key, outer, inner in zip(keys[:-1], rules, rules[1:], strict=False):
        if value in (None, MISSING) and key not in target and (key not in outer.required or inner.nullable):
            return
        target = target.setdefault(key, {})
    target |= {} if value is MISSING else {keys[-1]: value}


def keys_of(name: str, schema: Node) -> tuple[str, ...]:
    """Split a target field's name into keys at its dots; a key that holds dots itself is found whole, or in quotes."""
    key, _, rest = name.partition(".")
    if name.startswith('"'):
        with contextlib.suppress(ValueError):
            key, end = json.JSONDecoder().raw_decode(name)
            rest = name[end + 1 :]
    elif key not in schema.properties and name in schema.properties:
        return (name,)
    return (key, *keys_of(rest, schema.under(key))) if rest else (key,)


def identity(raw: Any, place: tuple[str, int | None], part: Mapping[str, Any]) -> Any:
    """The id of a raw record: the value at its path, or the file's name (`$file`), or file and row (`$row`); raises RefusedError without one."""
    if part["id"] == FILE:
        return Path(place[0]).name.partition(".")[0]
    if part["id"] == ROW:
        return f"{place[0]}:{place[1]}"
    value = _found(raw, part["id"])
    if value is None or value is MISSING:
        raise RefusedError("missing_key", f"id: nothing at '{part['id']}'")
    return _name(value)


def _several(turns: Any) -> list[Any]:
    return turns if isinstance(turns, list) else [turns]


def _found(raw: Any, field: Any) -> Any:
    """The value of a field, or MISSING."""
    if field is None:
        return MISSING
    if isinstance(field, str):
        return _at(raw, field)
    value = field["value"] if "value" in field else _at(raw, field["path"])
    return _translated(value, field.get("values"))


def _path(field: Any) -> str:
    return field if isinstance(field, str) else str(field.get("path"))


def _translated(value: Any, values: Mapping[Any, Any] | None) -> Any:
    """Look a value up in a table, by itself or by its text; a value that the table lacks stays."""
    if not values or isinstance(value, list | dict) or value is MISSING:
        return value
    by_text = {_text(key): translated for key, translated in values.items()}
    return by_text.get(_text(value), value)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else json.dumps(value)


def _at(raw: Any, path: str) -> Any:
    """The value at a dotted path; a key may itself hold dots."""
    if isinstance(raw, dict) and path in raw:
        return raw[path]
    head, _, rest = path.partition(".")
    if isinstance(raw, list) and head.isdecimal() and int(head) < len(raw):
        inner = raw[int(head)]
    elif isinstance(raw, dict) and head in raw:
        inner = raw[head]
    else:
        return MISSING
    return _at(_unpacked(inner) if rest else inner, rest) if rest else inner


def _unpacked(value: Any) -> Any:
    """Parse JSON in a text, such as a cell of a table; raises RefusedError for a text that only looks like JSON."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        return parse(value.encode("utf-8"))
    return value


def _name(value: Any) -> Any:
    """An id as text; in the raw data it may be a number."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _number(value: Any) -> Any:
    """Read a text as a number, a whole one as an integer; other texts, such as nan, stay."""
    if not isinstance(value, str) or not _NUMBER.fullmatch(value.strip()):
        return value
    with contextlib.suppress(ValueError):
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else value


def coerced(value: Any, rule: Node) -> Any:
    """Convert a text to the number, boolean, list or object that the schema asks for; null becomes absent where it is not allowed."""
    if value is None and not rule.nullable:
        return MISSING
    if not isinstance(value, str) or "string" in rule.types:
        return value
    text = value.strip().lower()
    if "boolean" in rule.types and text in _TRUE | _FALSE:
        return text in _TRUE
    if {"integer", "number"} & rule.types and _NUMBER.fullmatch(text):
        return _number(text)
    return _unpacked(value) if {"array", "object"} & rule.types else value


def _turns(raw: Any, part: Mapping[str, Any], start: str | None) -> Iterator[dict[str, Any]]:
    """Turns of one declaration: elements of a list, rows, pieces of one text, or the record itself as a single turn."""
    if "pattern" in part:
        pieces: Any = _pieces(_found(raw, part["path"]), part["pattern"])
        part = {"role": "role", "text": "text", "time": "time", **part}
    elif part.get("rows"):
        pieces = raw.get(ROWS, [raw])
    elif "path" in part:
        pieces = _unpacked(_found(raw, part["path"]))
        if not isinstance(pieces, list):
            raise RefusedError("wrong_type", f"turns: no list of turns at '{part['path']}'")
    else:
        pieces = [raw]
    for number, piece in enumerate(pieces):
        turn = _turn(piece, part, start, f"turns.{number}.time")
        if turn is not None:
            yield turn


def _turn(piece: Any, part: Mapping[str, Any], start: str | None, place: str) -> dict[str, Any] | None:
    """One turn; None for a speaker whom `roles` leaves out, and for a blank text where `skip_blank` says so."""
    found = {name: _found(piece, part.get(name)) for name in ("role", "text")}
    found["role"] = _translated(found["role"], part.get("roles"))
    blank = found["text"] in (None, MISSING) or not str(found["text"]).strip()
    if found["role"] is None or (blank and part.get("skip_blank")):
        return None
    made = {name: value for name, value in found.items() if value is not MISSING}
    time = _time(place, piece, part.get("time"), start)
    return made | ({"time": time} if time else {})


def _pieces(text: Any, pattern: str) -> list[dict[str, Any]]:
    """The pieces of a text between the matches of the pattern, each with the groups of the match before it."""
    if not isinstance(text, str):
        raise RefusedError("wrong_type", "turns: no text to take apart")
    found = list(re.finditer(pattern, text, re.MULTILINE))
    before = text[: found[0].start()] if found else text
    if before.strip():
        raise RefusedError(
            "unknown_role", f"turns: {before.strip()[:100]!r} stands before the first match of the pattern"
        )
    ends = [match.start() for match in found[1:]] + [len(text)]
    return [
        {**match.groupdict(), "role": match["role"].strip(), "text": text[match.end() : end].strip()}
        for match, end in zip(found, ends, strict=True)
    ]


def _time(place: str, raw: Any, field: Any, start: str | None) -> Any:
    """A time as ISO 8601; None where there is none."""
    value = _found(raw, field)
    if value is None or value is MISSING:
        return None
    options = field if isinstance(field, dict) else {}
    try:
        return _read_time(value, options.get("format", "iso"), options.get("time_zone"), start)
    except (ValueError, OverflowError, TypeError, OSError) as error:
        wanted = options.get("format", "iso")
        raise RefusedError(
            "impossible_time", f"{place}: {str(value)[:100]!r} is no time as {wanted}: {str(error)[:100]}"
        ) from None


def _read_time(value: Any, form: str, zone: str | None, start: str | None) -> str:
    """A time by its format: iso, unix, unix_ms, offset (seconds since the start) or one of strptime's.

    A local time that the clock skips when summer time begins is refused; one that it shows twice means the first.
    """
    if form in ("unix", "unix_ms", "offset"):
        seconds = float(value) / (1000 if form == "unix_ms" else 1)
        base = dt.datetime.fromisoformat(start) if form == "offset" and start else dt.datetime.fromtimestamp(0, dt.UTC)
        return (base + dt.timedelta(seconds=seconds)).isoformat()
    time = dt.datetime.fromisoformat(value) if form == "iso" else dt.datetime.strptime(str(value), form)
    if time.tzinfo is None and zone:
        time = time.replace(tzinfo=_zone(zone))
        if time.astimezone(dt.UTC).astimezone(_zone(zone)).replace(tzinfo=None) != time.replace(tzinfo=None):
            raise ValueError(f"the clocks of {zone} skip it")
    return time.isoformat()
