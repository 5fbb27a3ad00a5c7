"""The real pipeline by the real dvc, in a clone of this repository made small."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from plateau.core.files import sha256
from tests import tiny

pytestmark = pytest.mark.slow

SMALL = {
    "synthesize.conversations": 3000,
    "split.train_size": 64,
    "split.valid_size": 24,
    "split.test_size": 32,
    "iters": 24,
    "eval_every": 8,
    "batch_size": 8,
    "rank": 4,
    "train.state_every": 4,
    "evaluate.num_samples": 8,
    "evaluate.diagnostic_rows": 8,
    "evaluate.max_tokens": 128,
    "evaluate.bootstrap_samples": 100,
}
HANGS_AFTER = 1200  # seconds; no command here takes a tenth of it
OPPONENTS = ("baselines", "opponents", "external")
LATER = ("answers", "evaluate", "overfit_check", "report")
DATA_STAGES = ("base", "synthesize", "prepare", "temporal", "split", "convert")


def run(folder: Path, *command: str, status: int | None = 0) -> str:
    """Run a command in the clone as a person would; its output, both streams together."""
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=HANGS_AFTER
    )
    output = done.stdout + done.stderr
    assert status is None or done.returncode == status, output
    return output


def environment() -> dict[str, str]:
    """That of a person who activated the virtual environment."""
    known = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    known.pop("DVC_ROOT", None)
    return known


def saving(folder: Path, *command: str) -> subprocess.Popen[bytes]:
    """A command whose training has saved a state after its first update, in a session of its own."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and not list(folder.glob(".work/*/state-*[1-9]")):
        time.sleep(0.02)
    return process


def clone(folder: Path) -> Path:
    """A git repository of the files that git tracks or would track here, as they are in the working tree."""
    listed = run(tiny.ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for name in listed:
        if (tiny.ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(tiny.ROOT / name, folder / name)
    run(folder, "git", "init", "--quiet")
    commit(folder, "as it is")
    return folder


def commit(folder: Path, message: str) -> None:
    run(folder, "git", "add", "--all")
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    run(folder, "git", *identity, "commit", "--quiet", "--allow-empty", "--message", message)


def ran(output: str) -> set[str]:
    """Names of the stages that dvc says it ran."""
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone whose pipeline has run on few rows, committed."""
    folder = clone(tmp_path_factory.mktemp("small"))
    tiny.write_params(folder, SMALL)
    output = run(folder, "dvc", "repro")
    assert {*DATA_STAGES, "train", "select", *OPPONENTS, *LATER} <= ran(output)
    commit(folder, "small")
    return folder


@pytest.fixture
def copy(small: Path, tmp_path: Path) -> Path:
    """That clone, for a test of its own."""
    return Path(shutil.copytree(small, tmp_path / "copy", symlinks=True))


def outs(folder: Path) -> dict[str, str]:
    """What dvc.lock and the metrics hold."""
    return {
        path.name: sha256(path)
        for path in [folder / "dvc.lock", *sorted((folder / "metrics").glob("*.json"))]
        if path.name != "speed.json"
    }


def test_a_second_repro_runs_nothing_and_leaves_git_clean(small: Path) -> None:
    assert ran(run(small, "dvc", "repro")) == set()
    assert run(small, "git", "status", "--short") == ""


def test_an_experiment_on_lr_reruns_train_and_later_and_differs_in_one_line(copy: Path) -> None:
    for value in ("1e-5", "1e-4"):
        output = run(copy, "dvc", "exp", "run", "-S", f"lr={value}")
        assert not ran(output) & {*DATA_STAGES, *OPPONENTS}
        assert "train" in ran(output)
        assert json.loads((copy / "metrics" / "evaluations.json").read_text())[1]["lr"] <= float(value)
        difference = json.loads(run(copy, "dvc", "params", "diff", "--json"))
        assert list(difference["params.yaml"]) == ["lr"]
        assert difference["params.yaml"]["lr"]["new"] == float(value)
    table = run(copy, "dvc", "exp", "show", "--csv")
    assert len(table.splitlines()) >= 4
    assert "headline.json" in run(copy, "dvc", "metrics", "diff", "--all")


@pytest.mark.parametrize(("change", "words"), [("lrr=1", "lrr"), ("lr=fast", "lr")])
def test_a_wrong_override_fails_with_a_clear_message(copy: Path, change: str, words: str) -> None:
    output = run(copy, "dvc", "exp", "run", "-S", change, status=None)
    assert "ERROR" in output or "error: " in output
    assert words in output
    assert "Traceback" not in output


def test_selection_reruns_no_training_and_gates_only_the_check_and_the_report(copy: Path) -> None:
    assert ran(run(copy, "dvc", "exp", "run", "-S", "selection.policy=best")) & {*DATA_STAGES, "train"} == set()
    assert ran(run(copy, "dvc", "exp", "run", "-S", "gates.min_test_rows=7")) == {"overfit_check", "report"}


def test_prices_confidence_and_resamples_rerun_no_generation(copy: Path) -> None:
    changes = (
        "evaluate.price_input=1.5",
        "evaluate.price_output=2",
        "evaluate.confidence=0.9",
        "evaluate.bootstrap_samples=120",
    )
    output = run(copy, "dvc", "exp", "run", *(word for change in changes for word in ("-S", change)))
    assert ran(output) == {"evaluate", "overfit_check", "report"}


def test_metrics_and_plots_show_offline(copy: Path) -> None:
    table = run(copy, "dvc", "metrics", "show")
    assert "perplexity" in table
    assert max(map(len, table.splitlines())) < 200
    run(copy, sys.executable, "-m", "plateau.report.plots_page", ".dvc/plots.html")
    run(copy, "dvc", "config", "--local", "plots.html_template", "plots.html")
    run(copy, "dvc", "plots", "show")
    page = (copy / "dvc_plots" / "index.html").read_text()
    assert all(word in page for word in ("val_loss", "gap_pct", "Score of each field", "Class fields"))
    assert '<script src="http' not in page
    run(copy, "dvc", "plots", "diff", "HEAD")
    assert '<script src="http' not in (copy / "dvc_plots" / "index.html").read_text()


def test_killed_in_a_temporary_folder_an_experiment_goes_on_to_the_same_bytes(copy: Path) -> None:
    experiment = ("dvc", "exp", "run", "--temp", "-S", "lr=3e-4", "-n")
    process = saving(copy, *experiment, "killed")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (copy / ".dvc" / "tmp" / "rwlock").unlink(missing_ok=True)
    assert "going on from iteration " in run(copy, *experiment, "resumed")
    assert run(copy, "git", "status", "--short") == ""
    shutil.rmtree(copy / ".dvc" / "cache" / "runs")
    assert "going on from" not in run(copy, *experiment, "whole")
    for name in ("dvc.lock", "metrics/evaluations.json", "metrics/evaluate.json"):
        resumed, whole = (run(copy, "git", "show", f"{ref(copy, of)}:{name}") for of in ("resumed", "whole"))
        assert resumed == whole


def ref(folder: Path, experiment: str) -> str:
    """The git reference of an experiment."""
    names = run(folder, "git", "for-each-ref", "--format=%(refname)", "refs/exps").splitlines()
    return next(name for name in names if name.endswith(f"/{experiment}"))


def test_killed_with_dvc_a_run_goes_on_to_the_same_lock(copy: Path) -> None:
    expected = outs(copy)
    shutil.rmtree(copy / "adapters")
    shutil.rmtree(copy / ".dvc" / "cache")
    run(copy, "dvc", "repro", "convert")
    process = saving(copy, "dvc", "repro")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(copy.glob(".work/*/state-*"))
    (copy / ".dvc" / "tmp" / "rwlock").unlink(missing_ok=True)
    run(copy, "dvc", "repro")
    assert outs(copy) == expected


