"""Replace personal data in conversations by typed placeholders such as [EMAIL_1]; equal values get the same placeholder.

Only patterns, no model; checked by checksum or numbering plan where there is one (python-stdnum, phonenumbers). Data without a
reliable pattern, such as a name in running text, is not found: benchmarks/privacy.py measures how much is missed.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from plateau.data import identifiers, names, patterns
from plateau.data.contracts import Contract
from plateau.data.patterns import Span

FINDERS = {**patterns.FINDERS, **identifiers.FINDERS, "name": names.names}
KINDS = ("email", "iban", "card", "ip", "national_id", "phone", "account", "address", "name")
_END = "\0"  # between turns; readers let no NUL through, and no pattern crosses it unless it means to
_MARK = re.compile(r"\[(" + "|".join(kind.upper() for kind in KINDS) + r")_(\d+)\]")
_REPEATED = frozenset(("account", "name"))  # kinds that are found by their surroundings, and then wherever they stand
_MOST_REPEATED = 500  # values of a conversation that are looked for again; hostile text has more


class Rules(NamedTuple):
    """Which kinds are replaced; the country whose phone numbers may lack a country code, or None; the target's JSON Schema."""

    kinds: frozenset[str]
    region: str | None = None
    target: str = "{}"


@dataclass(frozen=True)
class Redacted:
    """Texts with placeholders, the placeholder of each value (as written), and the number of placeholders by kind."""

    texts: list[str]
    placeholders: dict[str, str]
    counts: Counter[str]


def rules(options: Mapping[str, Any], target: Any) -> Rules:
    """The rules of `prepare.privacy` (a kind that is left out is replaced) and the target's schema, picklable for other processes."""
    kinds = frozenset(kind for kind in KINDS if options.get(kind, True))
    return Rules(kinds, options.get("region"), json.dumps(target))


@lru_cache(maxsize=4)
def _contract(schema: str) -> Contract:
    return Contract(json.loads(schema), "target.schema.json", formats=True)


def batch(rules: Rules, records: pa.RecordBatch) -> tuple[pa.RecordBatch, Counter[str]]:
    """Replace personal data in a batch of prepared records; also returns the number of placeholders by kind. A pure function."""
    turns, answers = records["turns"], records["target"].to_pylist()
    flat = turns.flatten()
    texts, made, counts = flat.field("text").to_pylist(), [], Counter[str]()
    ends = np.cumsum(np.asarray(turns.value_lengths())).tolist()
    for row, (start, end) in enumerate(pairwise([0, *ends])):
        said = redact(texts[start:end], rules)
        made += said.texts
        counts += said.counts
        answers[row] = _answer(answers[row], said.placeholders, rules.target)
    columns = [pa.array(made, pa.string()) if part.name == "text" else flat.field(part.name) for part in flat.type]
    told = pa.ListArray.from_arrays(
        pa.array([0, *ends], pa.int32()), pa.StructArray.from_arrays(columns, fields=list(flat.type))
    )
    changed = {"turns": told, "target": pa.array(answers, pa.string())}
    arrays = [changed.get(field.name, records[field.name]) for field in records.schema]
    return pa.RecordBatch.from_arrays(arrays, schema=records.schema), counts


def counted(made: Iterable[tuple[pa.RecordBatch, Counter[str]]], counts: Counter[str]) -> Iterator[pa.RecordBatch]:
    """Yield each batch that `batch` made, and add its placeholders to `counts`."""
    for part, found in made:
        counts.update(found)
        yield part


def _answer(text: str, placeholders: Mapping[str, str], schema: str) -> str:
    """Replace the transcript's values in a target; returns JSON text."""
    if not any(value in text or not value.isalnum() for value in placeholders):
        return text
    contract, target = _contract(schema), json.loads(text)
    changed = in_target(target, placeholders, contract.is_valid)
    return text if changed == target else contract.text(changed)


def redact(texts: Sequence[str], rules: Rules) -> Redacted:
    """Replace personal data in the turns of one conversation."""
    whole = _END.join(texts)
    spans = find(whole, rules)
    if not spans:
        return Redacted(list(texts), {}, Counter())
    called, written = _named(whole, spans)
    parts, end = [], 0
    for span in spans:
        parts += [whole[end : span.start], called[span.kind, span.value]]
        end = span.end
    made = "".join([*parts, whole[end:]]).split(_END)
    return Redacted(made, written, Counter(span.kind for span in spans))


def _named(whole: str, spans: Sequence[Span]) -> tuple[dict[tuple[str, str], str], dict[str, str]]:
    """Number the placeholders by kind and value; numbering continues after placeholders that the text already has."""
    taken: Counter[str] = Counter()
    for kind, number in _MARK.findall(whole) if "[" in whole else ():
        taken[kind] = max(taken[kind], int(number[:6]))
    called: dict[tuple[str, str], str] = {}
    written: dict[str, str] = {}
    for span in spans:
        if (span.kind, span.value) not in called:
            taken[span.kind.upper()] += 1
            called[span.kind, span.value] = f"[{span.kind.upper()}_{taken[span.kind.upper()]}]"
        written.setdefault(whole[span.start : span.end], called[span.kind, span.value])
    return called, written


def find(whole: str, rules: Rules) -> list[Span]:
    """Find personal data in the turns of one conversation (joined by NUL): spans in order, without overlap."""
    kept: list[Span] = []
    taken = bytearray(len(whole))
    for kind in KINDS:
        if kind in rules.kinds:
            _keep(FINDERS[kind](whole, rules.region), kept, taken)
    telling = {whole[span.start : span.end]: span for span in kept if span.kind in _REPEATED}
    for value, span in list(telling.items())[:_MOST_REPEATED]:
        if names.is_telling(value):
            _keep(
                [Span(start, start + len(value), span.kind, span.value) for start in _places(whole, value)], kept, taken
            )
    return sorted(kept)


def _keep(spans: Iterable[Span], kept: list[Span], taken: bytearray) -> None:
    """Add the spans that do not overlap with spans added before."""
    for span in spans:
        if 1 not in taken[span.start : span.end]:
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            kept.append(span)


def _places(text: str, value: str) -> list[int]:
    """Where a value stands as whole words."""
    found, start = [], text.find(value)
    while start >= 0:
        end = start + len(value)
        if not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()):
            found.append(start)
        start = text.find(value, end)
    return found


def in_target(target: Any, placeholders: Mapping[str, str], holds: Callable[[Any], bool]) -> Any:
    """Replace the transcript's values in the target's strings by their placeholders, where the target then still satisfies the schema.

    A string that the schema does not let change (an enum, a format) stays as it is.
    """
    for path, text in list(_strings(target, ())) if placeholders else ():
        for value, placeholder in placeholders.items():
            if value in text and names.is_telling(value):
                for start in reversed(_places(text, value)):
                    text = text[:start] + placeholder + text[start + len(value) :]
        changed = _with(target, path, text)
        target = changed if changed != target and holds(changed) else target
    return target


def _strings(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """All strings of a JSON value, keys excepted, with their paths."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _strings(inner, (*path, key))


def _with(value: Any, path: tuple[Any, ...], text: str) -> Any:
    """A copy of the value with another text at a path."""
    if not path:
        return text
    changed = value.copy()
    changed[path[0]] = _with(value[path[0]], path[1:], text)
    return changed
