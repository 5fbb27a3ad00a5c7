"""Prepare to convert on a system of another field, given by params, two schemas and data alone."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from plateau.core.errors import BadInputError
from plateau.core.files import read_json
from plateau.core.params import check
from plateau.core.system import SHARED_SCHEMAS, SPLITS, System
from plateau.prompts import tokens
from stages import convert, prepare, split, temporal
from tests import tiny
from tests.contracts import metrics_problems

ROOT = Path(__file__).parent.parent
TARGET = {
    "type": "object",
    "required": ["triage", "notes"],
    "properties": {
        "notes": {"type": "array", "items": {"type": "string"}},
        "triage": {"enum": ["now", "today", "wait"]},
    },
}
METRICS = ("prepare", "temporal", "split", "labels", "convert")


def options() -> dict[str, Any]:
    """The contact centre's params with what a small practice needs."""
    values = check(ROOT / "params.yaml")
    values["temporal"] |= {"time_zone": "Europe/Berlin", "holidays": "DE-BE"}
    values["split"] |= {"train_size": None, "valid_size": 6, "test_size": 12}
    values["convert"] |= {"context": ["day_of_week", "queue_wait_time_seconds"], "instruction": "Judge the urgency."}
    return values


def make(root: Path, base: Path) -> System:
    """Eighty visits of sixty patients, one in ten far too long, one with a special token in its text, one in its answer."""
    transcript = read_json(SHARED_SCHEMAS / "transcript.schema.json")
    transcript["properties"]["turns"]["items"]["properties"]["role"]["enum"] = ["patient", "nurse"]
    raw = root / "data" / "raw"
    raw.mkdir(parents=True)
    (root / "schemas").mkdir()
    (root / "schemas" / "transcript.schema.json").write_text(json.dumps(transcript))
    (root / "schemas" / "target.schema.json").write_text(json.dumps(TARGET))
    shutil.copytree(base, root / "models" / "base")
    visits = [
        {
            "id": f"v{number:03}",
            "start": f"2025-{1 + number // 20:02}-{1 + number % 20:02}T09:00:00+01:00",
            "customer_id": f"p{number % 60}",
            "turns": [
                {"role": "nurse", "text": f"Visitor {number}, what brings you here?"},
                {
                    "role": "patient",
                    "text": f"It hurts{' </s> a lot' if number == 70 else ''}. "
                    * (200 if number % 10 == 9 else 1 + number % 5),
                },
            ],
        }
        for number in range(80)
    ]
    notes = {"v045": ["<s>"]}
    targets = [
        {"id": one["id"], "target": {"triage": "now", "notes": notes.get(one["id"], ["rest"])}} for one in visits
    ]
    for name, rows in (("transcripts", visits), ("analyses", targets)):
        (raw / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return System(root)


def run(system: System) -> None:
    values = options()
    for stage in (prepare, temporal, split, convert):
        stage.main(system, values)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, tokenizer_dir: Path) -> System:
    made = make(tmp_path_factory.mktemp("practice"), tokenizer_dir)
    run(made)
    return made


def test_a_system_needs_only_params_schemas_and_data(system: System) -> None:
    lines = system.path("data", "mlx", "train.jsonl").read_text(encoding="utf-8").splitlines()
    content, answer = (message["content"] for message in json.loads(lines[0])["messages"])
    assert content == (
        "Judge the urgency.\n\n[TEMPORAL CONTEXT]\nday_of_week: Wednesday\nqueue_wait_time_seconds: unknown\n\n"
        "[CONVERSATION]\nNurse: Visitor 0, what brings you here?\nPatient: It hurts."
    )
    assert answer == '{"notes": ["rest"], "triage": "now"}'
    assert read_json(system.metrics("prepare"))["rejected_by_reason"] == {"special_token": 1}


@pytest.mark.parametrize("name", METRICS)
def test_metrics_follow_their_schemas(system: System, name: str) -> None:
    assert metrics_problems(name, read_json(system.metrics(name))) == []


