"""What personal data looks like, kind by kind: a pattern that is quick to exclude, then a check that it is what it seems.

Every finder takes the turns of a conversation, joined by NUL, and a country or None; it yields spans. No pattern backtracks
over more than a bounded stretch, so hostile text costs no more than its length.
"""

import importlib
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple


class Span(NamedTuple):
    """A piece of text, its kind, and its value without differences of spelling."""

    start: int
    end: int
    kind: str
    value: str


Finder = Callable[[str, str | None], Iterator[Span]]

_DIGITS = re.compile(r"\D+")
_SIX_DIGITS = re.compile(r"\d(?:\D{0,2}\d){5}")  # nearly in a row: below that no card, phone or national id


def span(match: re.Match[str], kind: str, value: str | None = None, group: int | str = 0) -> Span:
    """A match, or one group of it, as a span."""
    return Span(match.start(group), match.end(group), kind, match[group].casefold() if value is None else value)


@lru_cache(maxsize=1)
def _has_long(text: str) -> bool:
    """Whether there is a number long enough for most kinds; asked by each of them in turn."""
    return bool(_SIX_DIGITS.search(text))


@lru_cache(maxsize=1)
def lower(text: str) -> str:
    """Lower case of the same length, so that places in it are places in the text."""
    made = text.lower()
    return made if len(made) == len(text) else "".join(low if len(low := one.lower()) == 1 else one for one in text)


def after(text: str, words: Iterable[str]) -> Iterator[int]:
    """Where each of the words, in lower case, ends: finding them so is ten times as fast as one pattern of all of them."""
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


# --- e-mail -----------------------------------------------------------------------------------------------------------
_EMAIL = re.compile(r"(?<![\w.+%'-])[\w+%'-][\w.+%'-]{0,63}@(?:[\w-]{1,63}\.){1,6}[^\W\d_]{2,24}(?![\w-])")
_SPOKEN = re.compile(
    r"(?<![\w.])[\w.-]{1,40}(?: (?:dot|underscore|dash|hyphen) [\w-]{1,40}){0,4} at [\w-]{1,40}(?: dot [\w-]{2,20}){0,2} dot "
    r"(?:com|net|org|edu|gov|io|co|us|uk|ca|au|de|fr|es|it|nl|ch|at|in|br|mx|info|biz)\b",
    re.IGNORECASE,
)


def emails(text: str, _: str | None) -> Iterator[Span]:
    """Addresses as written, and as spoken: `john dot smith at example dot com`."""
    if "@" in text:
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
    """International bank account numbers with a right checksum; words that follow in capitals are left out again."""
    for match in _IBAN.finditer(text) if _has_long(text) else ():
        found = match[0]
        while found and not _valid("iban", found):
            found = found.rpartition(" ")[0]
        if found:
            yield Span(match.start(), match.start() + len(found), "iban", re.sub(r"[ -]", "", found).casefold())


def cards(text: str, _: str | None) -> Iterator[Span]:
    """Payment card numbers: 13 to 19 digits of a card network with a right Luhn checksum."""
    for match in _CARD.finditer(text) if _has_long(text) else ():
        number = digits(match[0])
        if number[0] in "23456" and 13 <= len(number) <= 19 and _valid("luhn", number):
            yield span(match, "card", number)


# --- network addresses ------------------------------------------------------------------------------------------------
_DOTTED = re.compile(r"\d\.\d{1,3}\.\d")
_IP = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9A-Fa-f]{1,4}:|::?)(?::?[0-9A-Fa-f]{1,4}){1,8}(?:::?)?)(?!:?\w|\.\d)"
)
_VERSION = re.compile(r"(?:version|firmware|release|build|update|\bv)\W{0,3}$", re.IGNORECASE)


def ips(text: str, _: str | None) -> Iterator[Span]:
    """IPv4 and IPv6 addresses; four numbers after the word version are none."""
    for match in _IP.finditer(text) if "::" in text or text.count(":") >= 7 or _DOTTED.search(text) else ():
        try:
            value = ipaddress.ip_address(match[0]).compressed
        except ValueError:
            continue
        if not _VERSION.search(text[max(0, match.start() - 12) : match.start()]):
            yield span(match, "ip", value)


