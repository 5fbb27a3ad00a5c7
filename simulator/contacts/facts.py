"""What is true of one conversation before a word is said; what is said and how it is judged both follow from it."""

import random
from dataclasses import dataclass

from simulator.contacts import centre, phrases
from simulator.contacts.grammar import weighted

TOPICS = tuple(phrases.TOPICS)
TONES = tuple(phrases.TONES)
PATHS = ("direct", "repeat", "transfer", "escalation")
OUTCOMES = tuple(phrases.OUTCOMES)
BEHAVIOURS = ("wait_apology", "empathy", "verify", "recap", "further_help")


@dataclass(frozen=True)
class Facts:
    """Causes of one conversation and of its labels. `behaviours` are those that the agent showed."""

    topic: str
    tone: str
    path: str
    outcome: str
    leaving: bool
    behaviours: frozenset[str]
    wait: int
    peak: bool

    @property
    def long_wait(self) -> bool:
        """Whether the customer held long enough to mind."""
        return self.wait >= centre.LONG_WAIT_SECONDS

    @property
    def missing(self) -> tuple[str, ...]:
        """What the agent should have done and did not, most important first; only a long wait asks for an apology."""
        return tuple(
            name for name in BEHAVIOURS if name not in self.behaviours and (self.long_wait or name != "wait_apology")
        )


def draw(rng: random.Random, wait: int, peak: bool, skill: float, repeat_of: str | None) -> Facts:
    """Facts of a call that held `wait` seconds, taken by an agent of `skill` (0 to 1); `repeat_of` is an unsolved topic."""
    topic = repeat_of or weighted(rng, dict.fromkeys(TOPICS, 1.0))
    worn = (1 if repeat_of else 0) + (1 if wait >= centre.LONG_WAIT_SECONDS else 0)
    tone = weighted(rng, {"calm": 5.0 - 1.5 * worn, "annoyed": 3.0, "furious": 1.5 + worn})
    path = "repeat" if repeat_of else weighted(rng, _path_weights(tone))
    outcome = weighted(rng, {"solved": 2.0 + 3.0 * skill, "open": 1.2, "failed": 1.0})
    leaving = rng.random() < {"calm": 0.1, "annoyed": 0.25, "furious": 0.5}[tone]
    behaviours = frozenset(
        name for name in BEHAVIOURS if rng.random() < skill and (name != "wait_apology" or wait >= 120)
    )
    return Facts(topic, tone, path, outcome, leaving, behaviours, wait, peak)


def _path_weights(tone: str) -> dict[str, float]:
    """How likely a first call goes each way; the furious ask for the boss."""
    return {"direct": 6.0, "transfer": 2.0, "escalation": 3.0 if tone == "furious" else 0.7}
