"""Text for people: figures in few digits, and data made safe to show, whatever a transcript holds."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from plateau.core.figures import Estimate

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_MARKDOWN = re.compile(r"([\\`*\[\]|#~]|(?<!\w)_|_(?!\w))")


def figure(value: object) -> str:
    """A value for people: 4 significant digits, thousands separated, `-` for none; other text as it is, made plain."""
    if value is None:
        return "-"
    if isinstance(value, Estimate):
        bounds = "" if value.low is None else f" ({figure(value.low)} to {figure(value.high)})"
        return figure(value.value) + bounds
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(figure(item) for item in value)
    return plain(str(value))


def plain(text: str) -> str:
    """`text` with control, escape and direction-changing characters shown as their code: they act on no terminal or page."""
    return "".join(char if char == "\n" or not _acts(char) else f"\\u{ord(char):04x}" for char in text)


def _acts(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def markdown(value: object) -> str:
    """A value for one Markdown cell: on one line, nothing in it is markup."""
    text = " ".join(figure(value).split())
    return _TAG.sub("&lt;", _MARKDOWN.sub(r"\\\1", text.replace("&", "&amp;")))


def code(value: object) -> str:
    """A value as a Markdown code span for one cell; nothing in it is escaped but what would end span or cell."""
    text = " ".join(figure(value).split())
    return "`" + text.replace("`", "'").replace("|", "\\|") + "`"


def spaced(name: str) -> str:
    """A name from a file as words."""
    return name.replace("_", " ")


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The figures of a nested mapping with dotted keys, in order; lists of mappings are left out."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        elif not (isinstance(value, list) and any(isinstance(item, Mapping) for item in value)):
            yield f"{prefix}{key}", value
