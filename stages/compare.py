"""Experiments of a system side by side, in the terminal and in its reports/comparison.html; which differ, and which to take."""

import argparse
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.parquet as pq
import yaml

from plateau.core import command, files, stage, timings
from plateau.core.errors import BadInputError
from plateau.core.figures import from_json, read
from plateau.core.params import load, parse
from plateau.core.progress import say
from plateau.core.system import System
from plateau.core.version import SCHEMA_VERSION
from plateau.data import fields
from plateau.decision import looks
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.evaluations import Point
from plateau.metrics.gates import Gates
from plateau.metrics.selection import Selection
from plateau.metrics.train import Train
from plateau.report import comparison, page

T = TypeVar("T")


def main(given: list[str]) -> None:
    """Print the comparison and write it to reports/comparison.html and reports/comparison.md of the system."""
    system, names = named(given)
    with command.naming(system):
        compared = comparison.page(found(system, names))
    files.write_text(system.path("reports", "comparison.html"), page.write_html(compared))
    text = page.write_markdown(compared)
    files.write_text(system.path("reports", "comparison.md"), text)
    for line in (text, *_looks(system)):
        say(line)


def _looks(system: System) -> Iterator[str]:
    """How often the test split of the workspace has been asked; nothing where it has none."""
    if system.metrics("evaluate").is_file():
        asked = load(system, ("gates.max_looks", "evaluate.confidence"))
        evaluate = read(Evaluate, system.metrics("evaluate"))
        yield from looks.lines(system, evaluate, asked["gates"]["max_looks"], asked["evaluate"]["confidence"])


def named(given: list[str]) -> tuple[System, list[str]]:
    """The system, where the first word is one's folder, the current one by default; and the experiments."""
    if given and Path(given[0], "params.yaml").is_file():
        return System(Path(given[0])), given[1:]
    if given and Path(given[0]).is_dir():
        return command.system(given[0]), given[1:]  # which says what is missing
    return System(Path()), given


def found(system: System, names: list[str]) -> comparison.Comparison:
    """Read the runs, each an experiment, a commit or the workspace, and compare them."""
    runs = [_run(system, name) for name in names or _known()]
    try:
        compared = comparison.compare(runs, fields.fields(fields.load_schema(system.schema("target"))))
    except (KeyError, TypeError, ValueError) as error:
        if others := [run.name for run in runs if _version(run) != SCHEMA_VERSION]:
            raise BadInputError(
                f"{', '.join(others)}: of another version of Plateau, whose files this one cannot compare ({error}); "
                "run it again with this code, or compare with the code of that commit"
            ) from None
        raise
    if not compared.knobs and system.root.name:
        say(
            f"warning: no param differs. `dvc exp run {system.path('dvc.yaml').as_posix()} -S ...` changes the params.yaml of the folder that "
            f"it is typed in; type `cd {system.root.as_posix()} && dvc exp run -S lr=5e-4`"
        )
    return compared


def _version(run: comparison.Run) -> object:
    """The schema_version in a run's params; None for a run of a version that had no such key."""
    return run.params.get("schema_version")


def _known() -> list[str]:
    """The names of the workspace and of those experiments of HEAD that have results."""
    from dvc.api import exp_show

    rows = [row for row in exp_show() if row.get("Experiment")]
    return ["workspace", *(row["Experiment"] for row in rows if row.get("State") in (None, "Success"))]


def _run(system: System, name: str) -> comparison.Run:
    """Params, metrics, timings where they are kept, and predictions of a run."""
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc.scm import SCMError

    def content(path: str) -> Any:
        return tree.read_bytes(f"{below}/{path}")

    def metrics(cls: type[T], file: str) -> T:
        return from_json(cls, json.loads(content(f"metrics/{file}.json")), f"{name}: metrics/{file}.json")

    try:
        below = command.below_repository(system)
        tree = DVCFileSystem(rev=None if name == "workspace" else name)
        points, chosen = metrics(list[Point], "evaluations"), metrics(Selection, "selection").iteration
        return comparison.Run(
            name,
            parse(content("params.yaml").decode()),
            train=metrics(Train, "train"),
            evaluate=metrics(Evaluate, "evaluate"),
            evaluations=points,
            gates=metrics(Gates, "gates"),
            speed=timings.kept(next((str(point.sha256) for point in points if point.iteration == chosen), "")),
            table=pq.read_table(io.BytesIO(content("data/predictions.parquet"))),
        )
    except (DvcException, SCMError, OSError, yaml.YAMLError, json.JSONDecodeError) as error:
        raise BadInputError(f"{name}: cannot read its results: {error}; see `dvc exp show`") from None


def declare(parser: argparse.ArgumentParser) -> None:
    """What is compared."""
    parser.add_argument(
        "names",
        nargs="*",
        metavar="[SYSTEM] NAME",
        help="the system's folder (.), then experiments, commits or `workspace` (workspace and those of `dvc exp show`)",
    )


if __name__ == "__main__":
    example = "python -m stages.compare systems/mine HEAD bold-hare"
    stage.guarded(lambda: main(command.parsed(declare, example, sys.argv[1:], system=False).names))
