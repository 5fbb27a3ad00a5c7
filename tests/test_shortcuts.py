"""What decides a field without the conversation is named; a field that the conversation decides is not."""

import random

from plateau.evaluation.shortcuts import shortcut
from plateau.metrics.scrutiny import ShortcutFigures

WORDS = {
    "billing": ("invoice", "charge", "refund"),
    "network": ("internet", "router", "outage"),
    "account": ("login", "profile", "locked"),
}


def rows(seed: int) -> tuple[list[str], list[str], list[str]]:
    """Labels, contexts that say nothing of them, and conversations that tell them."""
    draw = random.Random(seed)
    labels = [draw.choice(sorted(WORDS)) for _ in range(300)]
    contexts = [f"day: {draw.choice(['monday', 'friday'])}" for _ in labels]
    said = [" ".join([*draw.sample(WORDS[name], 2), *(f"w{draw.randint(0, 40)}" for _ in range(6))]) for name in labels]
    return labels, contexts, said


def asked(labels: list[str], contexts: list[str], said: list[str]) -> ShortcutFigures:
    found = shortcut(labels, contexts, said, 0.95)
    assert found is not None
    return found


def test_a_field_that_the_conversation_tells_has_no_shortcut() -> None:
    found = asked(*rows(0))
    assert not found.context_decides
    assert found.word is None
    assert found.whole > 0.9 > 0.6 > found.context


def test_a_code_in_the_context_from_which_alone_the_label_follows_is_named() -> None:
    labels, contexts, said = rows(1)
    codes = {name: f"outcome: R{i}" for i, name in enumerate(sorted(WORDS))}
    found = asked(labels, [f"{text}\n{codes[name]}" for text, name in zip(contexts, labels, strict=True)], said)
    assert found.context_decides


def test_a_single_word_that_decides_a_field_is_named() -> None:
    draw = random.Random(2)
    labels = [draw.choice(["yes", "no"]) for _ in range(300)]
    said = [
        " ".join([f"w{draw.randint(0, 60)}" for _ in range(8)] + (["[REF_1]"] if name == "yes" else []))
        for name in labels
    ]
    found = asked(labels, [""] * 300, said)
    assert found.word in ("ref_1", "ref")


def test_too_few_rows_or_one_class_say_nothing() -> None:
    labels, contexts, said = rows(3)
    assert shortcut(labels[:50], contexts[:50], said[:50], 0.95) is None
    assert shortcut(["same"] * 300, contexts, said, 0.95) is None
