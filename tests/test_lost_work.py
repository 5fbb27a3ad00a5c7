"""No work is lost: an orphan ends, a finished run is kept until dvc.lock names its outs, and nothing that changes no byte trains anew."""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from plateau.core.errors import PlateauError
from plateau.core.system import System
from plateau.training import scratch
from plateau.training.trainer import Run
from tests import tiny
from tests.test_resume import outcome, start
from tools import deps

DAY = 24 * 3600


def no_update(*_: Any) -> None:
    raise AssertionError("trained again")


def runs(folder: Path) -> list[Path]:
    """The folders of runs in a system's .work."""
    return [path for path in (folder / ".work").glob("*") if path.is_dir()]


@pytest.fixture
def finished(tmp_path: Path, tokenizer_dir: Path) -> Path:
    """A system whose training has ended, as it is when dvc is killed before it has written dvc.lock."""
    folder = tiny.system(tmp_path / "system", tokenizer_dir, iters=7, eval_every=3)
    tiny.train(folder)
    return folder


def name_outs(folder: Path) -> None:
    """Write the dvc.lock that dvc writes once it has hashed the outs."""
    outs = [{"path": path, "md5": hashlib.md5((folder / path).read_bytes()).hexdigest()} for path in scratch.OUTS]
    (folder / "dvc.lock").write_text(yaml.safe_dump({"stages": {"train": {"outs": outs}}}))


def sweep(folder: Path, monkeypatch: pytest.MonkeyPatch, own: str = "") -> None:
    monkeypatch.setenv("DVC_ROOT", str(folder))
    scratch.sweep(own)


