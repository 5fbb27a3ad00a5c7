"""Conversations with personal data whose places are known, by a seeded generator that shares no code with the detector.

`usual` forms are those that people write or say when asked; `hard` ones have no sure pattern, and show what is left behind.
"""

import random
import string
from collections.abc import Callable
from dataclasses import dataclass

FIRST = [
    "Aisha",
    "Alan",
    "Beatriz",
    "Carlos",
    "Chloe",
    "Daniela",
    "Dmitri",
    "Elena",
    "Fatima",
    "Giulia",
    "Hannah",
    "Ibrahim",
    "Ingrid",
    "Jamal",
    "Jürgen",
    "Kenji",
    "Lakshmi",
    "Liam",
    "Magda",
    "Mei",
    "Mohammed",
    "Nadia",
    "Oscar",
    "Priya",
    "Quentin",
    "Rania",
    "Sofia",
    "Tomás",
    "Uma",
    "Viktor",
    "Wanda",
    "Xavier",
    "Yusuf",
    "Zoë",
    "Peter",
    "Laura",
    "Simon",
    "Ruth",
]
LAST = [
    "Abbott",
    "Bauer",
    "Chen",
    "Diaz",
    "Evans",
    "Fischer",
    "Garcia",
    "Haddad",
    "Ivanova",
    "Johansson",
    "Kowalski",
    "Lopez",
    "Müller",
    "Nakamura",
    "O'Brien",
    "Patel",
    "Quinn",
    "Rossi",
    "Silva",
    "Tanaka",
    "Umar",
    "Vargas",
    "Weber",
    "Xu",
    "Yilmaz",
    "Zhang",
    "Thompson",
    "Walker",
    "Reyes",
    "Novak",
]
STREETS = [
    "Maple",
    "Elm",
    "Washington",
    "Lakeview",
    "Sunset",
    "Birch",
    "Jefferson",
    "Meadow",
    "Willow",
    "Franklin",
    "Highland",
    "Dogwood",
]
TOWNS = ("Springfield, IL", "Portland, OR", "Austin, TX", "Dayton, OH")
SITES = ["example.com", "mail.example.org", "corp.example.co.uk", "web.example.de", "inbox.example.net"]


@dataclass(frozen=True)
class Case:
    """Turns of one conversation, and the personal data in them: (turn, start, end, kind)."""

    turns: list[str]
    spans: list[tuple[int, int, int, str]]


Draw = random.Random
Form = tuple[str, Callable[[Draw], str], str]  # kind, value, text with {} where the value stands; "|" between turns


def _digits(draw: Draw, count: int) -> str:
    return "".join(draw.choice(string.digits) for _ in range(count))


def _luhn(body: str) -> str:
    """The digits with the check digit that makes them a card number."""
    total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(reversed(body)))
    return body + str(-total % 10)


def card(draw: Draw) -> str:
    """A card number in one of the ways that cards show it."""
    if draw.random() < 0.2:
        number = _luhn("37" + _digits(draw, 12))
        return f"{number[:4]} {number[4:10]} {number[10:]}"
    number = _card16(draw)
    joint = draw.choice(["", " ", "-"])
    return joint.join(number[i : i + 4] for i in range(0, 16, 4))


def _card16(draw: Draw) -> str:
    prefix = draw.choice(["4", "51", "55", "2221", "6011"])
    return _luhn(prefix + _digits(draw, 15 - len(prefix)))


def iban(draw: Draw) -> str:
    """A German or French-sized IBAN with its checksum, in groups of four or in one piece."""
    body = _digits(draw, 18)
    check = 98 - int(body + "131400") % 97
    whole = f"DE{check:02}{body}"
    return whole if draw.random() < 0.4 else " ".join(whole[i : i + 4] for i in range(0, len(whole), 4))


def email(draw: Draw) -> str:
    """An e-mail address."""
    first, last = draw.choice(FIRST).lower(), draw.choice(LAST).lower().replace("'", "")
    local = draw.choice(
        [f"{first}.{last}", f"{first[0]}{last}{draw.randint(1, 99)}", f"{first}_{last}", f"{last}+shop", first]
    )
    return f"{local}@{draw.choice(SITES)}"


def spoken(draw: Draw) -> str:
    """An e-mail address as speech recognition writes it down."""
    return f"{draw.choice(FIRST).lower()} dot {draw.choice(LAST).lower()} at example dot {draw.choice(['com', 'org', 'net'])}"