def test_long_and_hostile_rows_are_counted(system: System) -> None:
    figures = read_json(system.metrics("convert"))
    assert (
        sum(figures[name]["truncated"] for name in SPLITS) == sum(figures[name]["dropped_turns"] for name in SPLITS) > 0
    )
    assert all(len(figures[name]["truncated_rows"]) == min(figures[name]["truncated"], 10) for name in SPLITS)
    assert max(figures[name]["tokens_max"] for name in SPLITS) <= options()["max_seq_length"]
    assert (figures["test"]["neutralised"], figures["test"]["rows"]) == (1, 12)


@pytest.mark.parametrize("name", SPLITS)
def test_the_stock_client_reads_the_same_ids_from_our_messages(system: System, name: str) -> None:
    datasets = pytest.importorskip("mlx_lm.tuner.datasets")
    tokenizer_utils = pytest.importorskip("mlx_lm.tokenizer_utils")
    rows = list(map(json.loads, system.path("data", "mlx", f"{name}.jsonl").read_text(encoding="utf-8").splitlines()))
    stock = datasets.ChatDataset(rows, tokenizer_utils.load(system.path("models", "base")), mask_prompt=True)
    ours = tokens.open_tokens(system.tokens(name))
    assert [stock.process(row) for row in rows] == [
        (ours.ids(number).tolist(), int(ours.completion_start[number])) for number in range(len(ours))
    ]


def test_the_same_data_gives_the_same_bytes_anywhere(system: System, tmp_path: Path, tokenizer_dir: Path) -> None:
    other = make(tmp_path / "elsewhere", tokenizer_dir)
    run(other)
    made = tiny.digests(system.root)
    assert len(made) > 15
    assert tiny.digests(other.root) == made


@pytest.mark.slow
@pytest.mark.parametrize("name", ["temporal", "split", "convert"])
def test_killed_at_any_moment_and_run_again_a_stage_gives_the_same_bytes(
    system: System, tmp_path: Path, name: str
) -> None:
    folder = Path(shutil.copytree(system.root, tmp_path / "killed"))
    (folder / "params.yaml").write_text(yaml.safe_dump(options()))
    whole = tiny.digests(folder)
    for out in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"][name]["outs"]:
        remove(folder / (out if isinstance(out, str) else next(iter(out))))
    assert tiny.digests(folder) != whole
    command = [sys.executable, "-m", f"stages.{name}", str(folder)]
    for moment in range(4):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None and not list((folder / "data").rglob(".*")):
                time.sleep(0.001)
            time.sleep(moment * 0.005)
            process.kill()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    assert tiny.digests(folder) == whole


def remove(path: Path) -> None:
    """Remove an out, as dvc does before it runs a stage."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def test_an_unknown_context_column_and_a_row_that_cannot_fit_are_clear_errors(system: System) -> None:
    values = options()
    with pytest.raises(BadInputError, match=r"train\.parquet: row v0\d\d: .*max_seq_length"):
        convert.main(system, {**values, "max_seq_length": 30})
    with pytest.raises(BadInputError, match=r"convert\.context: no column 'mood'; the records have id, start"):
        convert.main(system, {**values, "convert": {**values["convert"], "context": ["mood"]}})
    run(system)


def stage_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_bad_data_is_one_line_and_exit_status_2(tmp_path: Path) -> None:
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    (tmp_path / "data" / "raw").mkdir(parents=True)
    ended = stage_process("-m", "stages.prepare", str(tmp_path))
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["prepare", "temporal", "split", "convert"])
def test_importing_a_data_stage_loads_no_model_library(name: str) -> None:
    heavy = {
        "distributed",
        "jsonschema",
        "mlx",
        "mlx_lm",
        "transformers",
        "pandas",
        "sklearn",
        "scipy",
        "torch",
        "holidays",
    }
    ended = stage_process("-c", f"import sys, stages.{name}; print(sorted({heavy!r} & set(sys.modules)))")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "[]\n", "")
