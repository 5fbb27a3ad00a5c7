"""Comparing runs names the right winner, and does not tell apart what the test rows do not."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from plateau import comparison, fields, predictions, report
from plateau.comparison import Run
from plateau.errors import BadInputError

SCHEMA = {"type": "object", "properties": {"category": {"enum": ["a", "b", "c"]}}}
TARGET = fields.fields(SCHEMA)
ROWS = 200


def run(name: str, right: float, loss: float, trainable: int = 1000, seed: int = 0, lr: float = 1e-3) -> Run:
    """A run that answers a share of the rows rightly, with losses about `loss`."""
    draw = np.random.default_rng(seed)
    golds = ["abc"[i % 3] for i in range(ROWS)]
    answers = [gold if draw.random() < right else "abc"[("abc".index(gold) + 1) % 3] for gold in golds]
    examples = predictions.Examples(
        [f"r{i}" for i in range(ROWS)],
        np.full(ROWS, 50, np.int32),
        np.full(ROWS, 10, np.int32),
        [json.dumps({"category": gold}) for gold in golds],
    )
    outputs = [json.dumps({"category": answer}) for answer in answers]
    losses = np.abs(draw.normal(loss, 0.1, ROWS)) * 10
    table = predictions.rows_of(examples, "adapter", losses, np.arange(ROWS), outputs, [5] * ROWS)
    metrics: dict[str, Any] = {
        "train": {"trainable_parameters": trainable, "stop_reason": "max_iters"},
        "evaluate": {"arms": {"adapter": {"loss": loss, "score": right, "fields": {"category": {"score": right}}}}},
    }
    return Run(name, {"lr": lr, "rank": 8, "split": {"train_size": 10}}, metrics, table)


def test_three_runs_made_apart_have_the_right_winner() -> None:
    runs = [run("c", 0.5, 2.0, seed=1), run("a", 0.95, 0.3, seed=2), run("b", 0.75, 1.0, seed=3)]
    found = comparison.compare(runs, TARGET)
    assert list(found.names) == ["a", "b", "c"]
    assert {(pair["run"], pair["of"], pair["result"]) for pair in found.pairs} == {
        (name, of, "worse") for name in "bc" for of in ("loss", "score")
    }
    assert found.advice.startswith("take a:")


def test_two_equal_runs_are_not_told_apart_and_the_smaller_is_advised() -> None:
    runs = [run("large", 0.8, 1.0, trainable=9000, seed=4), run("small", 0.8, 1.0, trainable=10, seed=5)]
    found = comparison.compare(runs, TARGET)
    assert {pair["result"] for pair in found.pairs} == {"not_told_apart"}
    assert "not told apart; take small" in found.advice


def test_a_run_against_itself_differs_in_nothing() -> None:
    found = comparison.compare([run("x", 0.8, 1.0), run("y", 0.8, 1.0)], TARGET)
    assert {pair["difference"] for pair in found.pairs} == {0.0}
    assert found.knobs == []


def test_only_knobs_that_differ_are_shown_and_a_missing_one_is_a_dash() -> None:
    one, other = run("one", 0.9, 1.0, lr=2e-4), run("other", 0.5, 1.0, lr=1e-4)
    found = comparison.compare([one, other], TARGET)
    assert found.knobs == [["lr", 2e-4, 1e-4]]
    text = report.render("comparison.md.j2", vars(found))
    assert "| lr | 0.0002 | 0.0001 |" in text
    assert "| trained tokens | - | - |" in text
    assert "| score of category | 0.9 | 0.5 |" in text


def test_runs_of_different_test_rows_are_refused() -> None:
    one, other = run("one", 0.9, 1.0), run("other", 0.5, 1.0)
    fewer = Run("fewer", other.params, other.metrics, other.table.slice(0, 100))
    golds = pa.array([json.dumps({"category": "c"})] * ROWS)
    relabelled = other.table.set_column(other.table.column_names.index("gold"), "gold", golds)
    for wrong in (fewer, Run("relabelled", other.params, other.metrics, relabelled)):
        with pytest.raises(BadInputError, match="different test rows"):
            comparison.compare([one, wrong], TARGET)


def test_one_run_is_no_comparison() -> None:
    with pytest.raises(BadInputError, match="nothing to compare"):
        comparison.compare([run("one", 0.9, 1.0)], TARGET)


def test_a_run_without_an_adapter_is_refused() -> None:
    one = run("one", 0.9, 1.0)
    column = one.table.column_names.index("arm")
    base = Run("base", one.params, one.metrics, one.table.set_column(column, "arm", pa.array(["base"] * ROWS)))
    with pytest.raises(BadInputError, match="base: its predictions hold no losses of the adapter"):
        comparison.compare([one, base], TARGET)