# --- national ids -----------------------------------------------------------------------------------------------------
_NATIONAL = {
    r"\d{3}-\d\d-\d{4}|\d{3} \d\d \d{4}": "us.ssn",
    r"[A-CEGHJ-PR-TW-Za-ceghj-pr-tw-z][A-CEGHJ-NPR-TW-Za-ceghj-npr-tw-z] ?\d\d ?\d\d ?\d\d ?[A-Da-d]": "",
    r"\d{8}-?[A-Z]": "es.dni",
    r"[XYZ]-?\d{7}-?[A-Z]": "es.nie",
    r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]": "it.codicefiscale",
    r"[12] ?\d\d ?\d\d ?\d[\dAB] ?\d{3} ?\d{3} ?\d\d": "fr.nir",
    r"\d{3}\.\d{3}\.\d{3}-\d\d": "br.cpf",
    r"756\.?\d{4}\.?\d{4}\.?\d\d": "ch.ssn",
    r"(?:19|20)?\d{6}[-+]\d{4}": "se.personnummer|dk.cpr",
    r"\d{6}[-+A]\d{3}[0-9A-Y]": "fi.hetu",
    r"\d{4} \d{4} \d{4}": "in_.aadhaar",
    r"[A-Z]{4}\d{6}[HM][A-Z]{5}[0-9A-Z]\d": "mx.curp",
    r"\d{3}-\d{3}-\d{3}|\d{3} \d{3} \d{3}": "ca.sin",
    r"\d{17}[\dX]": "cn.ric",
    r"\d{6}-[1-8]\d{6}": "kr.rrn",
}
_CHECKS = list(_NATIONAL.values())
_ID = re.compile(r"(?<![\w.+-])(?:" + "|".join(f"(?P<k{i}>{p})" for i, p in enumerate(_NATIONAL)) + r")(?![\w-])")
_ID_CUE = re.compile(
    r"\b(?:social security|ssn|national (?:id|insurance|identity)|tax(?:payer)? (?:id|number|reference)|passport"
    r"|driv(?:er'?s?|ing) licen[cs]e|identity (?:card|number)|id card|personal (?:id|identity) (?:code|number)|aadhaar|pesel|bsn)"
    r"(?: (?:number|card|no|id|code)\b\.?)*(?:\s|is|was|it's|[:#=,]|\0){1,8}(?P<id>[A-Za-z]{0,3}\d[\dA-Za-z]*(?:[ .-]\d[\dA-Za-z]*)*)",
    re.IGNORECASE,
)


def national_ids(text: str, _: str | None) -> Iterator[Span]:
    """Numbers by which states know people: of fifteen countries by shape and checksum, of any after such words as passport."""
    if not _has_long(text):
        return
    for match in _ID.finditer(text):
        kind = match.lastgroup or "k0"
        checks = _CHECKS[int(kind[1:])]
        if not checks or any(_valid(check, match[0]) for check in checks.split("|")):
            yield span(match, "national_id", re.sub(r"\W", "", match[0]).casefold())
    for match in _ID_CUE.finditer(text):
        if len(digits(match["id"])) >= 5:
            yield span(match, "national_id", re.sub(r"\W", "", match["id"]).casefold(), "id")


@lru_cache(maxsize=64)
def _checker(name: str) -> Callable[[str], bool]:
    checker: Callable[[str], bool] = importlib.import_module(f"stdnum.{name}").is_valid
    return checker


def _valid(name: str, number: str) -> bool:
    """Whether python-stdnum's module of that name takes the number."""
    return _checker(name)(number)


# --- phone numbers ----------------------------------------------------------------------------------------------------
_PHONE = re.compile(r"(?<![\w.,$€£#-])(?:\+ ?|00)?\(?\d(?:[ ().\-/]{0,3}\d){6,14}(?![\w%]|[.,:/-]\d)")
_AMERICAN = re.compile(r"(?:\+?1[ .-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])\d{3}[ .-]\d{4}")
_DATE = re.compile(r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})\b")
_PHONE_CUE = re.compile(
    r"\b(?:phone|call|cell|mobile|text|tel|telephone|reach|contact|whatsapp|fax|dial|ring|line)\b[^\d\0]{0,40}$",
    re.IGNORECASE,
)
_OTHER_CUE = re.compile(
    r"\b(?:order|ticket|case|reference|ref|tracking|invoice|serial|confirmation|booking|parcel|model|part|imei|transaction|id)"
    r"\b[^\d\0]{0,25}$",
    re.IGNORECASE,
)
_AMERICAS = frozenset(("US", "CA"))


