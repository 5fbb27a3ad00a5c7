"""A system of one's own, systems/NAME, from an export: mapping, target schema, params and pipeline, and a look at three records."""

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from plateau.core import command, files, params, stage
from plateau.core.errors import BadInputError, PlateauError
from plateau.core.progress import say
from plateau.core.system import System
from plateau.data import preparation
from plateau.lm.base import fetch
from plateau.proposal import proposal, sample, trial, writing
from plateau.proposal.asking import Asker
from plateau.report import preview
from tools import params_file, pipeline, sync
from tools.deps import ROOT

EXAMPLE = "python -m stages.new tickets ~/export/tickets.csv --target priority,queue"
SHOWN = 3


def main(asked: argparse.Namespace) -> None:
    """Look at the export, propose a system, write it, track its data, and show its first records."""
    if asked.data is None:
        raise BadInputError(f"name the file or folder of your data, as in {EXAMPLE}")
    folder = _free(asked.system)
    wishes = proposal.Wishes(
        asked.id, asked.start, asked.text, asked.target, asked.split, asked.group, tuple(asked.ignore or ())
    )
    asker = Asker(quiet=asked.yes)
    found = sample.read(asked.data.expanduser())
    made = proposal.propose(found, wishes, asker)
    tried = trial.run(made, [source for source in found if source is not made.source])
    try:
        _write(folder, made, tried, found, asker.doubts)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _show(System(Path("systems") / folder.name), writing.checks(made, asker.doubts))


def _free(name: str) -> Path:
    """The folder of the new system; BadInputError where it cannot be."""
    name = name.removeprefix("systems/").rstrip("/")
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
        raise BadInputError(f"'{name}': a system's name has small letters, digits, - and _, and begins with a letter")
    if Path.cwd() != ROOT:
        raise BadInputError(f"run it in {ROOT}, the folder of dvc.yaml")
    folder = ROOT / "systems" / name
    if folder.exists():
        raise BadInputError(f"systems/{name}: it exists; take another name, or remove it first")
    return folder


def _write(
    folder: Path, made: proposal.Proposal, tried: trial.Trial, found: Sequence[sample.Source], doubts: Mapping[str, str]
) -> None:
    """All files of the system, and its data, which DVC then tracks."""
    writing.write(folder, folder.name, made, tried, doubts, params_file.dumped)
    sync.write_params(folder)
    sync.write_folders(folder)
    params.check(folder / "params.yaml")
    files.write_text(folder / "dvc.yaml", pipeline.dvc_yaml(folder))
    used = {made.source.name, made.analyses.get("source", made.source.name)}
    for source in (source for source in found if source.name in used):
        for place, path in source.files.items():
            copy = folder / "data" / "raw" / place
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
    raw = f"systems/{folder.name}/data/raw"
    line = [sys.executable, "-m", "dvc", "add", "--quiet", raw]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PlateauError(f"`dvc add {raw}` failed: {done.stderr.strip().splitlines()[-1:]}")


def _show(system: System, doubts: Sequence[str]) -> None:
    """The first records with their prompts, what should be checked, and the two commands that come next."""
    values = params.check(system.path("params.yaml"))
    fetch(values["model"], system.path("models", "base"))
    declared = preparation.options(values["prepare"])["mapping"]
    rules = preparation.rules(
        system.schema("transcript"), system.schema("target"), declared, system.path("models", "base")
    )
    for number, page in enumerate(preview.pages(system, rules, values, SHOWN), 1):
        say(f"===== {number}: {page}\n")
    fields = json.loads(rules.target)["properties"]
    say(
        f"wrote {system.root}: params.yaml, dvc.yaml, system.yaml, schemas/, README.md, data/raw; answers: {', '.join(fields)}"
    )
    for line in doubts:
        say(f"CHECK: {line}")
    say(f"next:\n  dvc repro {system.root}/dvc.yaml\n  python -m stages.gate {system.root}")


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("system", metavar="NAME", help="name of the new system, a folder below systems/")
    parser.add_argument(
        "data", nargs="?", metavar="DATA", type=Path, help="file or folder: JSON, JSON lines, CSV, TSV, Parquet, text"
    )
    parser.add_argument("--id", metavar="PATH", help="where the id stands, as keys with dots between")
    parser.add_argument(
        "--start", metavar="PATH", help="where the time stands at which a record began; none for no time"
    )
    parser.add_argument("--text", type=_listed, metavar="A,B", help="where the texts stand, or the list of turns")
    parser.add_argument("--target", type=_listed, metavar="A,B", help="what the model shall answer")
    parser.add_argument("--split", metavar="PATH", help="where a predefined split stands; none for none")
    parser.add_argument("--group", metavar="PATH", help="the customer, or what else must not stand in two splits")
    parser.add_argument("--ignore", type=_listed, metavar="A,B", help="what to pass over")
    parser.add_argument("--yes", action="store_true", help="ask nothing, take what is proposed")


if __name__ == "__main__":
    stage.guarded(lambda: main(command.parsed(declare, EXAMPLE, sys.argv[1:], system=False)))
