"""Find numbers that identify people: national ids, phone and account numbers, by shape and checksum or by the words before them."""

import re
from collections.abc import Iterator

from plateau.data.patterns import Finder, Span, after, digits, has_long, is_valid, lower, span

# Numbers of things, not of people.
_OTHER_CUE = re.compile(
    r"\b(?:order|ticket|case|reference|ref|tracking|invoice|serial|confirmation|booking|parcel|model|part|imei|transaction|id)"
    r"\b[^\d\0]{0,25}$",
    re.IGNORECASE,
)


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
    """National id numbers: those of fifteen countries by shape and checksum, those of any country after words such as `passport`."""
    if not has_long(text):
        return
    for match in _ID.finditer(text):
        kind = match.lastgroup or "k0"
        checks = _CHECKS[int(kind[1:])]
        known = not checks or any(is_valid(check, match[0]) for check in checks.split("|"))
        if known and not _OTHER_CUE.search(text[max(0, match.start() - 40) : match.start()]):
            yield span(match, "national_id", re.sub(r"\W", "", match[0]).casefold())
    for match in _ID_CUE.finditer(text):
        if len(digits(match["id"])) >= 5:
            yield span(match, "national_id", re.sub(r"\W", "", match["id"]).casefold(), "id")


# --- phone numbers ----------------------------------------------------------------------------------------------------
_PHONE = re.compile(r"(?<![\w.,$€£#-])(?:\+ ?|00)?\(?\d(?:[ ().\-/]{0,3}\d){6,14}(?![\w%]|[.,:/-]\d)")
_AMERICAN = re.compile(r"(?:\+?1[ .-]?)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[ .-])\d{3}[ .-]\d{4}")
_DATE = re.compile(r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})\b")
_PHONE_CUE = re.compile(
    r"\b(?:phone|call|cell|mobile|text|tel|telephone|reach|contact|whatsapp|fax|dial|ring|line)\b[^\d\0]{0,40}$",
    re.IGNORECASE,
)
_AMERICAS = frozenset(("US", "CA"))


def phones(text: str, region: str | None) -> Iterator[Span]:
    """Phone numbers: with a country code, in the region's format, or after words such as `phone`; also spelled digit by digit."""
    for match in spelled(text):
        if _PHONE_CUE.search(text[max(0, match.start() - 50) : match.start()]):
            yield span(match, "phone")
    for match in _PHONE.finditer(text) if has_long(text) else ():
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


_FIGURES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "zero")
_SPELLED = re.compile(
    r"\b(?:(?:oh|double|triple|zero|one|two|three|four|five|six|seven|eight|nine)[ ,-]{1,2}){6,24}"
    r"(?:oh|zero|one|two|three|four|five|six|seven|eight|nine)\b",
    re.IGNORECASE,
)


def spelled(text: str) -> Iterator[re.Match[str]]:
    """Numbers of at least seven digits that are spelled digit by digit."""
    return _SPELLED.finditer(text) if sum(map(lower(text).count, _FIGURES)) >= 5 else iter(())


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
    """Account, customer and policy numbers and codes after words that announce them, or spelled out; wallet addresses; handles such as @name."""
    tails = [_ACCOUNT_TAIL.match(text, end) for end in after(text, _ACCOUNT_WORDS)]
    tails += [_CODE_TAIL.match(text, end) for end in after(text, _CODE_WORDS)]
    for match in tails:
        if match and len(digits(match["id"])) >= 3:
            yield span(match, "account", re.sub(r"\W", "", match["id"]).casefold(), "id")
    for match in _WALLET.finditer(text):
        if match[0].startswith("0x") or is_valid("bitcoin", match[0]):
            yield span(match, "account")
    yield from (span(match, "account") for match in spelled(text))
    yield from (span(match, "account") for match in (_HANDLE.finditer(text) if "@" in text else ()))


FINDERS: dict[str, Finder] = {"national_id": national_ids, "phone": phones, "account": accounts}