def phones(text: str, region: str | None) -> Iterator[Span]:
    """Phone numbers: with a country code, in the shape of the region's numbers, or said to be one."""
    for match in _PHONE.finditer(text) if _has_long(text) else ():
        before = text[max(0, match.start() - 50) : match.start()]
        if not _DATE.match(match[0]) and not _OTHER_CUE.search(before) and _is_phone(match[0], before, region):
            yield span(match, "phone", digits(match[0]).removeprefix("00"))


def _is_phone(found: str, before: str, region: str | None) -> bool:
    if _PHONE_CUE.search(before) or (region in _AMERICAS and _AMERICAN.fullmatch(found)):
        return True
    abroad = found.startswith(("+", "00"))
    if not abroad and (region is None or found.isdigit()):
        return False
    import phonenumbers

    try:
        number = phonenumbers.parse(re.sub(r"^00", "+", found), region)
    except phonenumbers.NumberParseException:
        return False
    likely = phonenumbers.is_possible_number if abroad else phonenumbers.is_valid_number
    return bool(likely(number))


# --- accounts ---------------------------------------------------------------------------------------------------------
_NUMBER = r"[A-Za-z]{0,4}-?\d[\dA-Za-z]*(?:[ -]\d[\dA-Za-z]*){0,6}"
_LEAD = r"(?:[^\w\0]|\b(?:it's|that's|i'm|is|was|are|it|its|that|would|be|ends|ending|in|with|sure|yes|yeah|okay|ok|of|course|the|my|number)\b){0,24}"
_ACCOUNT_WORDS = (
    *(
        "account",
        "acct",
        "customer",
        "client",
        "member",
        "membership",
        "policy",
        "contract",
        "subscriber",
        "user",
        "routing",
    ),
    *("loyalty", "card", "sort", "security", "verification", "access"),
)
_CODE_WORDS = ("passcode", "pin code", "pin is", "cvv")
_ACCOUNT_TAIL = re.compile(
    rf"(?:[ -](?:number|no\b\.?|id|code|#)(?!\w)(?:[^\0]{{0,60}}\0)?{_LEAD}|[ #:]{{1,3}}(?=\d))(?P<id>{_NUMBER})(?!\w|[.,]\d)",
    re.IGNORECASE,
)
_CODE_TAIL = re.compile(rf"(?!\w)(?:[^\0]{{0,60}}\0)?{_LEAD}(?P<id>{_NUMBER})(?!\w|[.,]\d)", re.IGNORECASE)
_WALLET = re.compile(r"(?<!\w)(?:bc1[a-z0-9]{25,62}|[13][1-9A-HJ-NP-Za-km-z]{25,34}|0x[0-9a-fA-F]{40})(?!\w)")
_HANDLE = re.compile(r"(?<![\w.@/])@[A-Za-z_]\w{2,30}(?![\w@.]\w)")


def accounts(text: str, _: str | None) -> Iterator[Span]:
    """Account, customer and policy numbers and codes said or asked to be such; wallet addresses; handles such as @name."""
    tails = [_ACCOUNT_TAIL.match(text, end) for end in after(text, _ACCOUNT_WORDS)]
    tails += [_CODE_TAIL.match(text, end) for end in after(text, _CODE_WORDS)]
    for match in tails:
        if match and len(digits(match["id"])) >= 3:
            yield span(match, "account", re.sub(r"\W", "", match["id"]).casefold(), "id")
    for match in _WALLET.finditer(text):
        if match[0].startswith("0x") or _valid("bitcoin", match[0]):
            yield span(match, "account")
    yield from (span(match, "account") for match in (_HANDLE.finditer(text) if "@" in text else ()))


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


FINDERS: dict[str, Finder] = {
    "email": emails,
    "iban": ibans,
    "card": cards,
    "ip": ips,
    "national_id": national_ids,
    "phone": phones,
    "account": accounts,
    "address": addresses,
}
