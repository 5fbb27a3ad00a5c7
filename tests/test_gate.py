"""The command `python -m stages.gate`: its exit status, and that no stale or edited answer ships."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from plateau.core.errors import PlateauError
from plateau.core.system import System
from plateau.evaluation import manifest
from plateau.lm.model import load_arrays, save_arrays
from tests import tiny

STAGES = {
    "evaluate": {
        "cmd": "true",
        "deps": ["adapters/best", "data/split", "models/base"],
        "params": ["lr"],
        "outs": ["data/predictions.parquet", "adapters/evaluated.json", {"metrics/evaluate.json": {"cache": False}}],
    },
    "overfit_check": {
        "cmd": "true",
        "deps": ["metrics/evaluate.json", "adapters/evaluated.json"],
        "params": ["gates"],
        "outs": [{"metrics/overfit.json": {"cache": False}}, {"metrics/gates.json": {"cache": False}}],
    },
}


@pytest.fixture(scope="module")
def recorded(trained: System, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained system in a DVC repository whose lock holds all of it; its last two stages alone are declared."""
    folder = Path(shutil.copytree(trained.path(), tmp_path_factory.mktemp("gate") / "system"))
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}))
    for command in (["init", "--no-scm", "--quiet"], ["commit", "--force", "--quiet"]):
        subprocess.run([sys.executable, "-m", "dvc", *command], cwd=folder, check=True)
    return folder


@pytest.fixture
def copy(recorded: Path, tmp_path: Path) -> Path:
    """That system, for a test of its own."""
    return Path(shutil.copytree(recorded, tmp_path / "copy"))


def gate(folder: Path, tail: str = "") -> tuple[int, str, str]:
    """Exit status, output and errors of the gate as a person in the system's folder runs it, `tail` after it."""
    known = {**os.environ, "PYTHONPATH": str(tiny.ROOT)}
    command = f"set -o pipefail; {sys.executable} -m stages.gate{tail}"
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=known, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def commit(folder: Path) -> None:
    """Put what stands in the folder into dvc.lock."""
    subprocess.run([sys.executable, "-m", "dvc", "commit", "--force", "--quiet"], cwd=folder, check=True)