def american(draw: Draw) -> str:
    """A phone number as Americans write it."""
    area, middle, end = draw.choice(["415", "212", "773", "305", "617"]), f"{draw.randint(200, 989)}", _digits(draw, 4)
    forms = (
        f"({area}) {middle}-{end}",
        f"{area}-{middle}-{end}",
        f"{area}.{middle}.{end}",
        f"{area} {middle} {end}",
        f"+1 {area} {middle} {end}",
        f"1-{area}-{middle}-{end}",
    )
    return draw.choice(forms)


def foreign(draw: Draw) -> str:
    """A phone number with a country code."""
    return draw.choice(
        [
            f"+44 20 7946 {_digits(draw, 4)}",
            f"+49 30 9018{_digits(draw, 4)}",
            f"+33 1 42 68 {_digits(draw, 2)} {_digits(draw, 2)}",
            f"+61 2 9374 {_digits(draw, 4)}",
            f"0044 20 7946 {_digits(draw, 4)}",
        ]
    )


def ssn(draw: Draw) -> str:
    """An American social security number."""
    return f"{draw.randint(100, 665):03}-{draw.randint(10, 99)}-{draw.randint(1000, 9999)}"


def nino(draw: Draw) -> str:
    """A British national insurance number."""
    return f"{draw.choice('ABCEGHJKLM')}{draw.choice('ABCEGHJKLM')} {_digits(draw, 2)} {_digits(draw, 2)} {_digits(draw, 2)} {draw.choice('ABCD')}"


def dni(draw: Draw) -> str:
    """A Spanish identity number."""
    number = _digits(draw, 8)
    return number + "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23]


def cpf(draw: Draw) -> str:
    """A Brazilian taxpayer number."""
    body = [int(d) for d in _digits(draw, 9)]
    for _ in range(2):
        rest = sum((len(body) + 1 - i) * d for i, d in enumerate(body)) * 10 % 11
        body.append(rest % 10)
    text = "".join(map(str, body))
    return f"{text[:3]}.{text[3:6]}.{text[6:9]}-{text[9:]}"


def passport(draw: Draw) -> str:
    """A passport number."""
    return f"{draw.choice('CFGHX')}{_digits(draw, 8)}"


def account(draw: Draw) -> str:
    """An account number of some length and shape."""
    return draw.choice(
        [_digits(draw, draw.randint(4, 12)), f"{_digits(draw, 4)} {_digits(draw, 4)}", f"AB-{_digits(draw, 6)}"]
    )


def address(draw: Draw) -> str:
    """A street address."""
    street = f"{draw.randint(1, 9999)} {draw.choice(STREETS)} {draw.choice(['Street', 'Avenue', 'Road', 'Lane', 'Dr.', 'Blvd'])}"
    town = f", {draw.choice(TOWNS)} {_digits(draw, 5)}"
    return draw.choice(
        [street, street.rstrip("."), street + town, f"Gartenstraße {draw.randint(1, 90)}, {_digits(draw, 5)} Potsdam"]
    ).rstrip(".")


def ip(draw: Draw) -> str:
    """A network address of either version."""
    if draw.random() < 0.7:
        return ".".join(str(draw.randint(1, 254)) for _ in range(4))
    return (
        ":".join(f"{draw.randint(0x1000, 0xFFFF):x}" for _ in range(8))
        if draw.random() < 0.5
        else f"2001:db8::{draw.randint(1, 0xFFFF):x}"
    )


def first(draw: Draw) -> str:
    """A given name."""
    return draw.choice(FIRST)


def last(draw: Draw) -> str:
    """A family name."""
    return draw.choice(LAST)


def full(draw: Draw) -> str:
    """A given and a family name."""
    return f"{draw.choice(FIRST)} {draw.choice(LAST)}"


