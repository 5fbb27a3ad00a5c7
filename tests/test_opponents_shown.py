"""The report says who wins which field, and draws score against cost."""

from dataclasses import replace
from typing import Any

import pytest

from plateau.core.figures import from_json
from plateau.metrics.evaluate import Evaluate
from plateau.report import opponents, page
from plateau.report.page import Charts, Table


def arm(
    whole: float, mood: float, tokens: tuple[float, float] | None = None, cost: float | None = None
) -> dict[str, Any]:
    taken = {} if tokens is None else {"input_tokens": tokens[0], "output_tokens": tokens[1]}
    priced = {} if cost is None else {"cost_per_1000": cost}
    field = {"kind": "class", "rows": 120, "score": mood}
    return {
        "score": whole,
        "score_low": whole - 0.02,
        "score_high": whole + 0.02,
        "fields": {"mood": field},
        **taken,
        **priced,
    }


def compared(difference: float, result: str) -> dict[str, Any]:
    return {
        "rows": 120,
        "difference": difference,
        "low": difference - 0.01,
        "high": difference + 0.01,
        "result": result,
    }


def pair(whole: tuple[float, str], mood: tuple[float, str]) -> dict[str, Any]:
    return {"score": compared(*whole), "fields": {"mood": compared(*mood)}}


def evaluated(linear: dict[str, Any], cost: float | None = None) -> Evaluate:
    found = {
        "arms": {
            "adapter": arm(0.9, 0.8, (200, 50), cost),
            "base_few_shot": arm(0.5, 0.4, (900, 60), cost and 4 * cost),
            "linear": arm(0.85, 0.95),
        },
        "comparisons": {
            "adapter_vs_base_few_shot": pair((0.4, "better"), (0.4, "better")),
            "adapter_vs_linear": linear,
        },
    }
    return from_json(Evaluate, found, "evaluate.json")


def table(evaluate: Evaluate, min_gain: float = 0.01) -> Table:
    return next(part for part in opponents.parts(evaluate, min_gain) if isinstance(part, Table))


@pytest.mark.parametrize(
    ("whole", "mood", "wins"),
    [
        ((0.05, "better"), (-0.15, "worse"), ["adapter", "linear"]),
        ((0.05, "not_told_apart"), (0.1, "better"), ["nobody: not told apart from linear", "adapter"]),
        ((0.005, "better"), (-0.005, "worse"), ["nobody: not told apart from linear"] * 2),
    ],
)
def test_who_wins_takes_more_than_chance_and_more_than_the_least_gain(
    whole: tuple[float, str], mood: tuple[float, str], wins: list[str]
) -> None:
    found = table(evaluated(pair(whole, mood)))
    assert [row[0] for row in found.rows] == ["whole answer", "mood"]
    assert [row[-1] for row in found.rows] == wins
    assert [mark == "wrong" for mark in found.marks] == [winner == "linear" for winner in wins]
    assert found.rows[0][1:-1] == [0.9, 0.5, 0.85]


@pytest.mark.parametrize(("cost", "costs"), [(None, [250, 960, 0]), (2.0, [2.0, 8.0, 0])])
def test_score_is_drawn_against_cost_or_against_tokens_where_prices_are_unknown(
    cost: float | None, costs: list[float]
) -> None:
    drawn = next(
        part
        for part in opponents.parts(evaluated(pair((0.05, "better"), (0.1, "better")), cost), 0.01)
        if isinstance(part, Charts)
    ).charts[0]
    assert [one["cost"] for one in drawn.spec["data"]["values"]] == costs
    assert drawn.table is not None
    assert [row[1] for row in drawn.table.rows] == costs
    assert "<svg" in drawn.svg()
    assert ("cost of 1,000 calls" in drawn.text) == (cost is not None)


@pytest.mark.parametrize(("cost", "costs"), [(None, [250, 960, 0]), (2.0, [2.0, 8.0, 0, 5.0])])
def test_a_file_of_answers_is_drawn_by_its_cost_where_that_of_the_adapter_is_known(
    cost: float | None, costs: list[float]
) -> None:
    found = evaluated(pair((0.05, "better"), (0.1, "better")), cost)
    mine = from_json(Evaluate, {"arms": {"external_api": arm(0.95, 0.9, cost=5.0)}}, "").arms
    theirs = from_json(
        Evaluate, {"comparisons": {"adapter_vs_external_api": pair((-0.05, "worse"), (-0.1, "worse"))}}, ""
    )
    found = replace(found, arms={**found.arms, **mine}, comparisons={**found.comparisons, **theirs.comparisons})
    assert [row[-1] for row in table(found).rows] == ["external api"] * 2
    drawn = next(part for part in opponents.parts(found, 0.01) if isinstance(part, Charts)).charts[0]
    assert [one["cost"] for one in drawn.spec["data"]["values"]] == costs


def test_an_evaluation_without_opponents_shows_nothing() -> None:
    assert list(opponents.parts(from_json(Evaluate, {}, ""), 0.01)) == []


def test_answers_of_the_gates_have_words() -> None:
    from typing import get_args

    from plateau.metrics.gates import Answer

    assert set(page.ANSWERS) == set(get_args(Answer))
