"""Comparing runs names the right winner, and does not tell apart what the test rows do not."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tiny

from plateau.core.errors import BadInputError
from plateau.core.figures import from_json, to_json
from plateau.core.system import System
from plateau.core.version import SCHEMA_VERSION
from plateau.data import fields
from plateau.evaluation import rows
from plateau.evaluation.arms import entry
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.evaluations import Point
from plateau.metrics.gates import Gates
from plateau.metrics.train import Train
from plateau.report import comparison, page
from plateau.report.comparison import Run
from stages import compare as compare_stage
from tools.deps import ROOT

SCHEMA = {"type": "object", "properties": {"category": {"enum": ["a", "b", "c"]}}}
TARGET = fields.fields(SCHEMA)
ROWS = 200
NAMED = {f"GIT_{who}_{what}": "tester@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
ENVIRONMENT = {**os.environ, **NAMED, "PYTHONPATH": str(ROOT), "DVC_NO_ANALYTICS": "1"}


def run(
    name: str,
    right: float,
    loss: float,
    trainable: int = 1000,
    seed: int = 0,
    lr: float = 1e-3,
    answer: str = "ship",
) -> Run:
    """A run that answers a share of the rows rightly, with losses about `loss`."""
    draw = np.random.default_rng(seed)
    golds = ["abc"[i % 3] for i in range(ROWS)]
    answers = [gold if draw.random() < right else "abc"[("abc".index(gold) + 1) % 3] for gold in golds]
    examples = rows.Examples(
        [f"r{i}" for i in range(ROWS)],
        np.full(ROWS, 50, np.int32),
        np.full(ROWS, 10, np.int32),
        [json.dumps({"category": gold}) for gold in golds],
    )
    outputs = [json.dumps({"category": answer}) for answer in answers]
    losses = np.abs(draw.normal(loss, 0.1, ROWS)) * 10
    table = rows.rows_of(examples, entry("adapter"), "test", losses, np.arange(ROWS), outputs, [5] * ROWS)
    metrics = {
        "train": {"trainable_parameters": trainable, "stop_reason": "max_iters"},
        "gates": {"answer": answer},
        "evaluations": [{"iteration": 10 * i, "val_loss": 5.0 - min(i, 3) * (5 - loss) / 3} for i in range(6)],
        "evaluate": {"arms": {"adapter": {"loss": loss, "score": right, "fields": {"category": {"score": right}}}}},
    }
    kinds: dict[str, Any] = {"train": Train, "gates": Gates, "evaluations": list[Point], "evaluate": Evaluate}
    known = {key: from_json(kind, metrics[key], key) for key, kind in kinds.items()}
    params = {"lr": lr, "rank": 8, "split": {"train_size": 10}}
    return Run(name, params, **known, speed={"train": {"seconds": 12.5}}, table=table)


def test_three_runs_made_apart_have_the_right_winner() -> None:
    runs = [run("c", 0.5, 2.0, seed=1), run("a", 0.95, 0.3, seed=2), run("b", 0.75, 1.0, seed=3)]
    found = comparison.compare(runs, TARGET)
    assert list(found.names) == ["a", "b", "c"]
    assert {(pair["run"], pair["of"], pair["result"]) for pair in found.pairs} == {
        (name, of, "worse") for name in "bc" for of in ("loss", "score", "category")
    }
    assert found.advice.startswith("take a:")


def test_two_equal_runs_are_not_told_apart_and_the_smaller_is_advised() -> None:
    runs = [run("large", 0.8, 1.0, trainable=9000, seed=4), run("small", 0.8, 1.0, trainable=10, seed=5)]
    found = comparison.compare(runs, TARGET)
    assert {pair["result"] for pair in found.pairs} == {"not_told_apart"}
    assert found.advice.startswith("take small, which trains the fewest parameters: ")
    assert found.advice.endswith(" are not told apart")


def test_a_run_against_itself_differs_in_nothing() -> None:
    found = comparison.compare([run("x", 0.8, 1.0), run("y", 0.8, 1.0)], TARGET)
    assert {pair["difference"] for pair in found.pairs} == {0.0}
    assert found.knobs == []


def test_only_knobs_that_differ_are_shown_and_a_missing_one_is_a_dash() -> None:
    one, other = run("one", 0.9, 1.0, lr=2e-4), run("other", 0.5, 1.0, lr=1e-4)
    found = comparison.compare([one, other], TARGET)
    assert found.knobs == [["lr", 2e-4, 1e-4]]
    text = page.write_markdown(comparison.page(found))
    assert "| lr | 0.0002 | 0.0001 |" in text
    assert "| trained tokens | - | - |" in text
    assert "| score of category | 0.9 | 0.5 |" in text
    assert "| seconds of training | 12.5 | 12.5 |" in text
    assert "| updates to nine tenths of the fall | 30 | 30 |" in text
    assert "| stopped because | max iters | max iters |" in text


def test_the_page_says_the_advice_first_and_which_differences_are_real() -> None:
    found = comparison.compare([run("one", 0.9, 0.2, seed=1), run("<b>", 0.5, 1.0, seed=2)], TARGET)
    written = page.write_html(comparison.page(found))
    assert written.index("Take one: every other run is worse") < written.index("Knobs that differ")
    assert "<b>" not in written.split("<main")[1].split("<svg")[0]
    assert "&lt;b&gt;" in written
    assert written.count("<svg") == 1
    found_rows = [row for row in comparison.page(found).sections[1].parts[0].rows if row[2] == "score"]
    assert [(row[0], row[1], row[7]) for row in found_rows] == [("<b>", "one", "worse")]


def test_a_run_that_does_not_ship_is_not_recommended() -> None:
    high, low = run("high", 0.95, 0.3, seed=2, answer="do_not_ship"), run("low", 0.6, 1.0, seed=3)
    found = comparison.compare([high, low], TARGET)
    assert list(found.names) == ["low", "high"]
    assert found.advice == "take low: every other run is worse on the same test rows, or does not pass its gates (high)"


def test_where_no_run_ships_the_base_model_is_kept() -> None:
    runs = [run("a", 0.95, 0.3, seed=2, answer="do_not_ship"), run("b", 0.5, 1.0, seed=3, answer="do_not_ship")]
    advice = comparison.compare(runs, TARGET).advice
    assert advice == "take none, for none passes its gates: keep the base model; a is the best of them"
    same = [run("a", 0.5, 1.0, seed=2, answer="do_not_ship"), run("b", 0.5, 1.0, seed=2, answer="do_not_ship")]
    assert comparison.compare(same, TARGET).advice.endswith("; a, b are not told apart")


def test_runs_of_different_test_rows_are_refused() -> None:
    one, other = run("one", 0.9, 1.0), run("other", 0.5, 1.0)
    place = other.table.column_names.index("split")
    split = other.table.schema.field(place)
    trained = other.table.set_column(place, split, pa.array(["train"] * other.table.num_rows, split.type))
    fewer = replace(other, name="fewer", table=pa.concat_tables([other.table.slice(0, 100), trained]))
    golds = pa.array([json.dumps({"category": "c"})] * ROWS)
    relabelled = other.table.set_column(other.table.column_names.index("gold"), "gold", golds)
    for wrong, words in (
        (fewer, r"(?=.*fewer (has )?100,).* 100 are in both, 0 of"),
        (replace(other, name="relabelled", table=relabelled), r".*are in both, [1-9]\d* of"),
    ):
        with pytest.raises(BadInputError, match=f"different test rows{words} these with another label"):
            comparison.compare([one, wrong], TARGET)


def test_one_run_is_no_comparison() -> None:
    with pytest.raises(BadInputError, match="nothing to compare"):
        comparison.compare([run("one", 0.9, 1.0)], TARGET)


def test_a_run_without_an_adapter_is_refused() -> None:
    one = run("one", 0.9, 1.0)
    column = one.table.column_names.index("arm")
    base = replace(one, name="base", table=one.table.set_column(column, "arm", pa.array(["base"] * ROWS)))
    with pytest.raises(BadInputError, match="base: its predictions hold no losses of the adapter"):
        comparison.compare([one, base], TARGET)


@pytest.mark.slow
def test_revisions_and_experiments_are_compared_by_their_own_predictions(tmp_path: Path) -> None:
    def do(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=ENVIRONMENT)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def put(one: Run, folder: Path = tmp_path) -> None:
        pq.write_table(one.table, folder / "data" / "predictions.parquet")
        chosen = {"iteration": 20, "val_loss": 1.0}
        points = [replace(point, sha256=f"{one.name}{i}") for i, point in enumerate(one.evaluations)]
        known = {"train": one.train, "gates": one.gates, "evaluate": one.evaluate, "evaluations": points}
        for name, values in {**known, "selection": chosen, "speed": one.speed}.items():
            (folder / "metrics" / f"{name}.json").write_text(json.dumps(to_json(values)))
        tiny.write_params(folder, {"lr": one.params["lr"]})
        for path in (folder / "params.yaml", *(folder / "metrics").iterdir()):
            os.utime(path, (ord(one.name), ord(one.name)))  # git sees no change in a file of the same size and second

    mine = tmp_path / "systems" / "mine"
    for root in (tmp_path, mine):
        for folder in ("data", "metrics", "schemas"):
            (root / folder).mkdir(parents=True)
        (root / "schemas" / "target.schema.json").write_text(json.dumps(SCHEMA))
    for command in ("git init -q", "dvc init -q", "dvc config core.autostage true"):
        do(*command.split())
    for name, right, loss in (("a", 0.5, 2.0), ("b", 0.95, 0.3), ("c", 0.75, 1.0)):
        put(run(name, right, loss, lr=loss))
        put(run(name, 1.1 - right, 2.1 - loss, lr=1.0), mine)
        for command in (
            "dvc add -q data/predictions.parquet systems/mine/data/predictions.parquet",
            "git add .",
            f"git commit -qm {name}",
            f"git tag {name}",
        ):
            do(*command.split())
    put(run("d", 0.2, 3.0, lr=3.0))
    do("dvc", "add", "-q", "data/predictions.parquet")
    do("dvc", "exp", "save", "-n", "worst", "-I", "metrics/train.json")
    printed = do(sys.executable, "-m", "stages.compare", "a", "b", "c")
    assert printed.startswith("# Comparison of b, c, a\n\n**Take b: every other run is worse")
    assert "| lr | 0.3 | 1 | 2 |" in printed
    own = do(sys.executable, "-m", "stages.compare", "systems/mine", "a", "b")
    assert "warning: no param differs. `dvc exp run systems/mine/dvc.yaml -S ...`" in own
    assert "# Comparison of a, b\n\n**Take a: every other run is worse" in own
    assert (mine / "reports" / "comparison.html").is_file()
    html = (tmp_path / "reports" / "comparison.html").read_text(encoding="utf-8")
    assert "Take b: every other run is worse" in html
    assert do(sys.executable, "-m", "stages.compare", "c", "worst").startswith("# Comparison of c, worst\n")
    assert "**Take workspace, which trains the fewest parameters: workspace, worst are not told apart**" in do(
        sys.executable, "-m", "stages.compare"
    )
    wrong = subprocess.run(
        [sys.executable, "-m", "stages.compare", "a", "nowhere"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: nowhere: cannot read its results")


def test_a_run_of_another_version_compares_or_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = {name: run(name, 0.9, 1.0) for name in ("now", "then")}
    without = runs["then"].table.drop_columns(["arm"])
    runs["then"] = replace(runs["then"], table=without)
    monkeypatch.setattr(compare_stage, "_run", lambda _, name: runs[name])
    with pytest.raises(BadInputError, match="now, then: of another version of Plateau, whose files") as caught:
        compare_stage.found(System(Path()), ["now", "then"])
    assert "\n" not in str(caught.value)
    ours = {name: replace(one, params={"schema_version": SCHEMA_VERSION}) for name, one in runs.items()}
    monkeypatch.setattr(compare_stage, "_run", lambda _, name: ours[name])
    with pytest.raises((KeyError, ValueError)):
        compare_stage.found(System(Path()), ["now", "then"])