def test_killed_while_dvc_hashes_the_outs_nothing_is_trained_again(copy: Path) -> None:
    """As in a fresh clone, where dvc.lock came with git; `dvc repro` without the cache has to write the outs anew."""
    expected, lock = outs(copy), (copy / "dvc.lock").read_bytes()
    shutil.rmtree(copy / "adapters")
    shutil.rmtree(copy / ".dvc" / "cache")
    run(copy, "dvc", "repro", "convert")
    assert "iteration 0 " in run(
        copy, sys.executable, "-m", "stages.train"
    )  # to its last line, and dvc never came to hash
    (copy / "dvc.lock").write_bytes(lock)
    os.utime(copy / "dvc.lock", (1, 1))
    shutil.rmtree(copy / "adapters")
    output = run(copy, "dvc", "repro", "select")
    assert "train" in ran(output)
    assert "going on from iteration" in output
    assert "iteration 0 " not in output
    assert outs(copy) == expected
    assert list(copy.glob(".work/*/finished.json")) == []


def test_how_often_a_state_is_saved_reruns_no_training(copy: Path) -> None:
    params = (copy / "params.yaml").read_text()
    (copy / "params.yaml").write_text(params.replace("state_every: 4", "state_every: 5"))
    assert (copy / "params.yaml").read_text() != params
    assert "train:" not in run(copy, "dvc", "status", "train").splitlines()