USUAL: tuple[Form, ...] = (
    ("email", email, "My email is {}."),
    ("email", email, "Which address do we have?|{}, and please hurry"),
    ("email", email, "You can write to {} any time"),
    ("email", spoken, "sure it's {}"),
    ("phone", american, "You can reach me at {}."),
    ("phone", american, "{} is my cell"),
    ("phone", american, "What is the best number to call?|{}."),
    ("phone", foreign, "My number abroad is {}, thanks"),
    ("phone", foreign, "Please ring {} after six"),
    ("card", card, "My card number is {}."),
    ("card", card, "It is a Visa, {}, expiring 09/27"),
    ("card", card, "charge it to {} please"),
    ("iban", iban, "Please refund it to {}."),
    ("iban", iban, "The IBAN is {} at my bank"),
    ("national_id", ssn, "My social is {}."),
    ("national_id", nino, "national insurance number {}"),
    ("national_id", dni, "Mi DNI es {}."),
    ("national_id", cpf, "O meu CPF: {}"),
    ("national_id", passport, "The passport number is {}."),
    ("account", account, "My account number is {}."),
    ("account", account, "May I have your account number?|Sure, it's {}."),
    ("account", account, "Please confirm your customer ID.|{}."),
    ("account", account, "It is about policy number {}, the one for my car"),
    ("address", address, "I live at {}."),
    ("address", address, "Send it to {}, please"),
    ("ip", ip, "The router shows {}."),
    ("ip", ip, "requests from {} time out"),
    ("name", full, "My name is {}."),
    ("name", first, "Thank you for calling, this is {} speaking."),
    ("name", first, "Hi {}, how are you?"),
    ("name", full, "Hello, I'm {} from billing."),
    ("name", last, "Is that right, Mrs. {}?"),
    ("name", full, "Can I have your name?|{}."),
    ("name", first, "Harbor Telecom, {} here."),
)
HARD: tuple[Form, ...] = (
    ("name", full, "I already told {} about it yesterday."),
    ("name", lambda draw: draw.choice(FIRST).lower(), "hey {} can you look again"),
    ("name", first, "It was {} who promised it."),
    (
        "phone",
        lambda draw: " ".join(
            draw.choice(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]) for _ in range(10)
        ),
        "call me at {}",
    ),
    ("phone", lambda draw: _digits(draw, 10), "{} is where I am in the evening"),
    ("email", lambda draw: email(draw).replace("@", " (at) "), "write to {}"),
    ("account", account, "The one that starts with {}, you know"),
    ("address", lambda draw: f"{draw.choice(STREETS)} and {draw.choice(STREETS)}", "I live on the corner of {}"),
)
HARMLESS = (
    "My order number is {10} and it is late.",
    "The tracking number 1Z{8}AA shows no movement.",
    "It cost $1,{3}.50 in March 2024.",
    "I called on 2025-03-14 at 10:30:45.",
    "We spoke on 03/14/2025, about 15 minutes.",
    "The firmware is version 1.2.3.4 now.",
    "The screen says error {4} again.",
    "The model is SM-G{3}B with 128 GB.",
    "The serial number is {12}.",
    "Hello, how can I help?",
    "This is Harbor Telecom.",
    "Hi there, quick question.",
    "Good Morning! It is Monday today.",
    "I'm from Chicago, it is Sunny here.",
    "Thank you, Goodbye.",
    "I have 3 devices and 250 channels.",
    "Reference {6}-{4} for the ticket, please.",
    "I Am Really Angry about these 40 dollars.",
    "The balance was 1.250,00 euros, then 1 200.",
    "Ticket {9} was closed in week 12 of 2024.",
    "Your parcel weighs 2.5 kg and left at 8:15.",
)


def _harmless(draw: Draw) -> str:
    text = draw.choice(HARMLESS)
    for size in range(3, 13):
        while f"{{{size}}}" in text:
            text = text.replace(f"{{{size}}}", _digits(draw, size), 1)
    return text


def cases(count: int, seed: int, forms: tuple[Form, ...] = USUAL) -> list[Case]:
    """`count` conversations, each with one to three pieces of personal data among harmless turns."""
    draw = random.Random(seed)
    return [_case(draw, forms) for _ in range(count)]


def _case(draw: Draw, forms: tuple[Form, ...]) -> Case:
    turns: list[str] = []
    spans = []
    for kind, value, text in draw.sample(forms, draw.randint(1, 3)):
        turns += [_harmless(draw) for _ in range(draw.randint(1, 3))]
        before, after = text.split("{}")
        made = value(draw)
        lines = before.split("|")
        spans.append((len(turns) + len(lines) - 1, len(lines[-1]), len(lines[-1]) + len(made), kind))
        turns += [*lines[:-1], lines[-1] + made + after]
    return Case([*turns, _harmless(draw)], spans)
