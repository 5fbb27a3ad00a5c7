"""Find people's names in greetings and introductions. Names elsewhere in a text are not found: patterns cannot tell them surely."""

import re
from collections.abc import Iterator

from plateau.data.patterns import Span, after, lower

_CAPITAL = r"[A-ZÀ-ÖØ-Þ][\w'\u2019-]{1,20}"
_NAME = rf"{_CAPITAL}(?: (?:(?:van|von|de|der|del|da|la|bin|al) )?{_CAPITAL}){{0,2}}"
_STOP = r"(?!(?:and|i|i'm|on|from|calling|with|is|the|so|but|my|here|speaking|not|a|that)\b)"
_END = r"(?=[.,!?;:](?:\s|\0|$)|\0|$)"
# Phrases, and what must come after them for the words between to be a name.
_SAID = ("my name is", "my full name is", "my first name is", "my last name is", "my name's")
_NAMED = (*_SAID, "the name is", "name's", "i am called", "speaking with", "speaking to", "chatting with", "call me")
_SELF = ("this is", "i am", "i'm")
_TITLES = ("mr", "mrs", "ms", "miss", "dr", "prof", "herr", "frau", "señor", "señora", "monsieur", "madame")
_GREETED = (
    *(
        "hi",
        "hello",
        "hey",
        "dear",
        "thank you",
        "thanks",
        "good morning",
        "good afternoon",
        "good evening",
        "goodbye",
        "bye",
    ),
)
_ASKED = (
    "your name",
    "your full name",
    "your first name",
    "your last name",
    "am i speaking with",
    "am i speaking to",
    "is calling",
)
_CUES = (
    (_SAID, re.compile(rf" (?P<name>{_STOP}[a-z'-]{{2,20}}(?: {_STOP}[a-z'-]{{2,20}})?)(?![\w'-])")),
    (_NAMED, re.compile(rf" (?P<name>{_NAME})")),
    (_SELF, re.compile(rf" (?P<name>{_NAME})(?= (?:speaking|here|from|with|calling|and I)\b)")),
    (("it's", "it is"), re.compile(rf" (?P<name>{_NAME})(?= (?:speaking|calling)\b)")),
    (("this is",), re.compile(rf" (?P<name>{_NAME}){_END}")),
    (_TITLES, re.compile(rf"\.? (?P<name>{_NAME})")),
    (_GREETED, re.compile(rf",? (?P<name>{_CAPITAL}){_END}")),
    (
        _ASKED,
        re.compile(
            rf"(?!\w)[^\0]{{0,30}}\?\s*\0\W{{0,2}}(?i:(?:(?:sure|yes|ok|okay|it's|it is|that's|i'm|i am|this is)\W{{1,2}}){{0,3}})"
            rf"(?P<name>{_NAME}){_END}"
        ),
    ),
)
_BEFORE = (" speaking", " here.", " here,", " here!")
_LAST = re.compile(rf"(?:^|[\0.,!?;:] ?)(?P<name>{_NAME})(?: from [\w ]{{1,20}})?$")
_EDGES = "'\u2019-"
# Capitalised words that follow such phrases and name nobody.
_NOBODY_TEXT = """
    a an the i it is im i'm so we you he she they there here this that what when where why how who which all again
    everyone everybody guys team folks sir madam maam ma'am agent support service customer sales billing everything
    anything nothing something yes no not now just please sorry sure okay ok well good great fine bye goodbye
    thanks thank hello hi hey morning afternoon evening night day today tomorrow monday tuesday wednesday thursday
    friday saturday sunday january february march april june july august september october november december
    technical tech internet network finance security shipping hardware contracts field department desk bank telecom
    group company inc ltd llc corp corporation mobile wireless insurance airlines hotel hospital clinic center
    centre office store shop online english spanish french german american british absolutely unacceptable
    outrageous ridiculous terrible urgent important about because calling for from with regarding actually yeah yep
    nope and but then mr mrs ms assistant bot very really still only too also my your our their his her its let can
    could would do does did may welcome alright anytime yup uh um hmm oh oops wait right god yea duh nevermind asap it's that's what's
"""
_NOBODY = frozenset(_NOBODY_TEXT.split())
_FIRMS_TEXT = """
    telecom group company inc ltd llc corp corporation mobile wireless insurance airlines hotel hospital clinic center centre office
    store shop bank desk department support service customer internet network
"""
_FIRMS = frozenset(_FIRMS_TEXT.split())
# Given names that are also words: replaced where a greeting says that they are names, not wherever they stand.
_WORDS_TEXT = """
    will may mark grace hope rose art bill rich frank grant summer dawn joy faith jack sandy pat sue max ray miles
    chase drew
"""
_WORDS = frozenset(_WORDS_TEXT.split())


def names(text: str, _: str | None) -> Iterator[Span]:
    """Find names after `my name is`, `this is ... speaking`, `Hi ...,`, `Mrs. ...` and the like."""
    found = [pattern.match(text, end) for words, pattern in _CUES for end in after(text, words)]
    for word in _BEFORE:
        end = lower(text).find(word)
        while end >= 0:
            found.append(_LAST.search(text, max(0, end - 80), end))
            end = lower(text).find(word, end + 1)
    for match in found:
        kept = _person(match["name"]) if match else ""
        if match and kept:
            yield Span(match.start("name"), match.start("name") + len(kept), "name", kept.casefold())


def _person(found: str) -> str:
    """Keep the words before the first one that cannot be part of a name; nothing if that word shows that it is a company."""
    parts = found.split(" ")
    wrong = next((i for i, part in enumerate(parts) if part.casefold().strip(_EDGES) in _NOBODY), len(parts))
    if parts[-1].endswith(("'s", "\u2019s")):
        parts[-1] = parts[-1][:-2]
    return "" if wrong < len(parts) and parts[wrong].casefold() in _FIRMS else " ".join(parts[:wrong])


def is_telling(value: str) -> bool:
    """Whether a name is safe to replace everywhere: it is long enough and no ordinary word."""
    return len(value) > 2 and value.casefold() not in _WORDS and (value[:1].isupper() or not value.isalpha())
