"""Answers for new records by the adapter that was evaluated, to JSON lines, CSV or Parquet; goes on where it was stopped."""

import argparse
import sys
from pathlib import Path

from plateau.core import command, params, stage

EXAMPLE = "python -m stages.predict systems/mine new.csv --out answers.parquet"


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments beside the system."""
    parser.add_argument(
        "input", type=Path, metavar="INPUT", help="file, or folder of files, in the form of the system's raw data"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="ends with .jsonl, .csv or .parquet (INPUT's name, .predictions.jsonl)"
    )
    parser.add_argument(
        "--shard", default="1/1", metavar="K/N", help="answer part K of N only; each to an --out of its own"
    )
    parser.add_argument(
        "--not-gated", metavar="WHY", help="answer though the gates did not say ship; WHY stands in the metadata"
    )
    parser.add_argument(
        "--unconstrained", action="store_true", help="let the model write what the target's schema does not allow"
    )


def main(asked: argparse.Namespace) -> None:
    """Write the answers, and FILE.meta.json with what they were made by."""
    from plateau.predict import admission, items, run  # mlx, which --help does not need
    from plateau.predict.predictor import PARAMS

    system, part = command.system(asked.system), items.shard(asked.shard)
    items.paths(asked.input)
    with command.naming(system):
        values = params.load(system, PARAMS)
        admitted = admission.check(system, asked.not_gated)
        out = asked.out or default_out(asked.input, part)
        run.predict(system, values, admitted, asked.input, out, part, not asked.unconstrained)


def default_out(given: Path, part: tuple[int, int]) -> Path:
    """Where answers go that no --out names: beside the input."""
    name = given.resolve().name.partition(".")[0]
    shard = "" if part == (1, 1) else f".{part[0]}-of-{part[1]}"
    return given.resolve().parent / f"{name}.predictions{shard}.jsonl"


if __name__ == "__main__":
    stage.guarded(lambda: main(command.parsed(declare, EXAMPLE, sys.argv[1:])))
