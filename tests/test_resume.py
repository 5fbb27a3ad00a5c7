"""Killed at any moment, a run goes on from its last complete state and ends with the same bytes."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from plateau.core.errors import PlateauError
from tests import tiny

HARD = {"iters": 40, "eval_every": 7, "dropout": 0.1, "grad_accumulation": 2, "batch_size": 4, "train.state_every": 4}


def start(folder: Path, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "stages.train", str(folder)]
    environment = {**os.environ, "DVC_ROOT": str(folder)}
    return subprocess.Popen(
        command, cwd=tiny.ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
    )


def finish(folder: Path) -> str:
    process = start(folder)
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    return output


def outcome(folder: Path) -> dict[str, str]:
    """SHA-256 of every file that the stage leaves, timings aside."""
    parts = ("adapters", "metrics")
    return {f"{part}/{name}": digest for part in parts for name, digest in tiny.digests(folder / part).items()}


def started(folder: Path, count: int, **options: Any) -> subprocess.Popen[str]:
    """A run that has written a state at or after its `count`th iteration, or has ended."""
    process = start(folder, **options)
    while process.poll() is None and max(saved(folder), default=-1) < count:
        time.sleep(0.01)
    return process


def saved(folder: Path) -> list[int]:
    """Iterations whose states are on disk."""
    return [int(path.name.split("-")[1]) for path in folder.glob(".work/*/state-*")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, tokenizer_dir: Path) -> Path:
    """A system as it is before training, and in `reference.json` what an uninterrupted run leaves."""
    folder = tiny.system(tmp_path_factory.mktemp("whole") / "system", tokenizer_dir, **HARD)
    clean = folder.with_name("clean")
    shutil.copytree(folder, clean)
    finish(folder)
    (clean / "reference.json").write_text(json.dumps(outcome(folder)))
    return clean


def fresh(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "system"))


def expected(whole: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((whole / "reference.json").read_text())
    return found


@pytest.mark.parametrize("wanted", [pytest.param(20, marks=pytest.mark.slow), pytest.param(60, marks=pytest.mark.soak)])
def test_kill_9_at_random_moments_changes_no_byte(whole: Path, tmp_path: Path, wanted: int) -> None:
    draw = random.Random(wanted)
    kills = runs = 0
    while kills < wanted:
        folder = Path(shutil.copytree(whole, tmp_path / str(runs)))
        runs += 1
        while kills < wanted:
            process = started(folder, max(saved(folder), default=0) + draw.randrange(8))
            time.sleep(draw.random() * 0.05)
            ended = process.poll() is not None
            process.kill()
            process.communicate()
            if ended:
                break
            kills += 1
        if kills == wanted:
            finish(folder)
        assert outcome(folder) == expected(whole)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_the_state_and_the_next_run_goes_on(whole: Path, tmp_path: Path, number: signal.Signals) -> None:
    folder = fresh(whole, tmp_path)
    process = started(folder, 8)
    process.send_signal(number)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert "goes on from there" in output
    assert "Traceback" not in output
    assert "iteration 0 " not in finish(folder)
    assert outcome(folder) == expected(whole)


@pytest.mark.slow
def test_a_state_that_was_cut_short_is_passed_over(whole: Path, tmp_path: Path) -> None:
    folder = fresh(whole, tmp_path)
    process = started(folder, 12)
    process.kill()
    process.communicate()
    newest = sorted(folder.glob(".work/*/state-*"))[-1] / "arrays.safetensors"
    newest.write_bytes(newest.read_bytes()[:-100])
    assert "was cut short" in finish(folder)
    assert outcome(folder) == expected(whole)


@pytest.mark.slow
def test_a_full_disk_is_one_clear_line_and_loses_nothing(whole: Path, tmp_path: Path) -> None:
    folder = fresh(whole, tmp_path)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # noqa: E731
    process = start(folder, preexec_fn=limit)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert "error: " in output
    assert "Traceback" not in output
    finish(folder)
    assert outcome(folder) == expected(whole)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "adafactor", "muon"])
def test_with_every_optimizer_and_clipping_a_run_goes_on_to_the_same_bytes(
    tmp_path: Path, tokenizer_dir: Path, optimizer: str
) -> None:
    changes = {**HARD, "iters": 12, "train.optimizer": optimizer, "train.max_grad_norm": 0.05}
    whole, stopped = (tiny.system(tmp_path / name, tokenizer_dir, **changes) for name in ("whole", "stopped"))
    tiny.train(whole)
    with pytest.raises(PlateauError, match="stopped at iteration 9; "):
        tiny.train(stopped, updates=9)
    tiny.train(stopped)
    assert outcome(stopped) == outcome(whole)


@pytest.mark.slow
def test_an_orphan_of_other_params_ends_before_another_run_trains_in_its_folder(whole: Path, tmp_path: Path) -> None:
    folder = fresh(whole, tmp_path)
    orphan = started(folder, 8)
    orphan.send_signal(signal.SIGSTOP)
    params = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(params.replace("dropout: 0.1", "dropout: 0.2"))
    other = start(folder)
    assert other.stdout is not None
    assert any("waiting for an earlier process" in line for line in other.stdout)
    assert len(list(folder.glob(".work/*/state-*"))) > 0
    assert not (folder / "adapters").exists()
    orphan.send_signal(signal.SIGCONT)
    for process in (orphan, other):
        process.communicate(timeout=300)
    assert [orphan.returncode, other.returncode] == [0, 0]
    assert outcome(folder) != expected(whole)
    (folder / "params.yaml").write_text(params)
    finish(folder)
    assert outcome(folder) == expected(whole)


@pytest.mark.slow
def test_a_second_process_waits_for_the_first_and_both_agree(whole: Path, tmp_path: Path) -> None:
    folder = fresh(whole, tmp_path)
    first, second = start(folder), start(folder)
    outputs = [process.communicate(timeout=300)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert any("waiting for an earlier process" in output for output in outputs)
    assert outcome(folder) == expected(whole)


@pytest.mark.slow
def test_states_are_written_no_more_often_than_asked(whole: Path, tmp_path: Path) -> None:
    folder = fresh(whole, tmp_path)
    process = started(folder, 20)
    states = saved(folder)
    while len(states) > 2 and process.poll() is None:  # a new one is written before an old one goes
        states = saved(folder)
    process.kill()
    process.communicate()
    assert 0 < len(states) <= 2
    assert all(state % 4 == 0 for state in states)
