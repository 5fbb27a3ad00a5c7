"""Find the turns of a conversation in raw records: a list, one row per turn, one text with speakers' names, or text columns."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plateau.proposal import columns
from plateau.proposal.columns import Column

TEXT = ("text", "content", "message", "body", "utterance", "value", "msg", "comment")
ROLE = ("role", "speaker", "from", "author", "sender", "author_role", "participant", "direction", "type", "who")
_SYNONYMS = {
    "customer": (
        "customer",
        "client",
        "user",
        "caller",
        "human",
        "requester",
        "end-user",
        "enduser",
        "inbound",
        "incoming",
        "usr",
        "kunde",
        "c",
    ),
    "agent": (
        "agent",
        "assistant",
        "bot",
        "rep",
        "operator",
        "support",
        "representative",
        "wizard",
        "outbound",
        "outgoing",
        "gpt",
        "sys",
        "mitarbeiter",
        "a",
    ),
}
ANSWER = re.compile(
    r"answer|reply|repl|response|resolution|solution|agent|assistant|output|completion|summary", re.IGNORECASE
)
_SPEAKER = re.compile(r"^([^\W\d][\w \-]{0,24}): ?", re.MULTILINE)
_MOST_ROLES = 8
_NEARLY_ALL = 0.8  # share of records that must have turns; a few conversations may be empty
_SENTENCE = 3  # a list without roles holds turns, not things, if its texts have at least so many words on average


@dataclass(frozen=True)
class Turns:
    """The `turns` of a mapping, the paths that they use, the resulting roles, and the path of the first turn's time."""

    declared: Any
    paths: frozenset[str]
    roles: tuple[str, ...]
    time: dict[str, Any] | None = None


def of_list(column: Column) -> Turns | None:
    """Turns as a list of objects, each with a text."""
    items = [item for value in column.known[:2_000] if isinstance(value, list) for item in value]
    if column.share < _NEARLY_ALL or not items or not all(isinstance(item, dict) for item in items):
        return None
    inner = columns.of(items, opened=False)
    texts = [one for one in inner if one.holds_text]
    said = _named(texts, TEXT) or max(texts, key=lambda one: one.words, default=None)
    role = _role([one for one in inner if one is not said])
    if said is None or (role is None and said.words < _SENTENCE):
        return None
    declared: dict[str, Any] = {"path": column.path, **_spoken(role), "text": said.path, "skip_blank": True}
    moment = next((one for one in inner if one is not said and one.share > 0.99 and one.time), None)
    start = None
    if moment and moment.time:
        declared["time"] = moment.path if moment.time.format == "iso" and moment.time.has_offset else _time(moment)
        start = {
            "path": f"{column.path}.0.{moment.path}",
            **({} if isinstance(declared["time"], str) else {"format": moment.time.format}),
        }
        if not moment.time.has_offset:
            start["time_zone"] = "UTC"
    return Turns(declared, frozenset({column.path}), _roles_of(declared, role), start)


def _time(column: Column) -> dict[str, Any]:
    """The mapping entry of a time."""
    form = column.time
    assert form is not None
    return {"path": column.path, "format": form.format, **({} if form.has_offset else {"time_zone": "UTC"})}


def of_rows(found: Sequence[Column], identity: Column | None) -> Turns | None:
    """Turns as rows; rows with the same id are one conversation."""
    if identity is None or identity.is_unique or len(identity.counts) > 0.8 * len(identity.known):
        return None
    texts = [one for one in found if one is not identity and one.words >= 2]
    said = _named(texts, TEXT) or max(texts, key=lambda one: one.words, default=None)
    role = _role([one for one in found if one not in (said, identity)])
    if said is None or role is None:
        return None
    declared = {"rows": True, **_spoken(role), "text": said.path, "skip_blank": True}
    return Turns(declared, frozenset({said.path, role.path}), _roles_of(declared, role))


def of_text(column: Column) -> Turns | None:
    """Turns as parts of one text, each beginning with the speaker's name and a colon."""
    texts = [value for value in column.known[:2_000] if isinstance(value, str)]
    counts = Counter(name for text in texts for name in {match[1].strip() for match in _SPEAKER.finditer(text)})
    names = [name for name, count in counts.most_common(_MOST_ROLES) if count >= 0.3 * len(texts)]
    if len(names) < 2:
        return None
    pattern = rf"^(?P<role>{'|'.join(map(re.escape, names))}): ?"
    begins = [
        text
        for text in texts
        if (match := re.search(pattern, text, re.MULTILINE)) and not text[: match.start()].strip()
    ]
    if len(begins) < 0.9 * len(texts):
        return None
    role = Column("role", tuple(names))
    declared = {"path": column.path, "pattern": pattern, **_spoken(role), "skip_blank": True}
    del declared["role"]
    return Turns(declared, frozenset({column.path}), _roles_of(declared, role))


def of_columns(texts: Sequence[Column]) -> Turns:
    """Turns as text columns, one turn per column. Columns whose names suggest an answer are the agent's turns."""
    roles = ["agent" if ANSWER.search(one.name) else "customer" for one in texts]
    made = [
        {"role": {"value": role}, "text": one.path, "skip_blank": True} for role, one in zip(roles, texts, strict=True)
    ]
    return Turns(made if len(made) > 1 else made[0], frozenset(one.path for one in texts), tuple(dict.fromkeys(roles)))


def _named(found: Sequence[Column], names: Sequence[str]) -> Column | None:
    """The column with the first name of `names` that any column has."""
    by_name = {one.name.lower(): one for one in reversed(found)}
    return next((by_name[name] for name in names if name in by_name), None)


def _role(found: Sequence[Column]) -> Column | None:
    """The column that names the speaker: it has few values, and either its values are known roles or its name says so."""
    few = [
        one
        for one in found
        if one.known and len(one.counts) <= _MOST_ROLES and one.share > 0.9 and "list" not in one.kinds
    ]
    known = {name for names in _SYNONYMS.values() for name in names}
    telling = [one for one in few if sum(str(value).strip().lower() in known for value in one.counts) >= 2]
    return next(iter(telling), None) or _named(few, ROLE)


def _spoken(role: Column | None) -> dict[str, Any]:
    """The keys `role` and `roles` of a mapping; without a role column, every turn is the customer's."""
    if role is None:
        return {"role": {"value": "customer"}}
    raw = [str(value) for value in role.counts]
    meant = {
        name: next((role for role, names in _SYNONYMS.items() if name.strip().lower() in names), None) for name in raw
    }
    if None in meant.values():  # unknown roles stay as they are; the system's transcript schema lists them
        meant = {name: re.sub(r"\W+", "_", name).strip("_").lower() or "other" for name in raw}
    changed = {name: role for name, role in meant.items() if name != role}
    return {"role": role.path, **({"roles": changed} if changed else {})}


def _roles_of(declared: dict[str, Any], role: Column | None) -> tuple[str, ...]:
    """The roles that occur in mapped records."""
    if role is None:
        return ("customer",)
    renamed = declared.get("roles", {})
    return tuple(dict.fromkeys(renamed.get(str(value), str(value)) for value in role.counts))
