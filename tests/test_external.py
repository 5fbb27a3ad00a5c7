"""Answers from files in data/external/: what is read, what is refused, and what follows for figures, gates and report."""

import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tiny_task

from plateau.core import params
from plateau.core.errors import BadInputError
from plateau.core.files import read_json
from plateau.core.system import System
from plateau.decision import wanted
from plateau.evaluation import external, external_answers, rows
from plateau.evaluation.samples import Split
from tools.deps import ROOT

IDS = [f"t{i}" for i in range(6)]
GOLD = '{"mood": "calm"}'
LATER = ("external", "evaluate", "overfit_check")


def split(sampled: tuple[int, ...] = (0, 2, 4)) -> Split:
    """Six test rows, of which some are asked about."""
    counts = np.ones(len(IDS), np.int32)
    examples = rows.Examples(IDS, counts, counts, [GOLD] * len(IDS))
    tokens: Any = None
    return Split("test", examples, tokens, np.array(sampled, dtype=np.int64), {})


def written(folder: Path, *lines: Any, name: str = "api.jsonl") -> Path:
    """A file of answers; a line that is no text is written as JSON."""
    path = folder / "data" / "external" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def read(path: Path) -> external_answers.Found:
    return external_answers.read(f"external_{path.stem}", path, split())


def refused(path: Path) -> str:
    with pytest.raises(BadInputError) as caught:
        read(path)
    return str(caught.value)


def test_answers_stand_in_the_order_of_the_test_rows_with_what_their_calls_took(tmp_path):
    found = read(
        written(
            tmp_path,
            {"id": "t4", "output": {"mood": "calm"}, "latency_seconds": 0.5, "cost": 0.002},
            {"id": "t0", "output": '```json\n{"mood": "calm"}\n```'},
            "",
            {"id": "t2", "output": [1], "latency_seconds": None},
        )
    )
    kept = found.table.to_pylist()
    assert [row["id"] for row in kept] == ["t0", "t2", "t4"]
    assert [row["output"] for row in kept] == ['```json\n{"mood": "calm"}\n```', "[1]", '{"mood": "calm"}']
    assert [(row["latency_seconds"], row["cost"]) for row in kept] == [(None, None), (None, None), (0.5, 0.002)]
    assert {(row["arm"], row["constrained"], row["split"], row["gold"]) for row in kept} == {
        ("external_api", False, "test", GOLD)
    }
    assert found.table.schema.names == external_answers.SCHEMA.names
    assert (found.lacking, found.unknown) == ([], [])


def test_a_table_says_the_same_as_its_lines_and_nan_is_no_cost(tmp_path):
    lines = [{"id": "t0", "output": "x", "cost": 1.0}, {"id": "t2", "output": "y", "cost": None}]
    written(tmp_path, *lines)
    columns = {"id": ["t0", "t2"], "output": ["x", "y"], "cost": [1.0, math.nan]}
    pq.write_table(pa.table(columns), tmp_path / "data" / "external" / "table.parquet")
    tables = [read(path).table.drop_columns("arm") for path in external.files(System(tmp_path)).values()]
    assert tables[0].equals(tables[1])


def test_rows_without_an_answer_and_ids_of_no_test_row_are_counted_and_named(tmp_path):
    answers = [{"id": name, "output": "x"} for name in ("t0", "t1", *(f"old{i}" for i in range(7)))]
    found = read(written(tmp_path, *answers))
    assert (found.table.num_rows, list(found.lacking), len(found.unknown)) == (1, ["t2", "t4"], 7)
    assert found.summary == (
        "external_api: answers to 1 of 3 test rows that are asked about; 2 (t2, t4) without an answer; "
        "left out, for no test row has the id: 7 (old0, old1, old2, old3, old4, ...)"
    )


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ('{"id": "t2", "output": "x"', "line 2: invalid_json"),
        ('{"id": "t2", "output": "x", "cost": NaN}', "line 2: invalid_json"),
        ([1, 2], "line 2: no object of id, output, latency_seconds, cost"),
        ({"output": "x"}, "line 2: it has no id"),
        ({"id": True, "output": "x"}, "line 2: it has no id"),
        ({"id": "t0", "output": "x"}, "line 2: the id 't0' a second time"),
        ({"id": "t2"}, 'line 2: it has no output; write ""'),
        ({"id": "t2", "output": 7}, "line 2: its output is 7; write the answer as text, or as an object"),
        ({"id": "t2", "output": "x", "cost": -1}, "line 2: cost is -1; write a number"),
        ({"id": "t2", "output": "x", "latency_seconds": "1 s"}, 'line 2: latency_seconds is "1 s"'),
        ({"id": "t2", "output": "x", "latency_seconds": True}, "line 2: latency_seconds is true"),
    ],
)
def test_a_broken_line_is_refused_with_file_and_line(tmp_path, second, said):
    path = written(tmp_path, {"id": "t0", "output": "x"}, second)
    assert refused(path).startswith(f"{path}, {said}")