def edit(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def set_param(folder: Path, key: str, value: object) -> None:
    values = yaml.safe_load((folder / "params.yaml").read_text())
    section, _, name = key.rpartition(".")
    (values[section] if section else values)[name] = value
    (folder / "params.yaml").write_text(yaml.safe_dump(values))


def rerun_check(folder: Path) -> None:
    """overfit_check with the params as they are now, and the lock brought up to date."""
    subprocess.run([sys.executable, "-m", "stages.overfit_check", str(folder)], cwd=tiny.ROOT, check=True)
    commit(folder)


def test_a_run_that_passes_ships(recorded: Path) -> None:
    status, said, errors = gate(recorded)
    assert (status, errors) == (0, "")
    assert said.startswith("status")
    assert "this test split has judged 1 different adapter, " in said


@pytest.mark.parametrize(
    ("param", "value", "status"), [("gates.loss_reduction", 0.99999, 2), ("gates.min_test_rows", 10_000, 3)]
)
def test_a_failed_row_is_2_and_too_little_evidence_3(copy: Path, param: str, value: float, status: int) -> None:
    set_param(copy, param, value)
    rerun_check(copy)
    found, said, errors = gate(copy)
    assert (found, errors.count("\n")) == (status, 1)
    assert "fail" in said


def test_waived_gates_ship_with_status_0_and_are_printed(copy: Path) -> None:
    set_param(copy, "gates.loss_reduction", 0.99999)
    set_param(copy, "gates.waived", {"loss_reduction": "new region since June", "drift": "the same"})
    rerun_check(copy)
    found, said, errors = gate(copy)
    assert (found, errors) == (0, "")
    assert "waived: loss_reduction: new region since June\n" in said
    assert "waiver not needed: drift passes, or is not asked\n" in said
    assert json.loads((copy / "metrics" / "gates.json").read_text())["answer"] == "ship_with_waivers"


@pytest.mark.parametrize(("target", "status"), [(0.0, 0), (1.0, 2)])
def test_a_criterion_of_ones_own_is_printed_and_decides(copy: Path, target: float, status: int) -> None:
    entry = {"name": "tempers", "file": "evaluate", "figure": "arms.adapter.fields.mood.accuracy", "rule": ">"}
    set_param(copy, "gates.criteria", [{**entry, "target": target, "why": "a model that misreads moods"}])
    rerun_check(copy)
    found, said, errors = gate(copy)
    assert found == status, errors
    assert re.search(rf"(pass|fail) +tempers +> {target:g}", said)
    assert ("tempers is" in errors) == (status == 2)


def test_a_criterion_on_no_figure_is_refused_by_the_check_and_leaves_no_answer(copy: Path) -> None:
    entry = {"name": "tempers", "file": "evaluate", "figure": "arms.adapter.fields.moood.accuracy", "rule": ">"}
    set_param(copy, "gates.criteria", [{**entry, "target": 0.5, "why": ""}])
    command = [sys.executable, "-m", "stages.overfit_check", str(copy)]
    done = subprocess.run(command, cwd=tiny.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "did you mean 'mood'?" in done.stderr
    assert gate(copy)[0] == 1


def remove(folder: Path, name: str) -> None:
    path = folder / name
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


STALE: dict[str, Callable[[Path], object]] = {
    "a param": lambda folder: set_param(folder, "lr", 1e-30),
    "a gate's limit": lambda folder: set_param(folder, "gates.loss_reduction", 0.1),
    "the adapter": lambda folder: edit(folder / "adapters/best/adapter_config.json", lambda v: v.update(scale=3)),
    "gates.json": lambda folder: edit(folder / "metrics/gates.json", lambda v: v.update(reason="fine")),
    "no gates.json": lambda folder: remove(folder, "metrics/gates.json"),
    "no predictions": lambda folder: remove(folder, "data/predictions.parquet"),
    "no adapter": lambda folder: remove(folder, "adapters/best"),
    "no lock": lambda folder: remove(folder, "dvc.lock"),
    "no pipeline": lambda folder: remove(folder, "dvc.yaml"),
    "no repository": lambda folder: remove(folder, ".dvc"),
    "another command": lambda folder: (folder / "dvc.yaml").write_text(
        (folder / "dvc.yaml").read_text().replace("cmd: 'true'", "cmd: 'false'")
    ),
}


@pytest.mark.parametrize("name", STALE)
def test_what_is_stale_or_missing_is_1_with_one_line_that_says_what_to_run(copy: Path, name: str) -> None:
    STALE[name](copy)
    status, said, errors = gate(copy)
    assert (status, said, errors.count("\n")) == (1, "", 1), errors
    assert errors.startswith("error: ")
    assert "dvc " in errors


def failed_row(values: dict[str, list[dict[str, object]]]) -> None:
    values["rows"][5]["status"] = "fail"


@pytest.mark.parametrize(
    "change", [failed_row, lambda v: v.update(answer="do_not_ship"), lambda v: v.update(rows=[]), lambda v: v.clear()]
)
def test_an_answer_that_does_not_follow_from_the_figures_never_counts_even_with_a_lock_to_match(
    copy: Path, change: Callable[[dict[str, object]], object]
) -> None:
    edit(copy / "metrics" / "gates.json", change)
    commit(copy)
    status, said, errors = gate(copy)
    assert (status, said) == (1, "")
    assert "run `dvc repro`" in errors


def other_target(folder: Path) -> None:
    path = folder / "data" / "split" / "test.parquet"
    table = pq.read_table(path)
    targets = ['{"mood": "calm", "count": 1}', *table["target"].to_pylist()[1:]]
    pq.write_table(table.set_column(table.column_names.index("target"), "target", pa.array(targets)), path)


def heavier_base(folder: Path) -> None:
    path = folder / "models" / "base" / "model.safetensors"
    arrays = load_arrays(path)
    save_arrays(path, {name: array * 1.001 for name, array in arrays.items()}, {"format": "mlx"})


def test_a_verdict_that_does_not_follow_from_the_curve_never_counts_even_with_gates_to_match(copy: Path) -> None:
    edit(copy / "metrics" / "overfit.json", lambda v: v.update(reason="all is well"))
    commit(copy)
    status, said, errors = gate(copy)
    assert (status, said, errors.count("\n")) == (1, "", 1), errors
    assert "metrics/overfit.json: not what the metrics beside it" in errors


def test_a_lock_that_is_made_to_name_other_params_of_training_never_ships(copy: Path) -> None:
    set_param(copy, "lr", 1e-30)
    commit(copy)
    status, said, errors = gate(copy)
    assert (status, said, errors.count("\n")) == (1, "", 1), errors
    assert "params.yaml: not the params of the run in metrics/train.json; run `dvc repro -f train`" in errors


SWAPPED: dict[str, Callable[[Path], object]] = {
    "adapter_config.json": lambda folder: edit(
        folder / "adapters/best/adapter_config.json", lambda v: v.update(scale=3)
    ),
    "model.safetensors": heavier_base,
    "test.parquet": other_target,
    "target.schema.json": lambda folder: edit(folder / "schemas/target.schema.json", lambda v: v.update(title="x")),
    "predictions.parquet": lambda folder: (folder / "data/predictions.parquet").write_bytes(b"PAR1"),
    "evaluate.json": lambda folder: edit(folder / "metrics/evaluate.json", lambda v: v.update(rows=10**6)),
    "evaluated.json": lambda folder: remove(folder, "adapters/evaluated.json"),
    "gates.json": lambda folder: edit(folder / "metrics/gates.json", lambda v: v.update(evaluated="0" * 64)),
}


@pytest.mark.parametrize("content", ["[]", "null", "3", "{}", '{"base": null, "test": 1}', '{"base": []}', "{"])
def test_a_manifest_of_another_form_never_ships(copy: Path, content: str) -> None:
    (copy / "adapters" / "evaluated.json").write_text(content)
    with pytest.raises(PlateauError, match=r"run `dvc repro`|not valid JSON") as refused:
        manifest.check(System(copy))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", SWAPPED)
def test_what_is_not_what_was_evaluated_never_ships_even_with_a_lock_to_match(copy: Path, name: str) -> None:
    SWAPPED[name](copy)
    if name != "evaluated.json":
        commit(copy)
    status, said, errors = gate(copy)
    assert (status, said, errors.count("\n")) == (1, "", 1), errors
    assert "dvc repro" in errors
    assert name in errors or name == "evaluated.json"


def test_bad_params_are_1(copy: Path) -> None:
    set_param(copy, "gates.loss_reduction", "high")
    status, _, errors = gate(copy)
    assert (status, errors.count("\n")) == (1, 1)
    assert "gates.loss_reduction" in errors


@pytest.mark.parametrize("tail", [" | head -1", " | true", " 2>&1 | head -1"])
def test_a_reader_that_leaves_changes_neither_status_nor_says_anything(copy: Path, tail: str) -> None:
    set_param(copy, "gates.loss_reduction", 0.99999)
    rerun_check(copy)
    status, said, errors = gate(copy, tail)
    assert status == 2
    assert "Broken pipe" not in said + errors
    assert "Traceback" not in said + errors
