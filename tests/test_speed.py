"""Timings are kept by stage in one file that is whole at any time."""

import json
from pathlib import Path

import pytest

from plateau.core.system import System
from plateau.core.timings import keep, kept, record


def written(folder: Path) -> object:
    return json.loads((folder / "metrics" / "speed.json").read_text(encoding="utf-8"))


def test_a_stage_replaces_its_own_figures_and_leaves_the_others(tmp_path: Path) -> None:
    system = System(tmp_path)
    record(system, "train", {"seconds": 12.34567, "old": 1})
    record(system, "base", {"seconds": 0.1})
    record(system, "train", {"seconds": 123456.7})
    assert written(tmp_path) == {
        "seconds": 123500.0,
        "stages": [{"stage": "base", "seconds": 0.1}, {"stage": "train", "seconds": 123500.0}],
    }
    assert [path.name for path in (tmp_path / "metrics").iterdir()] == ["speed.json"]


@pytest.mark.parametrize("content", ["", "{", "null", "[1, 2]", '"text"'])
def test_a_broken_file_is_started_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "speed.json").write_text(content, encoding="utf-8")
    record(System(tmp_path), "train", {"seconds": 1.5})
    assert written(tmp_path) == {"seconds": 1.5, "stages": [{"stage": "train", "seconds": 1.5}]}


def test_a_figure_that_is_not_finite_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    record(System(tmp_path), "base", {"seconds": 0.1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        record(System(tmp_path), "train", {"seconds": float("nan")})
    assert written(tmp_path) == {"seconds": 0.1, "stages": [{"stage": "base", "seconds": 0.1}]}


def test_timings_are_found_again_by_the_adapter_that_the_run_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "repository"))
    system = System(tmp_path / "experiment")
    keep(system, "0a")
    assert kept("0a") == {}
    record(system, "train", {"seconds": 1.5})
    keep(system, "0a")
    assert kept("0a") == {"train": {"seconds": 1.5}}
    assert kept("0b") == {}