def test_a_broken_table_is_refused(tmp_path):
    assert "broken_parquet" in refused(written(tmp_path, "no table", name="api.parquet"))


def test_a_file_without_an_answer_to_any_row_that_is_asked_about_is_refused(tmp_path):
    assert "answers none of the 3 test rows" in refused(written(tmp_path, {"id": "t1", "output": "x"}))
    assert "answers none of the 3 test rows" in refused(written(tmp_path, name="empty.jsonl"))


def test_numbers_as_ids_are_the_texts_of_the_test_rows(tmp_path):
    counts = np.ones(1, np.int32)
    tokens: Any = None
    test = Split("test", rows.Examples(["7"], counts, counts, [GOLD]), tokens, np.array([0]), {})
    path = written(tmp_path, {"id": 7, "output": "x"})
    assert external_answers.read("external_api", path, test).table["id"].to_pylist() == ["7"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("api.csv", "no file of answers"),
        ("api.v2.jsonl", "letters, digits, _ and - alone"),
        ("my api.jsonl", "letters, digits, _ and - alone"),
        ("api.parquet", "api.jsonl has the same name"),
    ],
)
def test_a_file_that_can_be_no_arm_is_refused(tmp_path, name, said):
    written(tmp_path, name="api.jsonl")
    written(tmp_path, name=name)
    with pytest.raises(BadInputError, match=said):
        external.files(System(tmp_path))


def test_what_git_and_dvc_put_beside_the_files_is_no_file_of_answers(tmp_path):
    assert external.files(System(tmp_path)) == {}
    for name in ("README.md", ".gitignore", "people.jsonl.dvc", "people.jsonl"):
        written(tmp_path, name=name)
    assert list(external.files(System(tmp_path))) == ["external_people"]


@pytest.mark.parametrize("system", ["", "systems/star/"])
def test_files_of_answers_are_not_ignored_by_git_and_dvc_finds_their_folder(system):
    path = f"{system}data/external/api.jsonl"
    assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT, check=False).returncode == 1
    assert (ROOT / system / "data" / "external" / "README.md").is_file()


def test_criteria_and_waivers_may_name_the_arms_of_files(tmp_path):
    written(tmp_path, name="api.jsonl")
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "target.schema.json").write_text(json.dumps(tiny_task.SCHEMA))
    criterion = {"name": "mine", "file": "evaluate", "bound": None, "rule": ">", "target": 0, "why": ""}

    def check(arm: str) -> None:
        figures = [
            f"arms.external_{arm}.fields.mood.accuracy",
            f"comparisons.adapter_vs_external_{arm}.score.difference",
        ]
        gates = {
            "gates.criteria": [{**criterion, "name": f"c{i}", "figure": one} for i, one in enumerate(figures)],
            "gates.waived": {f"score_gain_over_external_{arm}": "a trial"},
        }
        tiny_task.tiny.write_params(tmp_path, gates)
        wanted.check(System(tmp_path))

    check("api")
    with pytest.raises(BadInputError) as caught:
        check("apis")
    assert str(caught.value).count("did you mean") == 3


@pytest.fixture
def copy(trained: System, tmp_path: Path) -> System:
    return System(shutil.copytree(trained.root, tmp_path / "copy"))


def answers(system: System, count: int | None = None, **more: Any) -> list[dict[str, Any]]:
    """The true answers of the generated test rows."""
    table = pq.read_table(system.path("data", "baselines.parquet")).to_pylist()
    kept = [row for row in table if row["split"] == "test" and row["arm"] == "linear"]
    return [{"id": row["id"], "output": row["gold"], **more} for row in kept[:count]]


