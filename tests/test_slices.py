"""Groups for which the model is wrong are found, whether a column names them or not; without any, none is reported."""

import random

import numpy as np
import pytest

from plateau.evaluation import slices
from plateau.metrics.scrutiny import SliceFigures

FILLER = [f"word{i}" for i in range(30)]


def texts(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(FILLER, k=8)) for _ in range(count)]


def found(score: list[float], columns: dict[str, list[str]], said: list[str]) -> list[SliceFigures]:
    return slices.find(np.array(score), columns, said, samples=200, confidence=0.95, seed=0)


def test_a_column_whose_value_is_scored_worse_is_named_first() -> None:
    draw = random.Random(0)
    channel = [draw.choice(["phone", "chat", "mail"]) for _ in range(300)]
    score = [float(draw.random() < (0.5 if name == "mail" else 0.95)) for name in channel]
    worst = found(score, {"channel": channel}, texts(300, 1))[0]
    assert worst.name == "channel = mail"
    assert worst.q_value < 0.01
    assert worst.difference.low <= worst.difference.value <= worst.difference.high < 0
    inside = np.mean([s for s, name in zip(score, channel, strict=True) if name == "mail"])
    assert worst.score == pytest.approx(inside, abs=1e-5)


def test_a_group_that_only_its_words_show_is_discovered_on_the_other_half() -> None:
    draw = random.Random(1)
    said = texts(400, 2)
    marked = [draw.random() < 0.25 for _ in said]
    said = [f"{text} premium" if mark else text for text, mark in zip(said, marked, strict=True)]
    score = [float(draw.random() < (0.3 if mark else 0.97)) for mark in marked]
    worst = found(score, {}, said)[0]
    assert worst.discovered
    assert "says 'premium'" in worst.name
    assert worst.q_value < 0.01
    assert worst.rows <= 200


def test_chance_alone_is_seldom_reported() -> None:
    alarms = 0
    for seed in range(20):
        draw = random.Random(seed)
        columns = {name: [draw.choice("abcd") for _ in range(240)] for name in ("region", "product", "day")}
        score = [float(draw.random() < 0.9) for _ in range(240)]
        alarms += any(
            one.q_value < 0.05 and one.difference.value < 0 for one in found(score, columns, texts(240, seed))
        )
    assert alarms <= 3


def test_small_slices_and_rows_without_a_score_are_left_out() -> None:
    score = [0.0] * 10 + [1.0] * 90 + [float("nan")] * 50
    column = ["rare"] * 10 + ["often"] * 90 + ["other"] * 50
    assert found(score, {"column": column}, texts(150, 4)) == []


def test_quartiles_are_in_order() -> None:
    names = slices.quartiles([1, 2, 3, 4, 5, 6, 7, 8])
    assert names[0] == names[1] == "1 (shortest)"
    assert names[-1] == "4 (longest)"
    assert slices.quartiles([]) == []