def test_a_run_that_dvc_did_not_record_is_written_again_without_training(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = outcome(finished)
    shutil.rmtree(finished / "adapters")
    shutil.rmtree(finished / "metrics")
    monkeypatch.setattr(Run, "_update", no_update)
    tiny.train(finished)
    assert outcome(finished) == expected


def test_a_finished_state_goes_once_its_own_lock_names_its_outs(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (finished / "dvc.lock").write_text(yaml.safe_dump({"stages": {"train": {"outs": []}}}))
    sweep(finished, monkeypatch)
    assert len(runs(finished)) == 1
    name_outs(finished)
    sweep(finished, monkeypatch)
    assert runs(finished) == []


@pytest.mark.parametrize("days", [-400, 0, 400])
def test_a_lock_that_git_brought_does_not_count_until_dvc_has_hashed_the_outs_whatever_the_clock_does(
    finished: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """In a fresh clone dvc.lock names the outs before they are made."""
    name_outs(finished)
    os.utime(finished / "dvc.lock", (time.time() + days * DAY,) * 2)
    scratch.finish(System(finished), runs(finished)[0])
    sweep(finished, monkeypatch)
    assert len(runs(finished)) == 1
    md5 = hashlib.md5((finished / scratch.OUTS[0]).read_bytes()).hexdigest()
    cached = finished / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    cached.parent.mkdir(parents=True)
    cached.touch()
    sweep(finished, monkeypatch)
    assert runs(finished) == []


def test_the_end_of_another_run_removes_no_state(
    finished: Path, tmp_path: Path, tokenizer_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tiny.system(tmp_path / "other", tokenizer_dir, iters=7, eval_every=3, seed=1)
    with pytest.raises(PlateauError, match="stopped at iteration 4"):
        tiny.train(other, updates=4)
    shutil.move(runs(other)[0], finished / ".work")
    name_outs(finished)
    sweep(finished, monkeypatch)
    assert len(runs(finished)) == 1
    assert list(runs(finished)[0].glob("state-*"))


@pytest.mark.parametrize(("days", "kept"), [(6, True), (8, False), (-400, True)])
def test_a_state_without_a_lock_is_kept_seven_days_whatever_the_clock_does(
    finished: Path, monkeypatch: pytest.MonkeyPatch, days: int, kept: bool
) -> None:
    folder = runs(finished)[0]
    for path in (folder / "lock", folder):
        os.utime(path, (time.time() - days * DAY,) * 2)
    sweep(finished, monkeypatch)
    assert folder.exists() == kept


def test_a_run_that_is_taken_up_after_weeks_goes_on(tmp_path: Path, tokenizer_dir: Path) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir, iters=9)
    with pytest.raises(PlateauError, match="stopped at iteration 4"):
        tiny.train(folder, updates=4)
    run = runs(folder)[0]
    for path in (run / "lock", run):
        os.utime(path, (time.time() - 30 * DAY,) * 2)
    with pytest.raises(PlateauError, match="stopped at iteration 7"):
        tiny.train(folder, updates=3)


def test_a_state_that_another_process_holds_is_never_removed(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = runs(finished)[0]
    name_outs(finished)
    with (folder / "lock").open("ab") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        sweep(finished, monkeypatch)
        assert folder.exists()
    sweep(finished, monkeypatch)
    assert not folder.exists()


@pytest.mark.parametrize(
    "lost", ["checkpoints/0000003", "losses-0000003.npz", "checkpoints/0000003/adapter_config.json"]
)
def test_a_checkpoint_that_is_missing_blocks_no_rerun(finished: Path, lost: str) -> None:
    expected = outcome(finished)
    path = runs(finished)[0] / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(finished / "adapters")
    tiny.train(finished)
    assert outcome(finished) == expected


def test_a_run_that_broke_is_trained_again(tmp_path: Path, tokenizer_dir: Path) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir, lr=10.0, iters=60)
    with pytest.raises(PlateauError, match="lower lr"):
        tiny.train(folder)
    assert runs(folder) == []


def test_state_every_and_hostfile_neither_restart_nor_rerun_training(tmp_path: Path, tokenizer_dir: Path) -> None:
    whole, folder = (tiny.system(tmp_path / name, tokenizer_dir, iters=9) for name in ("whole", "changed"))
    tiny.train(whole)
    with pytest.raises(PlateauError, match="stopped at iteration 4"):
        tiny.train(folder, updates=4)
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params["train"]["state_every"] = 2
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    tiny.train(folder)
    assert len(runs(folder)) == 1
    assert outcome(folder) == outcome(whole)
    for system in (deps.ROOT, deps.ROOT / "systems" / "star"):
        tracked = next(stage.params() for stage in deps.stages(system) if stage.name == "train")
        assert "train.optimizer" in tracked
        assert not {"train", "train.state_every", "train.hostfile"} & tracked


def test_the_fingerprint_holds_the_code_that_computes_and_the_versions_of_its_libraries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = {path.relative_to(tiny.ROOT).as_posix() for path in scratch._code()}
    assert {"plateau/lm/cpu.py", "plateau/training/trainer.py", "stages/train.py"} <= code
    assert not {"plateau/training/display.py", "plateau/core/progress.py"} & code
    before = scratch.fingerprint({}, [])
    monkeypatch.setattr(scratch, "_version", lambda library: "0" if library == "numpy" else None)
    assert scratch.fingerprint({}, []) != before


def test_a_checkpoint_and_the_folders_that_hold_it_are_on_the_disk_before_training_goes_on(
    tmp_path: Path, tokenizer_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir, iters=1)
    synced, fsync = set(), os.fsync

    def recorded(descriptor: int) -> None:
        synced.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded)
    tiny.train(folder)
    run = runs(folder)[0]
    kept = [run, run / "checkpoints", *(run / "checkpoints").rglob("*"), *run.glob("losses-*"), *run.glob("state-*/*")]
    assert len(kept) > 8
    assert [path for path in kept if path.stat().st_ino not in synced] == []


DVC = """import os, subprocess, sys
stage = subprocess.Popen([sys.executable, "-m", "stages.train", sys.argv[1]], stdout=open(sys.argv[2], "w"), stderr=subprocess.STDOUT)
print(stage.pid, flush=True)
stage.wait()
"""


def ended(pid: int, seconds: float) -> bool:
    """Whether a process that is no child of ours is gone, or a zombie, within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the state of processes from /proc")
@pytest.mark.parametrize("reaped", [True, False], ids=["reaped", "zombie"])
@pytest.mark.parametrize("sign", [None, "iteration 0"], ids=["loading", "training"])
def test_a_stage_ends_when_the_dvc_above_it_is_killed(
    tmp_path: Path, tokenizer_dir: Path, sign: str | None, reaped: bool
) -> None:
    folder = tiny.system(tmp_path / "system", tokenizer_dir, iters=10**6, eval_every=10**6)
    dvc, log = tmp_path / "dvc", tmp_path / "log"
    dvc.write_text(DVC)
    environment = {**os.environ, "DVC_STAGE": "train", "DVC_ROOT": str(folder)}
    process = subprocess.Popen(
        [sys.executable, str(dvc), str(folder), str(log)],
        cwd=tiny.ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    stage = int(process.stdout.readline())
    while sign and sign not in log.read_text():
        time.sleep(0.05)
    process.kill()
    if reaped:
        process.wait()
    assert ended(stage, 20)
    assert "the dvc that ran this stage is gone" in log.read_text()
    assert bool(list(folder.glob(".work/*/state-*"))) == bool(sign)
    process.wait()
    process.stdout.close()


@pytest.mark.slow
def test_sigterm_is_heeded_within_an_update_and_loses_nothing_before_it(tmp_path: Path, tokenizer_dir: Path) -> None:
    changes = {"batch_size": 1, "grad_accumulation": 100_000, "iters": 2, "eval_every": 1}
    folder = tiny.system(tmp_path, tokenizer_dir, train_rows=100_000, **changes)
    process = start(folder)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("iteration 0"):
            break
    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=60)[0]
    assert time.monotonic() - asked < 8
    assert process.returncode == 1
    assert "stopped at iteration 0; the next `dvc repro" in output
    assert "goes on from there" in output
    assert [path.name for path in folder.glob(".work/*/state-*")] == ["state-0000000"]


STUCK = """import hashlib, signal
from plateau.core import supervision
supervision.GRACE_SECONDS = 0.2
supervision.watch()
signal.signal(signal.SIGTERM, lambda *_: None)
print("ready", flush=True)
hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)
"""


def test_sigterm_ends_a_process_that_is_in_the_middle_of_a_long_computation() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK], cwd=tiny.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    error = process.communicate(timeout=20)[1]
    assert process.returncode == 1
    assert "stopped in the middle of a step" in error


def test_an_orphan_that_dvc_left_before_it_began_does_not_begin(tmp_path: Path) -> None:
    """Its parents are init and the like: here a session of its own, so that no Python above counts."""
    environment = {**os.environ, "DVC_STAGE": "train"}
    done = subprocess.run(
        [sys.executable, "-m", "stages.train", str(tmp_path)],
        cwd=tiny.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["error: the dvc that ran this stage is gone; run `dvc repro` again"]
