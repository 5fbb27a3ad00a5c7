"""The meaning of a string with a JSON Schema format: two texts mean the same if they name the same instant, address, duration and so on."""

import ipaddress
import re
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from urllib.parse import urlsplit
from uuid import UUID

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:(z)|([+-])(\d\d):?(\d\d))?", re.IGNORECASE | re.ASCII)
_DURATION = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.ASCII
)
_DAY = 86_400


def meaning(name: str, text: str) -> str:
    """A key that is equal for texts with the same meaning; the text itself where it does not have the format."""
    reader = _READERS.get(name)
    try:
        return f"text {text}" if reader is None else f"{name} {reader(text)}"
    except (ValueError, OverflowError):
        return f"text {text}"


def _seconds(text: str) -> tuple[Fraction, bool]:
    """Seconds after midnight UTC of an RFC 3339 time (negative or more than a day where the offset shifts it), and whether it has an offset."""
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError(text)
    hour, minute, second = (int(part) for part in found.group(1, 2, 3))
    if hour > 23 or minute > 59 or second > 60:
        raise ValueError(text)
    fraction = Fraction(f"0.{found[4]}") if found[4] else Fraction(0)
    offset = (int(found[7]) * 60 + int(found[8])) * (-1 if found[6] == "-" else 1) if found[6] else 0
    return Fraction((hour * 60 + minute - offset) * 60 + second) + fraction, bool(found[5] or found[6])


def _time(text: str) -> str:
    seconds, with_offset = _seconds(text)
    return f"{seconds % _DAY} {with_offset}"


def _date(text: str) -> str:
    if not _DATE.fullmatch(text):
        raise ValueError(text)
    return str(date.fromisoformat(text).toordinal())


def _instant(text: str) -> str:
    day, time = text[:10], text[11:]
    if text[10:11] not in ("T", "t", " "):
        raise ValueError(text)
    seconds, with_offset = _seconds(time)
    return f"{int(_date(day)) * _DAY + seconds} {with_offset}"


def _duration(text: str) -> str:
    """Months and seconds: 12 months are a year, 60 minutes an hour, but no number of days is a month."""
    found = _DURATION.fullmatch(text)
    if not found or not any(found.groups()):
        raise ValueError(text)
    years, months, weeks, days, hours, minutes, seconds = (Fraction(part or 0) for part in found.groups())
    whole = (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds
    return f"{years * 12 + months} {whole}"


def _email(text: str) -> str:
    """An address with its domain in lower case, because capitals there make no difference."""
    local, _, domain = text.rpartition("@")
    return f"{local}@{domain.casefold()}"


def _uri(text: str) -> str:
    """An address with scheme and host in lower case, and "/" for an empty path."""
    parts = urlsplit(text)
    return parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower(), path=parts.path or "/").geturl()


_READERS: dict[str, Callable[[str], object]] = {
    "date": _date,
    "time": _time,
    "date-time": _instant,
    "duration": _duration,
    "email": _email,
    "idn-email": _email,
    "hostname": str.casefold,
    "idn-hostname": str.casefold,
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
    "uuid": UUID,
    "uri": _uri,
    "iri": _uri,
}
