"""A contact centre over a period: customers who come back, agents of different skill, transcripts with analyses."""

import datetime as dt
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from simulator.contacts import analysis, centre, dialogue, facts

CUSTOMERS = 5000
AGENTS = 60
_CALL_BACK = dt.timedelta(days=2)
_GIVE_UP = dt.timedelta(days=21)


@dataclass(frozen=True)
class Conversation:
    """One call: its facts and its raw transcript record."""

    facts: facts.Facts
    transcript: dict[str, Any]


@dataclass
class _Unsolved:
    """Customers with an open problem, oldest first: (since, customer, topic)."""

    queue: deque[tuple[dt.datetime, int, str]] = field(default_factory=deque)

    def due(self, now: dt.datetime) -> tuple[int, str] | None:
        """Take a customer who lost patience by `now`, if any; those who waited too long gave up."""
        while self.queue and now - self.queue[0][0] > _GIVE_UP:
            self.queue.popleft()
        if not self.queue or now - self.queue[0][0] < _CALL_BACK:
            return None
        _, customer, topic = self.queue.popleft()
        return customer, topic


def simulate(count: int, first: dt.date, last: dt.date, seed: str) -> Iterator[Conversation]:
    """`count` conversations in time order; the same seed gives the same ones on every Python version."""
    rng = random.Random(seed)  # noqa: S311 (a simulation, no secret)
    skills = [0.55 + 0.4 * rng.random() for _ in range(AGENTS)]
    unsolved = _Unsolved()
    for index, start in enumerate(centre.draw_starts(count, first, last, rng)):
        back = unsolved.due(start) if rng.random() < 0.2 else None
        customer, repeat_of = back or (int(CUSTOMERS * rng.random() ** 1.3), None)
        agent = int(rng.random() * AGENTS)
        wait = centre.draw_wait(start, rng)
        drawn = facts.draw(rng, wait, start.month in centre.PEAK_MONTHS, skills[agent], repeat_of)
        if drawn.outcome != "solved":
            unsolved.queue.append((start, customer, drawn.topic))
        yield Conversation(drawn, _transcript(index, start, customer, agent, drawn, rng))


def label(conversations: list[Conversation], noise: float, seed: str) -> list[dict[str, Any]]:
    """Analyses {"id", "target"} of the conversations, in their order, with label noise."""
    targets = analysis.blur(
        [analysis.judge(conversation.facts) for conversation in conversations],
        noise,
        random.Random(f"{seed} noise"),  # noqa: S311
    )
    return [
        {"id": conversation.transcript["id"], "target": target}
        for conversation, target in zip(conversations, targets, strict=True)
    ]


def _transcript(
    index: int, start: dt.datetime, customer: int, agent: int, drawn: facts.Facts, rng: random.Random
) -> dict[str, Any]:
    """The raw record, as schemas/transcript.schema.json has it."""
    return {
        "id": f"conv-{index:06d}",
        "start": start.isoformat(),
        "queue_wait_time_seconds": drawn.wait,
        "customer_id": f"cust-{customer:05d}",
        "agent_id": f"agent-{agent:03d}",
        "turns": dialogue.turns(drawn, start, rng),
    }
