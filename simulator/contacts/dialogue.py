"""Facts to turns: who says what, and when."""

import datetime as dt
import random
from collections.abc import Iterator

from simulator.contacts import centre, phrases
from simulator.contacts.facts import Facts
from simulator.contacts.grammar import expand, pick

Turn = dict[str, str]


def turns(facts: Facts, start: dt.datetime, rng: random.Random) -> list[Turn]:
    """The conversation as turns {"role", "text", "time"}; times are ISO 8601 with offset."""
    moment, spoken = start, []
    lasting = {
        "company": phrases.COMPANY,
        "team": phrases.TOPICS[facts.topic]["team"][0],
        "device": pick(rng, phrases.DEVICES),
    }
    for role, templates in _script(facts, rng):
        slots = {**lasting, **_slots(rng)}
        text = " ".join(_sentence(expand(pick(rng, lines), rng, slots)) for lines in templates)
        spoken.append({"role": role, "text": text, "time": moment.isoformat()})
        moment = centre.after(moment, 2 + len(text.split()) // 2 + int(rng.random() * 9))
    return spoken


def _script(facts: Facts, rng: random.Random) -> Iterator[tuple[str, list[list[str]]]]:
    """Roles with the phrase lists that each turn is made of."""
    topic, tone = phrases.TOPICS[facts.topic], phrases.TONES[facts.tone]
    yield "agent", [phrases.GREETING, *_shown(facts, "wait_apology", phrases.WAIT_APOLOGY), phrases.ASK]
    repeat = [phrases.REPEAT_CUE] if facts.path == "repeat" else []
    yield "customer", [[f"{opening} {problem}." for opening in tone["open"] for problem in topic["problem"]], *repeat]
    verify = _shown(facts, "verify", phrases.VERIFY)
    if asked := [*_shown(facts, "empathy", phrases.EMPATHY), *verify]:
        yield "agent", asked
        yield "customer", [*([phrases.IDENTITY] if verify else []), topic["detail"]]
    if facts.path == "transfer":
        yield "agent", [phrases.TRANSFER]
        yield "agent", [phrases.AFTER_TRANSFER, topic["action"]]
    elif facts.path == "escalation":
        yield "customer", [phrases.ESCALATE]
        yield "agent", [phrases.AFTER_ESCALATE, topic["action"]]
    else:
        yield "agent", [topic["action"]]
    yield "customer", [tone["react"], *([phrases.LEAVE_THREAT] if facts.leaving else [])]
    recap = [*_shown(facts, "recap", phrases.RECAP), *_shown(facts, "further_help", phrases.FURTHER_HELP)]
    yield "agent", [phrases.OUTCOMES[facts.outcome], *recap]
    if rng.random() < 0.5:
        yield "customer", [tone["thanks"]]


def _shown(facts: Facts, name: str, lines: list[str]) -> list[list[str]]:
    """The phrases of a behaviour, when the agent shows it."""
    return [lines] if name in facts.behaviours else []


def _slots(rng: random.Random) -> dict[str, str]:
    """Values that change from turn to turn."""
    return {
        "agent": pick(rng, phrases.AGENT_NAMES),
        "day": pick(rng, phrases.DAYS),
        "street": pick(rng, phrases.STREETS),
        "hour": str(1 + int(rng.random() * 11)),
        "number": str(2 + int(rng.random() * 29)),
        "amount": str(10 + int(rng.random() * 190)),
        "account": str(1000 + int(rng.random() * 9000)),
    }


def _sentence(text: str) -> str:
    """With a capital first letter."""
    return text[:1].upper() + text[1:]
