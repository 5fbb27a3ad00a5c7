"""Facts to the target of schemas/target.schema.json: how an analyst would judge the conversation, and noise."""

import random
from typing import Any

from simulator.contacts.facts import Facts
from simulator.contacts.grammar import pick

Target = dict[str, Any]

KEYS = ("primary_category", "quality_score", "csat", "churn_risk", "journey_type", "coaching")
CATEGORIES = {
    "internet": "Internet Connectivity",
    "billing": "Billing Dispute",
    "upgrade": "Plan Upgrade",
    "device": "Device Malfunction",
    "access": "Account Access",
    "delivery": "Order Delivery",
    "leaving": "Service Cancellation",
    "visit": "Technician Appointment",
}
FIRST_CALL = {"solved": "First Contact Resolution", "open": "Follow-Up Pending", "failed": "Unresolved Contact"}
JOURNEYS = {"repeat": "Repeat Contact", "transfer": "Transfer", "escalation": "Escalation"}
_COACHING = {
    "wait_apology": "apologize for the wait",
    "empathy": "show more empathy",
    "verify": "verify the caller",
    "recap": "summarize the next steps",
    "further_help": "offer further help",
}
_QUALITY_COST = {"wait_apology": 10, "empathy": 20, "verify": 30, "recap": 20, "further_help": 10}


def judge(facts: Facts) -> Target:
    """The labels that follow from the facts, without noise."""
    return {
        "primary_category": CATEGORIES[facts.topic],
        "quality_score": 100 - sum(_QUALITY_COST[name] for name in facts.missing),
        "csat": _csat(facts),
        "churn_risk": _churn(facts),
        "journey_type": _journey(facts),
        "coaching": _coaching(facts),
    }


def blur(targets: list[Target], noise: float, rng: random.Random) -> list[Target]:
    """Each label, with chance `noise`, replaced by that of another conversation."""
    return [
        {name: pick(rng, targets)[name] if rng.random() < noise else value for name, value in target.items()}
        for target in targets
    ]


def _csat(facts: Facts) -> int:
    """5 for a calm customer with a solved problem; each disappointment costs, a long wait among them."""
    cost = {"solved": 0, "open": 1, "failed": 2}[facts.outcome] + {"calm": 0, "annoyed": 1, "furious": 2}[facts.tone]
    return max(1, 5 - cost - facts.long_wait)


def _churn(facts: Facts) -> int:
    """From 10 to 95: a threat to leave weighs most, then the tone; rivals' offers of the peak season add a little."""
    risk = 10 + 40 * facts.leaving + {"calm": 0, "annoyed": 10, "furious": 20}[facts.tone]
    return risk + 10 * (facts.outcome == "failed") + 10 * (facts.path == "repeat") + 5 * facts.peak


def _journey(facts: Facts) -> str:
    """The path; a first call that stays with one agent is named by how it ended."""
    return JOURNEYS.get(facts.path, FIRST_CALL[facts.outcome])


def _coaching(facts: Facts) -> str:
    """Advice on the two most important behaviours that were missing."""
    advice = [_COACHING[name] for name in facts.missing[:2]] or ["keep up the good work"]
    text = " and ".join(advice)
    return f"{text[:1].upper()}{text[1:]}."