def judged(system: System) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Figures, the gate of external_api, and the content of gates.json."""
    tiny_task.run(system, *LATER)
    gates = read_json(system.metrics("gates"))
    gate = next(one for one in gates["rows"] if one["criterion"] == "score_gain_over_external_api")
    return read_json(system.metrics("evaluate")), gate, gates


def test_perfect_answers_fail_the_gate_and_the_reason_says_to_keep_that_system(copy):
    written(copy.root, *answers(copy, latency_seconds=0.25, cost=0.002))
    found, gate, gates = judged(copy)
    assert found["arms"]["external_api"]["score"] == 1.0
    assert found["arms"]["external_api"]["rows"] == found["generated"]
    assert found["comparisons"]["adapter_vs_external_api"]["score"]["rows"] == found["generated"]
    assert (gate["status"], gates["answer"]) == ("fail", "do_not_ship")
    assert gates["reason"].startswith("keep the system 'api' of data/external (1.000 against ")


def test_bad_answers_pass_the_gate_and_every_figure_of_other_arms_stays(copy, trained):
    written(copy.root, *({**one, "output": "I do not know"} for one in answers(copy)))
    found, gate, _ = judged(copy)
    assert gate["status"] == "pass"
    before = read_json(trained.metrics("evaluate"))
    assert found["arms"].pop("external_api")["json_found"] == 0.0
    assert found["comparisons"].pop("adapter_vs_external_api")["score"]["result"] == "better"
    assert found == before


def test_the_comparison_is_on_the_rows_that_the_file_has_and_few_decide_nothing(copy):
    written(copy.root, *answers(copy, 30))
    found, gate, gates = judged(copy)
    assert found["comparisons"]["adapter_vs_external_api"]["score"]["rows"] == 30
    assert (gate["status"], gates["answer"]) == ("fail", "do_not_ship")
    assert " on 30 rows)" in gates["reason"]
    for few in (answers(copy, 29), [{**one, "output": "no"} for one in answers(copy, 29)]):
        written(copy.root, *few)
        _, gate, gates = judged(copy)
        assert (gate["status"], gate["note"]) == ("missing", "rests on 29 rows; it takes 30")
        assert gates["answer"] != "ship"
        assert "external" not in gates["reason"].partition(":")[0]


def test_several_files_are_several_opponents_and_without_files_all_bytes_are_as_before(copy, trained):
    written(copy.root, *answers(copy))
    written(copy.root, *({**one, "output": "?"} for one in answers(copy)), name="people.jsonl")
    found, *_ = judged(copy)
    assert list(found["arms"])[-2:] == ["external_api", "external_people"]
    shutil.rmtree(copy.path("data", "external"))
    tiny_task.run(copy, *LATER)
    for path in (("data", "predictions.parquet"), ("metrics", "evaluate.json"), ("metrics", "gates.json")):
        assert copy.path(*path).read_bytes() == trained.path(*path).read_bytes(), path


def test_answers_to_another_test_split_are_refused(copy):
    written(copy.root, *answers(copy))
    tiny_task.run(copy, "external")
    place = copy.split("test")
    table = pq.read_table(place)
    pq.write_table(table.append_column("more", table["id"]), place)
    tiny_task.run(copy, "baselines", "opponents", "answers")
    with pytest.raises(BadInputError, match=r"external.parquet: made from another .*test.parquet"):
        tiny_task.run(copy, "evaluate")


def test_the_figures_of_calls_are_those_of_the_file(copy):
    lines = answers(copy, 32)
    for number, one in enumerate(lines):
        one.update({"latency_seconds": number / 7, "cost": number / 1000} if number % 2 else {})
    written(copy.root, *lines)
    tiny_task.run(copy, *LATER)
    arm = read_json(copy.metrics("evaluate"))["arms"]["external_api"]
    table = pq.read_table(copy.path("data", "predictions.parquet")).to_pylist()
    own = [row for row in table if row["arm"] == "external_api"]
    costs = [row["cost"] for row in own if row["cost"] is not None]
    assert arm["cost_per_1000"] == pytest.approx(1000 * sum(costs) / len(costs), rel=1e-5)
    for share in (50, 95):
        ordered = sorted(row["latency_seconds"] for row in own if row["latency_seconds"] is not None)
        assert arm[f"latency_p{share}_seconds"] == pytest.approx(ordered[-(-share * len(ordered) // 100) - 1], rel=1e-5)
    assert not {"input_tokens", "output_tokens", "unfinished"} & set(arm)
    assert params.load(copy, ("evaluate.num_samples",))["evaluate"]["num_samples"] == arm["rows"]
