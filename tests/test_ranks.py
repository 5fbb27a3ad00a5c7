"""Several ranks train as one would, and a rank that dies fails the stage."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plateau.core.errors import PlateauError
from plateau.lm.backend import mx
from plateau.training import launch
from plateau.training.ranks import Ranks
from tests import tiny
from tests.test_resume import finish, outcome, started


@given(st.integers(0, 200), st.integers(1, 7))
def test_rows_are_shared_out_without_overlap(count: int, size: int) -> None:
    shares = [Ranks(rank, size).share(np.arange(count)) for rank in range(size)]
    assert sorted(np.concatenate(shares).tolist()) == list(range(count))


@pytest.mark.slow
def test_two_ranks_match_one_after_fifty_steps(tmp_path: Path, tokenizer_dir: Path) -> None:
    found = []
    for ranks in (1, 2):
        changes = {"iters": 50, "eval_every": 25, "batch_size": 7, "train.ranks": ranks}
        folder = tiny.system(tmp_path / str(ranks), tokenizer_dir, **changes)
        finish(folder)
        found.append(mx.load(str(folder / "adapters" / "checkpoints" / "0000050" / "adapters.safetensors")))
    for name, array in found[0].items():
        assert np.allclose(np.array(array), np.array(found[1][name]), atol=2e-3), name


@pytest.mark.slow
def test_two_ranks_go_on_after_kill_9(tmp_path: Path, tokenizer_dir: Path) -> None:
    changes = {"iters": 40, "dropout": 0.1, "train.ranks": 2}
    whole = tiny.system(tmp_path / "whole", tokenizer_dir, **changes)
    finish(whole)
    folder = tiny.system(tmp_path / "killed", tokenizer_dir, **changes)
    process = started(folder, 10, start_new_session=True)
    os.killpg(process.pid, 9)
    process.communicate()
    finish(folder)
    assert outcome(folder) == outcome(whole)


def test_a_rank_that_dies_fails_the_stage_and_stops_the_others() -> None:
    script = "import os, sys, time; sys.exit(3) if os.environ['MLX_RANK'] == '1' else time.sleep(60)"
    with pytest.raises(PlateauError, match="rank 1 of 2 exited with 3"):
        launch.local([sys.executable, "-c", script], 2)


@pytest.mark.slow
def test_a_hostfile_runs_the_stage_on_its_hosts(tmp_path: Path, tokenizer_dir: Path) -> None:
    hosts = tmp_path / "hosts.json"
    hosts.write_text('[{"ssh": "127.0.0.1", "ips": ["127.0.0.1"]}, {"ssh": "127.0.0.1", "ips": ["127.0.0.1"]}]')
    changes = {"iters": 6, "train.ranks": 2, "train.hostfile": str(hosts)}
    folder = tiny.system(tmp_path / "system", tokenizer_dir, **changes)
    finish(folder)
    assert (folder / "metrics" / "train.json").exists()


def test_a_hostfile_that_is_missing_is_one_clear_line(tmp_path: Path, tokenizer_dir: Path) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir, **{"train.hostfile": "nowhere.json"})
    command = [sys.executable, "-m", "stages.train", str(folder)]
    done = subprocess.run(command, cwd=tiny.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nowhere.json: no such file" in done.stderr
    assert "Traceback" not in done.stderr
