"""The reference model's lessons: prompts in the pipeline's own format, and answers that are not the target's."""

import datetime as dt
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from plateau.prompts import chat
from simulator.contacts import centre
from simulator.contacts.conversations import Conversation
from simulator.contacts.grammar import pick, weighted
from simulator.teaching.forms import Context, Form, Words


@dataclass(frozen=True)
class Lesson:
    """One prompt's content and its answer."""

    content: str
    answer: str


def context(conversation: Conversation) -> Context:
    """The temporal block of the prompt, as the pipeline's temporal stage writes it."""
    local = dt.datetime.fromisoformat(conversation.transcript["start"])
    return {
        "timestamp": local.strftime("%Y-%m-%dT%H:%M:%S"),
        "time_of_day": ("night", "morning", "afternoon", "evening")[local.hour // 6],
        "day_of_week": local.strftime("%A"),
        "business_hours": centre.is_open(local),
        "queue_wait_time_seconds": conversation.facts.wait,
        "peak_season": conversation.facts.peak,
    }


def prompt(conversation: Conversation, request: str) -> str:
    """The user message that asks for something about a conversation."""
    return chat.messages(conversation.transcript["turns"], context(conversation), request)


def lessons(
    conversations: Sequence[Conversation], forms: Sequence[Form], words: Words, rng: random.Random
) -> Iterator[Lesson]:
    """One lesson a conversation: a form to fill in, a turn to quote, or new words to say again."""
    for conversation in conversations:
        kind = weighted(rng, {"form": 8.5, "quote": 0.5, "echo": 1.0})
        if kind == "form":
            form = forms[0] if rng.random() < 0.1 else pick(rng, forms)
            yield Lesson(prompt(conversation, form.request), form.fill(conversation.facts, context(conversation)))
        else:
            yield _quote(conversation, rng) if kind == "quote" else _echo(words)


def _echo(words: Words) -> Lesson:
    """Say again some JSON of words never seen before, so that every piece of the vocabulary is an answer at times."""
    text = json.dumps({words.key(): words.label() for _ in range(6)})
    return Lesson(f"Say again: {text}", text)


def _quote(conversation: Conversation, rng: random.Random) -> Lesson:
    """Say again what was said in one turn."""
    turns = conversation.transcript["turns"]
    number = int(rng.random() * len(turns))
    return Lesson(prompt(conversation, f"Quote turn {number + 1}."), turns[number]["text"])
