"""What a run in progress shows: one live line on a terminal, a plain line an evaluation point elsewhere."""

import dataclasses
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from plateau.core.figures import from_json
from plateau.metrics.evaluations import Point
from plateau.training.checkpoints import State
from plateau.training.display import Display
from plateau.training.stopping import Rules
from tests import tiny
from tests.test_trainer import settings


def seen(folder: Path, **environment: str) -> str:
    """What the stage writes to a terminal of 200 columns."""
    above, below = pty.openpty()
    settings = {**os.environ, "DVC_ROOT": str(folder), "COLUMNS": "200", "TERM": "xterm-256color", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.train", str(folder)], cwd=tiny.ROOT, env=settings, stdout=below, stderr=below
    )
    os.close(below)
    parts = []
    while True:
        try:
            part = os.read(above, 65536)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    os.close(above)
    assert process.wait() == 0
    return b"".join(parts).decode()


@pytest.mark.slow
def test_a_terminal_gets_one_live_line_with_all_that_matters(tmp_path: Path, tokenizer_dir: Path) -> None:
    shown = seen(tiny.system(tmp_path, tokenizer_dir, iters=40))
    for word in ("loss ", "val ", "best ", "patience left", "tokens/s", "GiB", "/40", "\x1b["):
        assert word in shown
    assert "iteration 6 train_loss" not in shown


@pytest.mark.slow
def test_eighty_columns_hold_all_of_it(tmp_path: Path, tokenizer_dir: Path) -> None:
    shown = seen(tiny.system(tmp_path, tokenizer_dir, iters=40), COLUMNS="80")
    last = [line for line in re.split(r"[\r\n]|\x1b\[[0-9;?]*[A-Za-z]", shown) if "/40" in line or "loss " in line]
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    for word in ("/40", "loss ", "val ", "best ", "left ", "/s", "G ", "0:00:"):
        assert word in text
    assert last
    assert "…" not in text


@pytest.mark.slow
def test_no_color_is_respected(tmp_path: Path, tokenizer_dir: Path) -> None:
    shown = seen(tiny.system(tmp_path, tokenizer_dir), NO_COLOR="1")
    assert "patience left" in shown
    assert not [code for code in range(30, 50) if f"\x1b[{code}m" in shown]
    assert "\x1b[38;" not in shown


def test_without_a_terminal_each_evaluation_point_is_one_plain_line_with_lr(
    tmp_path: Path, tokenizer_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.train(tiny.system(tmp_path, tokenizer_dir))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("iteration ")]
    assert [line.split()[1] for line in lines] == ["0", "6", "12", "18", "24"]
    assert all(" lr " in line and "\x1b" not in line for line in lines)


def test_the_best_so_far_is_shown_also_where_patience_ran_out_before_min_iters() -> None:
    losses = enumerate([3.0, 4.0, 5.0, 2.0, 1.0])
    points = from_json(list[Point], [{"iteration": 10 * i, "val_loss": loss} for i, loss in losses], "points")
    chosen = dataclasses.replace(settings(), rules=Rules(patience=1, min_iters=100))
    display = Display(chosen, shown=False)
    assert display._standing(State(points=points)) == "best 1.0000 at 40 patience left 1"
