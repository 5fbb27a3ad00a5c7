"""Personal data out of conversations: each value becomes a typed placeholder such as [EMAIL_1], the same value the same one.

Patterns alone, checked by checksum or numbering plan where there is one (python-stdnum, phonenumbers); no model. What has no
sure pattern, such as a name in the middle of a story, is not found: benchmarks/privacy.py measures how much that is.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plateau import patterns
from plateau.patterns import Span

KINDS = ("email", "iban", "card", "ip", "national_id", "phone", "account", "address", "name")
_END = "\0"  # between turns; readers let no NUL through, and no pattern crosses it unless it means to
_MARK = re.compile(r"\[(" + "|".join(kind.upper() for kind in KINDS) + r")_(\d+)\]")
_REPEATED = frozenset(("account", "name"))  # kinds that are found by their surroundings, and then wherever they stand


@dataclass(frozen=True)
class Rules:
    """Which kinds are replaced, and the country (ISO 3166) whose phone numbers may lack a country code; None for none."""

    kinds: frozenset[str]
    region: str | None = None


@dataclass(frozen=True)
class Redacted:
    """Texts with placeholders, the placeholder of each value as it was written, and placeholders placed by kind."""

    texts: list[str]
    placeholders: dict[str, str]
    counts: Counter[str]


def rules(options: Mapping[str, Any]) -> Rules:
    """The rules in `prepare.privacy`."""
    return Rules(frozenset(kind for kind in KINDS if options[kind]), options["region"])


def redact(texts: Sequence[str], rules: Rules) -> Redacted:
    """The turns of one conversation without personal data."""
    whole = _END.join(texts)
    spans = find(whole, rules)
    if not spans:
        return Redacted(list(texts), {}, Counter())
    names, written = _named(whole, spans)
    parts, end = [], 0
    for span in spans:
        parts += [whole[end : span.start], names[span.kind, span.value]]
        end = span.end
    made = "".join([*parts, whole[end:]]).split(_END)
    return Redacted(made, written, Counter(span.kind for span in spans))


def _named(whole: str, spans: Sequence[Span]) -> tuple[dict[tuple[str, str], str], dict[str, str]]:
    """Placeholders by kind and value, and by value as written; numbers go on after those that the text has already."""
    taken: Counter[str] = Counter()
    for kind, number in _MARK.findall(whole) if "[" in whole else ():
        taken[kind] = max(taken[kind], int(number[:6]))
    names: dict[tuple[str, str], str] = {}
    written: dict[str, str] = {}
    for span in spans:
        if (span.kind, span.value) not in names:
            taken[span.kind.upper()] += 1
            names[span.kind, span.value] = f"[{span.kind.upper()}_{taken[span.kind.upper()]}]"
        written.setdefault(whole[span.start : span.end], names[span.kind, span.value])
    return names, written


def find(whole: str, rules: Rules) -> list[Span]:
    """Personal data in the turns of one conversation, joined by NUL: spans that do not overlap, in order of place."""
    kept: list[Span] = []
    for kind in KINDS:
        if kind in rules.kinds:
            for span in patterns.FINDERS[kind](whole, rules.region):
                if not any(span.start < other.end and other.start < span.end for other in kept):
                    kept.append(span)
    for span in [span for span in kept if span.kind in _REPEATED and patterns.is_telling(whole[span.start : span.end])]:
        for start in _places(whole, whole[span.start : span.end]):
            again = Span(start, start + span.end - span.start, span.kind, span.value)
            if not any(again.start < other.end and other.start < again.end for other in kept):
                kept.append(again)
    return sorted(kept)


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
    """The target with the placeholders of the transcript wherever its texts repeat the value, if it then still `holds`.

    A string that the schema does not let change (an enum, a format) stays as it is.
    """
    for path, text in list(_strings(target, ())) if placeholders else ():
        for value, placeholder in placeholders.items():
            if value in text and patterns.is_telling(value):
                for start in reversed(_places(text, value)):
                    text = text[:start] + placeholder + text[start + len(value) :]
        changed = _with(target, path, text)
        target = changed if changed != target and holds(changed) else target
    return target


def _strings(value: Any, path: tuple[Any, ...]) -> Any:
    """Every string of a JSON value that is no key, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _strings(inner, (*path, key))


def _with(value: Any, path: tuple[Any, ...], text: str) -> Any:
    """The value with another text at a path."""
    if not path:
        return text
    changed = value.copy()
    changed[path[0]] = _with(value[path[0]], path[1:], text)
    return changed
