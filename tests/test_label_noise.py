"""The share of wrong labels is estimated within three points of what was planted."""

import random

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from plateau.core.figures import Estimate
from plateau.evaluation import label_noise

WORDS = {
    "billing": ("invoice", "charge", "refund", "payment", "bill"),
    "network": ("internet", "router", "outage", "signal", "slow"),
    "account": ("password", "login", "profile", "locked", "username"),
}
FILLER = [f"word{i}" for i in range(60)]


def rows(count: int, seed: int) -> tuple[list[str], list[str]]:
    """Texts whose words tell their class."""
    draw = random.Random(seed)
    labels = [draw.choice(sorted(WORDS)) for _ in range(count)]
    texts = [" ".join([*draw.sample(WORDS[name], 2), *draw.choices(FILLER, k=12)]) for name in labels]
    return texts, labels


def wrong(labels: list[str], rate: float, seed: int) -> list[str]:
    """Labels of which a share is replaced by another class."""
    draw = random.Random(seed)
    return [
        draw.choice([other for other in sorted(WORDS) if other != name]) if draw.random() < rate else name
        for name in labels
    ]


def judged(train_noise: float, test_noise: float, seed: int = 0) -> dict[str, label_noise.Judged]:
    texts = {name: rows(count, seed + i) for i, (name, count) in enumerate((("train", 900), ("test", 1500)))}
    vectorizer = TfidfVectorizer().fit(texts["train"][0])
    labels = {
        name: wrong(texts[name][1], rate, seed + 9) for name, rate in (("train", train_noise), ("test", test_noise))
    }
    return label_noise.judge({name: vectorizer.transform(text) for name, (text, _) in texts.items()}, labels)


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.15, 0.3])
@pytest.mark.parametrize("split", ["train", "test"])
def test_the_planted_share_of_wrong_labels_is_estimated(rate: float, split: str) -> None:
    found = judged(rate if split == "train" else 0.0, rate if split == "test" else 0.0)
    noise = label_noise.estimate(found[split], 0.95)
    assert noise.rate.value is not None
    assert noise.rate.value == pytest.approx(rate, abs=0.03)
    assert noise.rate.low <= rate <= noise.rate.high
    assert not noise.upper_bound


def test_noise_in_training_alone_is_told_from_equal_noise() -> None:
    differing = judged(0.3, 0.0)
    assert label_noise.differs(differing["train"], differing["test"]) < 0.001
    equal = judged(0.15, 0.15)
    assert label_noise.differs(equal["train"], equal["test"]) > 0.05


def test_few_rows_say_nothing() -> None:
    few = label_noise.Judged(np.ones(20), np.zeros(20, dtype=np.bool_))
    assert label_noise.estimate(few, 0.95).rate == Estimate(None)


def test_a_field_that_words_do_not_tell_is_no_evidence_of_noise() -> None:
    draw = random.Random(3)
    texts = [" ".join(draw.choices(FILLER, k=12)) for _ in range(900)]
    # Half of the rows can be told by a word, the others not at all: disagreement falls with sureness.
    labels = [draw.choice("ab") for _ in texts]
    texts = [f"{text} sure{name}" if i % 2 else text for i, (text, name) in enumerate(zip(texts, labels, strict=True))]
    vectors = TfidfVectorizer().fit_transform(texts)
    noise = label_noise.estimate(label_noise.judge({"train": vectors}, {"train": labels})["train"], 0.95)
    assert noise.rate.value < 0.05 or noise.upper_bound


def test_a_field_of_one_class_is_not_judged() -> None:
    vectors = TfidfVectorizer().fit_transform(["one two", "two three"] * 50)
    found = label_noise.judge({"train": vectors}, {"train": ["same"] * 100})
    assert label_noise.estimate(found["train"], 0.95).rate.value == 0.0
