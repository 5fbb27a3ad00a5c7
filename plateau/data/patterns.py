"""Patterns of personal data, kind by kind: a quick regular expression first, then a check such as a checksum.

Each finder takes the turns of a conversation, joined by NUL, and a country or None, and yields spans. Backtracking is bounded
in every pattern, so the time is linear in the length of the text even for hostile text.
"""

import importlib
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple


class Span(NamedTuple):
    """A match: its place in the text, its kind, and its value in normalised spelling."""

    start: int
    end: int
    kind: str
    value: str


Finder = Callable[[str, str | None], Iterator[Span]]

_DIGITS = re.compile(r"\D+")
_SIX_DIGITS = re.compile(r"\d(?:\D{0,2}\d){5}")  # nearly in a row: below that no card, phone or national id


def span(match: re.Match[str], kind: str, value: str | None = None, group: int | str = 0) -> Span:
    """Make a span of a regular expression match, or of one of its groups."""
    return Span(match.start(group), match.end(group), kind, match[group].casefold() if value is None else value)


@lru_cache(maxsize=1)
def has_long(text: str) -> bool:
    """Whether the text has a number that is long enough for most kinds: a cheap test before the dear ones."""
    return bool(_SIX_DIGITS.search(text))


@lru_cache(maxsize=1)
def lower(text: str) -> str:
    """Lower-case a text without changing its length, so that offsets stay valid."""
    made = text.lower()
    return made if len(made) == len(text) else "".join(low if len(low := one.lower()) == 1 else one for one in text)


def after(text: str, words: Iterable[str]) -> Iterator[int]:
    """The end offsets of the given words (lower case). Ten times as fast as one pattern of alternatives."""
    low = lower(text)
    for word in words:
        start = low.find(word)
        while start >= 0:
            if not low[start - 1 : start].isalnum():
                yield start + len(word)
            start = low.find(word, start + 1)


def digits(text: str) -> str:
    """The digits of a text."""
    return _DIGITS.sub("", text)


@lru_cache(maxsize=64)
def _checker(name: str) -> Callable[[str], bool]:
    checker: Callable[[str], bool] = importlib.import_module(f"stdnum.{name}").is_valid
    return checker


def is_valid(name: str, number: str) -> bool:
    """Whether python-stdnum's module of that name takes the number."""
    return _checker(name)(number)


# --- e-mail -----------------------------------------------------------------------------------------------------------
_EMAIL = re.compile(
    r"(?<![\w.+%'-])[\w+%'-][\w.+%'-]{0,63}(?:@| ?[(\[{]at[)\]}] ?)(?:[\w-]{1,63}\.){1,6}[^\W\d_]{2,24}(?![\w-])"
)
_SPOKEN = re.compile(
    r"(?<![\w.])[\w.'-]{1,40}(?: (?:dot|underscore|dash|hyphen) [\w'-]{1,40}){0,4} at [\w-]{1,40}(?: dot [\w-]{2,20}){0,2} dot "
    r"(?:com|net|org|edu|gov|io|co|us|uk|ca|au|de|fr|es|it|nl|ch|at|in|br|mx|info|biz)\b",
    re.IGNORECASE,
)


def emails(text: str, _: str | None) -> Iterator[Span]:
    """Addresses as written, and as spoken: `john dot smith at example dot com`."""
    if "@" in text or ("at" in text and any(sign in text for sign in ("(at)", "[at]", "{at}"))):
        yield from (span(match, "email") for match in _EMAIL.finditer(text))
    if " dot " in text:
        yield from (span(match, "email") for match in _SPOKEN.finditer(text))


# --- bank and card numbers --------------------------------------------------------------------------------------------
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?(?![A-Za-z0-9])"
)
_CARD = re.compile(
    r"(?<![\w.+-])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|3\d{3}[ -]\d{6}[ -]\d{5}|\d{13,19}|(?:\d[ -]){12,18}\d)(?![\w-])"
)


def ibans(text: str, _: str | None) -> Iterator[Span]:
    """International bank account numbers with a valid checksum; capitalised words that follow are left out."""
    for match in _IBAN.finditer(text) if has_long(text) else ():
        found = match[0]
        while found and not is_valid("iban", found):
            found = found.rpartition(" ")[0]
        if found:
            yield Span(match.start(), match.start() + len(found), "iban", re.sub(r"[ -]", "", found).casefold())


def cards(text: str, _: str | None) -> Iterator[Span]:
    """Payment card numbers: 13 to 19 digits of a card network with a right Luhn checksum."""
    for match in _CARD.finditer(text) if has_long(text) else ():
        number = digits(match[0])
        if number[0] in "23456" and 13 <= len(number) <= 19 and is_valid("luhn", number):
            yield span(match, "card", number)


# --- network addresses ------------------------------------------------------------------------------------------------
_DOTTED = re.compile(r"\d\.\d{1,3}\.\d")
_IP = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]{3,39})(?![\w:]|\.\d)")
_VERSION = re.compile(r"(?:version|firmware|release|build|update|\bv)\W{0,3}$", re.IGNORECASE)


def ips(text: str, _: str | None) -> Iterator[Span]:
    """IPv4 and IPv6 addresses; four numbers after the word `version` are not one."""
    for match in _IP.finditer(text) if "::" in text or text.count(":") >= 7 or _DOTTED.search(text) else ():
        try:
            value = ipaddress.ip_address(match[0]).compressed
        except ValueError:
            continue
        if not _VERSION.search(text[max(0, match.start() - 12) : match.start()]):
            yield span(match, "ip", value)


# --- postal addresses -------------------------------------------------------------------------------------------------
_STREET = (
    r"(?:Street|Avenue|Road|Lane|Drive|Boulevard|Court|Way|Place|Terrace|Square|Highway|Parkway|Close|Crescent|Circle|Trail)\b"
    r"|(?:St|Ave|Rd|Ln|Dr|Blvd|Ct|Pl|Hwy)\b\.?"
)
_ADDRESS = re.compile(
    rf"(?<![\w.,$€£-])\d{{1,5}}[A-Za-z]?,? (?:(?:North|South|East|West|[NSEW]\.?) )?(?:[A-Z][\w'-]{{0,20}} |\d{{1,3}}(?:st|nd|rd|th) ){{1,3}}"
    rf"(?:{_STREET})(?:,? (?:Apt|Apartment|Suite|Unit|Floor|#)\.? ?\w{{1,6}}\b)?"
    r"(?:, [A-Z][\w'-]{1,20}(?: [A-Z][\w'-]{1,20}){0,2}(?:, [A-Z]{2})?(?: \d{5}(?:-\d{4})?)?)?"
    r"|(?<!\w)[A-ZÄÖÜ][\wäöüß-]{1,30}(?:straße|strasse|str\.|weg|platz|allee|gasse) \d{1,4}[a-z]?(?!\w)"
    r"(?:, \d{5} [A-ZÄÖÜ][\wäöüß-]{1,30})?"
)


_ROADS = [*re.findall(r"[A-Z][a-z]+", _STREET), "straße", "strasse", "str.", "weg", "platz", "allee", "gasse"]


def addresses(text: str, _: str | None) -> Iterator[Span]:
    """Street addresses with a house number, and the town after it."""
    return (
        span(match, "address") for match in (_ADDRESS.finditer(text) if any(map(text.__contains__, _ROADS)) else ())
    )


FINDERS: dict[str, Finder] = {"email": emails, "iban": ibans, "card": cards, "ip": ips, "address": addresses}
