"""Experiments side by side: `python -m stages.compare [EXPERIMENT ...]`; all those of HEAD and the workspace by default."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from plateau import comparison, fields, files, report
from plateau.errors import BadInputError, PlateauError
from plateau.params import parse
from plateau.progress import say
from plateau.system import System


def main(names: list[str]) -> None:
    """Print the comparison and write it to reports/comparison.md."""
    system = System(Path())
    runs = [_run(name) for name in names or _known()]
    compared = comparison.compare(runs, fields.fields(fields.load_schema(system.schema("target"))))
    text = report.render("comparison.md.j2", vars(compared))
    files.write_text(system.path("reports", "comparison.md"), text)
    say(text)


def _known() -> list[str]:
    """The workspace and the experiments that were run from HEAD."""
    from dvc.repo import Repo

    with Repo() as repo:
        return ["workspace", *(name for group in repo.experiments.ls().values() for name, _ in group)]


def _run(name: str) -> comparison.Run:
    """Params, metrics and predictions of an experiment, a commit or the workspace."""
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc.scm import SCMError

    def read(path: str) -> Any:
        return tree.read_bytes(f"/{path}")

    try:
        tree = DVCFileSystem(rev=None if name == "workspace" else name)
        metrics = {key: json.loads(read(f"metrics/{key}.json")) for key in ("train", "evaluate")}
        params = parse(read("params.yaml").decode())
        return comparison.Run(name, params, metrics, pq.read_table(io.BytesIO(read("data/predictions.parquet"))))
    except (DvcException, SCMError, OSError) as error:
        raise BadInputError(f"{name}: cannot read its results: {error}; see `dvc exp show`") from None


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except PlateauError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_status)
