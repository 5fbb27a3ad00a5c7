"""The columns of records: the values at each path, and the properties that can be inferred from them."""

import ast
import contextlib
import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from plateau.data.sources import RefusedError
from plateau.data.strict_json import parse

TRUTHS = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"})
FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M %p",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d/%b/%y %H:%M",
    "%d/%b/%Y %H:%M",
    "%d-%b-%Y %H:%M",
    "%d %b %Y %H:%M",
    "%d %b %Y",
    "%b %d, %Y %H:%M",
    "%b %d, %Y",
    "%a, %d %b %Y %H:%M:%S %z",
    "%a %b %d %H:%M:%S %z %Y",
)
_SELDOM = 0.005
_LOOKED_AT = 2_000  # how many values are examined for their form
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_MARKUP = re.compile(r"<(p|div|br|html|body|span|table|a|style)\b[^>]*>", re.IGNORECASE)
_MAIL = re.compile(r"^(>|On .{5,80} wrote:|Am .{5,80} schrieb|-{2,} ?Original|From: |Von: )", re.MULTILINE)


@dataclass(frozen=True)
class Time:
    """The time format of a column: its name in the mapping, whether it includes an offset, and other formats that also fit."""

    format: str
    has_offset: bool
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """The values at one path; None for a record without a value there."""

    path: str
    values: tuple[Any, ...]

    @property
    def name(self) -> str:
        """The last key of the path."""
        return self.path.rpartition(".")[2]

    @cached_property
    def known(self) -> list[Any]:
        """The values that are not missing."""
        return [value for value in self.values if value is not None]

    @property
    def share(self) -> float:
        """The share of records that have a value."""
        return len(self.known) / max(len(self.values), 1)

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of its values: boolean, integer, number, text, list, object. Kinds of only a few values in a thousand are ignored."""
        counts = Counter(kind_of(value) for value in self.known)
        return frozenset(kind for kind, count in counts.items() if count > _SELDOM * len(self.known))

    @cached_property
    def counts(self) -> Counter[Any]:
        """How often each value occurs, without lists."""
        return Counter(value for value in self.known if not isinstance(value, list))

    @property
    def is_unique(self) -> bool:
        """Whether every record has a value and no value occurs twice."""
        return self.share == 1 and len(self.counts) == len(self.values)

    @cached_property
    def words(self) -> float:
        """The mean number of words of its texts; 0 for other kinds."""
        texts = [value for value in self.known[:_LOOKED_AT] if isinstance(value, str)]
        return sum(len(text.split()) for text in texts) / len(texts) if texts and self.holds_text else 0.0

    @property
    def holds_text(self) -> bool:
        """Whether its values are texts, some of which may look like numbers."""
        return "text" in self.kinds and self.kinds <= {"text", "integer", "number"}

    @property
    def is_prose(self) -> bool:
        """Whether it holds prose: several words, rarely repeated."""
        many = len(self.counts) > 0.5 * len(self.known)
        return self.holds_text and ((self.words >= 3 and many) or self.words >= 20)

    @cached_property
    def time(self) -> Time | None:
        """Its time format; None unless all values are times."""
        return time_of(self.known[:_LOOKED_AT])

    def looks_like(self, what: str) -> bool:
        """Whether at least a tenth of its texts contain HTML (`html`) or quoted e-mail (`mail`)."""
        pattern = _MARKUP if what == "html" else _MAIL
        texts = [value for value in self.known[:_LOOKED_AT] if isinstance(value, str)]
        return len([text for text in texts if pattern.search(text)]) >= max(0.1 * len(texts), 1)


def kind_of(value: Any) -> str:
    """The kind of one value. A text that spells a number or a boolean counts as one, as in a CSV cell."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if isinstance(value, int) or value.is_integer() else "number"
    if isinstance(value, str):
        if _NUMBER.fullmatch(value.strip()) and len(value) < 20:
            return "integer" if re.fullmatch(r"[-+]?\d+", value.strip()) else "number"
        return "text"
    return "list" if isinstance(value, list) else "object"


def number_of(value: Any) -> float:
    """A value of kind integer or number."""
    number = float(value)
    return number if math.isfinite(number) else 0.0


def of(records: Sequence[dict[str, Any]], opened: bool = True) -> list[Column]:
    """The columns of records, in order of first occurrence. With `opened`, JSON in a text is parsed, as the mapping does."""
    found: dict[str, list[Any]] = {}
    for number, record in enumerate(records):
        for path, value in _flat(record, opened):
            values = found.setdefault(path, [])
            values += [None] * (number - len(values))
            values.append(value)
    return [Column(path, (*values, *[None] * (len(records) - len(values)))) for path, values in found.items()]


def _flat(record: dict[str, Any], opened: bool, above: str = "") -> Iterator[tuple[str, Any]]:
    """The paths of a record with their values."""
    for key, value in record.items():
        path = f"{above}{key}"
        value = _opened(value) if opened else value
        if isinstance(value, dict) and value:
            yield from _flat(value, opened, f"{path}.")
        else:
            yield path, None if value in ("", {}) else value


def _opened(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        with contextlib.suppress(RefusedError):
            return parse(value.encode("utf-8", "replace"))
    return value


def is_python_list(column: Column) -> bool:
    """Whether a column holds lists in Python's notation, whose single quotes are not valid JSON."""
    texts = [value for value in column.known[:200] if isinstance(value, str) and value.startswith("[")]
    with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        return len(texts) > 0.9 * min(len(column.known), 200) and all(
            isinstance(ast.literal_eval(text), list) for text in texts
        )
    return False


def time_of(values: Sequence[Any]) -> Time | None:
    """The time format that fits all values; None if there is none."""
    if not values:
        return None
    if all(kind_of(value) in ("integer", "number") for value in values):
        numbers = [number_of(value) for value in values]
        for form, factor in (("unix", 1), ("unix_ms", 1000)):
            if all(3e8 * factor < number < 4.2e9 * factor for number in numbers):
                return Time(form, True)
        return None
    if not all(isinstance(value, str) for value in values):
        return None
    if (offsets := _iso(values)) is not None:
        return Time("iso", offsets)
    fitting = [form for form in FORMATS if _fits(values, form)]
    return Time(fitting[0], "%z" in fitting[0], tuple(fitting[1:])) if fitting else None


def _iso(values: Sequence[str]) -> bool | None:
    """Whether all values are ISO 8601 times with an offset; None if some value is no ISO 8601 time."""
    try:
        times = [dt.datetime.fromisoformat(value) for value in values]
    except ValueError:
        return None
    if any(len(value) < 8 for value in values):
        return None
    return all(time.tzinfo for time in times)


def _fits(values: Sequence[str], form: str) -> bool:
    try:
        return all(dt.datetime.strptime(value, form) for value in values)
    except ValueError:
        return False
