"""Raw data below a system's own folder, tracked with DVC: added, run, queued, checked out, pushed, pulled, cloned."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PIPELINE = """\
stages:
  prepare:
    cmd: python -c "import pathlib; p = pathlib.Path('data'); (p / 'prepared.txt').write_text((p / 'raw' / 'a.txt').read_text() * 2)"
    deps: [data/raw]
    params: [n]
    outs: [data/prepared.txt]
"""
HERE = ("systems/mine/dvc.yaml", "systems/mine/data/raw.dvc")


def run(folder: Path, *command: str) -> str:
    """What a command prints; an error with all that it says where it fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path} | {
        f"GIT_{who}_{what}": "x" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def dvc(folder: Path, *arguments: str) -> str:
    return run(folder, sys.executable, "-m", "dvc", *arguments)


def commit(folder: Path) -> None:
    run(folder, "git", "add", "-A")
    run(folder, "git", "commit", "-qm", "x", "--allow-empty")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with our .gitignore and .dvcignore, a system of one stage, and raw data that DVC tracks."""
    folder = tmp_path_factory.mktemp("own") / "repository"
    raw = folder / "systems" / "mine" / "data" / "raw"
    raw.mkdir(parents=True)
    for name in (".gitignore", ".dvcignore"):
        shutil.copyfile(ROOT / name, folder / name)
    run(folder, "git", "init", "-q")
    dvc(folder, "init", "-q")
    dvc(folder, "config", "core.analytics", "false")
    dvc(folder, "config", "core.autostage", "true")
    dvc(folder, "remote", "add", "-d", "kept", str(folder.parent / "kept"))
    (raw / "a.txt").write_text("hello\n")
    (folder / "systems" / "mine" / "params.yaml").write_text("n: 1\n")
    (folder / "systems" / "mine" / "dvc.yaml").write_text(PIPELINE)
    commit(folder)
    dvc(folder, "add", "systems/mine/data/raw")
    commit(folder)
    dvc(folder, "exp", "run", HERE[0])
    commit(folder)
    return folder


def data(folder: Path) -> dict[str, str]:
    place = folder / "systems" / "mine" / "data"
    return {path.relative_to(place).as_posix(): path.read_text() for path in place.rglob("*.txt")}


WHOLE = {"raw/a.txt": "hello\n", "prepared.txt": "hello\nhello\n"}


@pytest.mark.slow
def test_what_dvc_tracks_in_a_system_is_in_git_and_the_data_is_not(repository: Path) -> None:
    known = run(repository, "git", "ls-files", "systems/mine").split()
    assert "systems/mine/data/raw.dvc" in known
    assert not [name for name in known if name.endswith(".txt")]
    assert data(repository) == WHOLE


@pytest.mark.slow
def test_a_temporary_and_a_queued_experiment_find_the_data(repository: Path) -> None:
    dvc(repository, "exp", "run", "--temp", "-S", "systems/mine/params.yaml:n=2", HERE[0])
    dvc(repository, "exp", "run", "--queue", "-S", "systems/mine/params.yaml:n=3", HERE[0])
    dvc(repository, "queue", "start")
    deadline = time.monotonic() + 180
    while "Success" not in (said := dvc(repository, "queue", "status")):
        assert "Failed" not in said, said
        assert time.monotonic() < deadline, said
        time.sleep(1)


@pytest.mark.slow
def test_a_checkout_brings_raw_data_back_and_removes_none(repository: Path) -> None:
    dvc(repository, "checkout", *HERE)
    assert data(repository) == WHOLE
    shutil.rmtree(repository / "systems" / "mine" / "data" / "raw")
    dvc(repository, "checkout", *HERE)
    assert data(repository) == WHOLE


@pytest.mark.slow
def test_a_clone_pulls_what_was_pushed(repository: Path, tmp_path: Path) -> None:
    dvc(repository, "push", *HERE)
    run(tmp_path, "git", "clone", "-q", str(repository), "clone")
    dvc(tmp_path / "clone", "pull", *HERE)
    assert data(tmp_path / "clone") == WHOLE
