"""What is typed and what is printed: every command has --help, names what it does not know, and messages name commands that work."""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from plateau.core import command
from plateau.core.errors import BadInputError, PlateauError
from plateau.core.system import System
from tools.deps import ROOT

MINE = System(Path("systems/mine"))
MODULES = sorted(path.stem for path in (ROOT / "stages").glob("[a-z]*.py"))


def run(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"stages.{name}", run_name="__main__", alter_sys=True)
    return int(ended.value.code or 0)


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("name", MODULES)
def test_every_command_has_help_with_an_example_and_names_an_unknown_flag(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, name, "--help") == 0
    said = capsys.readouterr().out
    assert f"usage: python -m stages.{name} [-h]" in said
    assert "example: python -m stages." in said
    assert run(monkeypatch, name, "systems/star", "--no-such-flag") == (1 if name == "gate" else 2)
    found = capsys.readouterr().err
    assert "--no-such-flag" in found
    assert found.count("\n") == 1


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("run `dvc repro`", "run `dvc repro systems/mine/dvc.yaml`"),
        ("run `dvc repro -f train`; or not", "run `dvc repro -f systems/mine/dvc.yaml:train`; or not"),
        ("`dvc repro convert`", "`dvc repro systems/mine/dvc.yaml:convert`"),
        ("`python -m stages.train --plan`", "`python -m stages.train systems/mine --plan`"),
        ("with `dvc exp run -S lr=...`", "with `cd systems/mine && dvc exp run -S lr=...`"),
        ("`dvc repro systems/mine/dvc.yaml`", "`dvc repro systems/mine/dvc.yaml`"),
        ("see `dvc exp show`", "see `dvc exp show`"),
    ],
)
def test_a_message_names_commands_of_the_system_that_it_is_about(written: str, named: str) -> None:
    assert command.for_system(written, MINE) == named
    assert command.for_system(written, System(Path())) == written
    with pytest.raises(PlateauError) as raised, command.naming(MINE):
        raise BadInputError(written)
    assert str(raised.value) == named


class Dvc:
    """A process above this one."""

    def __init__(self, folder: Path, words: str) -> None:
        self._folder, self._words = folder, words

    def cmdline(self) -> list[str]:
        return self._words.split()

    def cwd(self) -> str:
        return str(self._folder)


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ("python dvc exp run systems/mine/dvc.yaml -S lr=5e-4", "lr=5e-4"),
        ("dvc exp run --set-param lr=5e-4 systems/mine/dvc.yaml:train", "lr=5e-4"),
        ("dvc exp run -S=lr=1 systems/mine/dvc.yaml", "=lr=1"),
        ("dvc exp run -S systems/mine/params.yaml:lr=5e-4 systems/mine/dvc.yaml", None),
        ("dvc exp run -S lr=5e-4", None),
        ("dvc exp run --all-pipelines -S lr=5e-4", None),
        ("dvc exp run dvc.yaml -S lr=5e-4", None),
        ("dvc repro systems/mine/dvc.yaml", None),
    ],
)
def test_the_first_stage_stops_an_experiment_that_changed_another_systems_params(
    words: str, wrong: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DVC_STAGE", "base")
    above: Callable[[Any], list[Dvc]] = lambda _: [Dvc(tmp_path, words), Dvc(tmp_path, "bash")]  # noqa: E731
    monkeypatch.setattr(psutil.Process, "parents", above)
    command.refuse_foreign_params(System(Path()))
    if wrong is None:
        command.refuse_foreign_params(MINE)
    else:
        with pytest.raises(BadInputError, match=f"type `cd systems/mine && dvc exp run -S {wrong}`"):
            command.refuse_foreign_params(MINE)


def test_a_system_is_found_below_its_repository(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "systems" / "mine").mkdir(parents=True)
    assert command.below_repository(System(tmp_path / "systems" / "mine")) == "/systems/mine"
    assert command.below_repository(System(tmp_path)) == ""