def test_stock_clients_take_what_the_pipeline_makes(copy: Path) -> None:
    base, best = "models/base", "adapters/best"
    row = json.loads((copy / "data/mlx/test.jsonl").read_text().splitlines()[0])
    prompt = ("--max-tokens", "4", "--prompt", row["messages"][0]["content"])
    generate = ("mlx_lm.generate", "--model", base, "--adapter-path", best, *prompt)
    tokens = _prompt_tokens(copy)
    assert f"Prompt: {tokens} tokens" in run(copy, *generate)
    run(copy, "mlx_lm.fuse", "--model", base, "--adapter-path", best, "--save-path", "fused")
    assert f"Prompt: {tokens} tokens" in run(copy, "mlx_lm.generate", "--model", "fused", *prompt)
    lora = ("mlx_lm.lora", "--model", base, "--train", "--data", "data/mlx", "--iters", "2", "--num-layers", "-1")
    run(copy, *lora, "--batch-size", "2", "--val-batches", "1", "--adapter-path", "stock")
    assert (copy / "stock" / "adapters.safetensors").exists()


def _prompt_tokens(folder: Path) -> int:
    from plateau.prompts.tokens import open_tokens

    return int(open_tokens(folder / "data" / "tokens" / "test.arrow").completion_start[0])


