"""The commands of README and docs are run, in the order in which they stand, in a clone of this repository made small."""

import re
import shlex
import time
from pathlib import Path

import pytest

from tests import tiny
from tests.test_docs import PAGES
from tests.test_pipeline import SMALL, clone, commit, furniture_shop, run

# What is not run, and why not.
ELSEWHERE = {
    "make repro": "installs an environment; what it then runs is run here",
    "make gate": "the same; the stage gate is tested in test_report.py",
    "make lint": "the checks of this repository, of which this is one",
    "make test": "this",
    "make soak": "takes many minutes",
    "make bench": "takes minutes and measures",
    "python -m stages.predict": "needs an adapter that the gates let ship; test_pipeline.py answers records with one that they do not",
    "cd ": "what follows is run in the repository's folder; test_pipeline.py runs it in that of a system",
    "python -m stages.compare systems/mine": "needs experiments of that system; test_pipeline.py makes some",
    "sbatch ": "runs on a cluster of one's own",
    "make new": "installs what is locked first; test_proposal.py runs what it writes",
    "make sync": "installs what is locked first; test_sync.py holds what it writes",
    "mlx_lm.convert": "needs a model of the hub",
    "dvc exp run -S model=models/mistral": "needs that model",
    "dask ": "runs until it is stopped, on machines of one's own; test_engine.py runs a cluster",
    "dvc exp run -S prepare.engine=dask": "needs that cluster",
}
TIMES = {"iters": 8, "eval_every": 4, "synthesize.conversations": 1500}


def commands(page: Path) -> list[str]:
    """What a reader would type, from the bash and console blocks of a page."""
    found = []
    for kind, block in re.findall(
        r"^ *```(bash|console)\n(.*?)^ *```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    ):
        lines = block.replace("\\\n", " ").splitlines()
        typed = lines if kind == "bash" else [line[2:] for line in lines if line.startswith("$ ")]
        found += [part.strip() for line in typed for part in line.split("#")[0].split(";") if part.strip()]
    return found


def elsewhere(command: str) -> bool:
    return any(command.startswith(start) for start in ELSEWHERE)


def test_every_reason_not_to_run_a_command_is_of_one_that_stands_in_the_docs_or_is_a_make_target() -> None:
    every = [command for page in PAGES for command in commands(page)]
    unused = [start for start in ELSEWHERE if not any(command.startswith(start) for command in every)]
    assert [start for start in unused if not start.startswith("make")] == []


def wait(folder: Path) -> None:
    """Wait until no experiment is queued or running."""
    while re.search(r"Queued|Running", run(folder, "dvc", "queue", "status")):
        time.sleep(1)


def apply(folder: Path, *command: str) -> None:
    """Take an experiment over. DVC ends with an error about a system that never ran here, after all else is applied."""
    output = run(folder, *command, status=None)
    failed = output.partition("following targets:\n")[2].splitlines()
    assert [line for line in failed if "/" in line and not line.startswith(("systems/", "<https://"))] == [], output
    assert run(folder, "dvc", "params", "diff") != ""


@pytest.mark.slow
def test_every_command_in_the_docs_runs(tmp_path: Path) -> None:
    folder, remote = clone(tmp_path / "clone"), tmp_path / "remote"
    tiny.write_params(folder, {**SMALL, **TIMES})
    run(folder, "git", "config", "user.name", "test")
    run(folder, "git", "config", "user.email", "test@example.org")
    run(folder, "dvc", "repro")
    commit(folder, "small")
    done = []
    for command in dict.fromkeys(command for page in PAGES for command in commands(page) if not elsewhere(command)):
        names = run(folder, "dvc", "exp", "list", "--name-only").split()
        typed = command.replace("s3://bucket/plateau", str(remote)).replace("NAME", names[0] if names else "NAME")
        if command.startswith(("dvc exp run", "dvc exp apply")):
            run(folder, "git", "checkout", "--force", "--quiet", ".")
        if "systems/mine" in command and not (folder / "systems" / "mine").exists():
            furniture_shop(folder, "mine")
        if command.startswith("dvc exp apply"):
            apply(folder, *shlex.split(typed))
        else:
            run(folder, *shlex.split(typed))
        if command.startswith("dvc queue start"):
            wait(folder)
        if command.startswith("python -m tools.tables sweep-"):
            assert "| sweep | sweep-" in (folder / "docs" / "experiments.md").read_text(encoding="utf-8")
        done.append(command)
    assert len(done) > 25
    assert remote.is_dir()
    assert (folder / "dvc_plots" / "index.html").is_file()
    assert (folder / "reports" / "comparison.html").is_file()