def test_raw_test_records_get_the_texts_of_the_evaluation_through_a_kill(copy: Path) -> None:
    table = pq.read_table(copy / "data" / "predictions.parquet").to_pylist()
    greedy = [row for row in table if row["arm"] == "adapter" and row["split"] == "test" and row["sample"] == 0]
    said = {row["id"]: row["output"] for row in greedy if row["constrained"] and row["output"] is not None}
    tested = {row["id"]: row["prompt_tokens"] for row in greedy}
    raw = (copy / "data" / "raw" / "transcripts.jsonl").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    new = "\n".join(line for line in raw if json.loads(line)["id"] in tested)
    (copy / "new.jsonl").write_text(new, encoding="utf-8")
    tiny.write_params(copy, {**SMALL, "evaluate.batch_size": 1})  # eight rows a part
    predict = (sys.executable, "-m", "stages.predict", "new.jsonl", "--not-gated", "a test", "--out", "out.csv")
    assert "do_not_ship" in run(copy, *predict[:4], status=2) or "insufficient" in run(copy, *predict[:4], status=2)
    process = subprocess.Popen(predict, cwd=copy, env=environment(), stdout=subprocess.DEVNULL)
    while process.poll() is None and not list(copy.glob("out.csv.parts/0*.jsonl")):
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert "going on after " in run(copy, *predict)
    with (copy / "out.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["id"] for row in rows) == sorted(tested)
    assert {row["id"]: row["output"] for row in rows if row["id"] in said} == said
    assert {row["id"]: int(row["prompt_tokens"]) for row in rows} == tested
    tiny.write_params(copy, {**SMALL, "convert.instruction": "Judge it."})
    assert "params.yaml: convert is not what the adapter was evaluated with" in run(copy, *predict, status=1)


def test_the_gate_judges_what_ran_and_nothing_stale(copy: Path) -> None:
    gate = (sys.executable, "-m", "stages.gate")
    answer = json.loads((copy / "metrics" / "gates.json").read_text())["answer"]
    assert "criterion" in run(copy, *gate, status={"ship": 0, "do_not_ship": 2, "insufficient_evidence": 3}[answer])
    tiny.write_params(copy, {**SMALL, "lr": 1e-30})
    assert "train; run `dvc repro`" in run(copy, *gate, status=1)


def test_a_system_of_ones_own_needs_only_dvc_yaml_params_a_schema_and_data(copy: Path) -> None:
    folder = furniture_shop(copy, "orders")
    wrong = run(copy, "dvc", "exp", "run", "systems/orders/dvc.yaml", "-S", "lr=5e-4", status=None)
    assert "type `cd systems/orders && dvc exp run -S lr=5e-4`" in wrong
    run(copy, "git", "checkout", "params.yaml")
    output = run(copy, "dvc", "repro", "systems/orders/dvc.yaml")
    assert len(ran(output)) >= 10
    assert "item" in json.dumps(json.loads((folder / "metrics" / "evaluate.json").read_text()))
    assert (folder / "reports" / "REPORT.md").exists()
    commit(copy, "orders")
    assert "train" in ran(run(folder, "dvc", "exp", "run", "-S", "lr=5e-4"))
    assert run(copy, "git", "status", "--short", "params.yaml") == ""
    compared = run(copy, sys.executable, "-m", "stages.compare", "systems/orders", "HEAD", "workspace")
    assert re.search(r"\| lr \| .*0\.0005", compared)


def furniture_shop(clone: Path, name: str) -> Path:
    """A system with another target, made as docs/your-own-data.md says."""
    folder = clone / "systems" / name
    (folder / "schemas").mkdir(parents=True)
    (folder / "data" / "raw").mkdir(parents=True)
    (folder / "data" / "labels").mkdir()
    (folder / "data" / "external").mkdir()
    star = yaml.safe_load((clone / "systems/star/dvc.yaml").read_text().replace("systems/star", f"systems/{name}"))
    star["stages"].pop("import")
    (folder / "dvc.yaml").write_text(yaml.safe_dump(star, sort_keys=False))
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["item", "urgent"],
        "properties": {
            "item": {"enum": ["lamp", "chair"]},
            "urgent": {"type": "boolean"},
            "pieces": {"type": "integer"},
        },
    }
    (folder / "schemas" / "target.schema.json").write_text(json.dumps(schema))
    _orders(folder / "data" / "raw", 200)
    changes = {key: value for key, value in SMALL.items() if not key.startswith("synthesize")}
    tiny.write_params(folder, {**changes, "split.group_by": None, "gates.min_test_rows": 20})
    values = yaml.safe_load((folder / "params.yaml").read_text())
    del values["synthesize"]
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    return folder


def _orders(folder: Path, count: int) -> None:
    """Raw records of a furniture shop."""
    with (folder / "transcripts.jsonl").open("w") as transcripts, (folder / "analyses.jsonl").open("w") as analyses:
        for i in range(count):
            item, start = ("lamp", "chair")[i % 2], f"2025-03-{1 + i // 24:02}T{i % 24:02}:00:00+01:00"
            turns = [{"role": "customer", "text": f"I want {i} pieces of your {item}.", "time": start}]
            transcripts.write(json.dumps({"id": f"order{i}", "start": start, "turns": turns}) + "\n")
            analyses.write(
                json.dumps({"id": f"order{i}", "target": {"item": item, "urgent": i % 3 == 0, "pieces": i}}) + "\n"
            )
