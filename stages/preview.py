"""How the first raw records are understood, or the first that are not: raw text, record, prompt, reason; nothing is written."""

import argparse
import sys
from itertools import islice

from plateau.core import command, params, stage
from plateau.core.progress import say
from plateau.core.system import System
from plateau.data import preparation
from plateau.report import preview

PARAMS = ("model", "prepare", "temporal", "convert", "max_seq_length")
EXAMPLE = "python -m stages.prepare systems/mine --preview 5 --rejects"


def main(asked: argparse.Namespace) -> None:
    """Print what is asked for of the first records; write nothing."""
    system = command.system(asked.system)
    with command.naming(system):
        show(system, params.load(system, PARAMS), asked.preview, asked.rejects)


def show(system: System, values: params.Params, count: int, rejects: bool = False) -> None:
    """Print raw text, record and prompt of the first `count` records, or of the first rejects raw text and reason."""
    declared = preparation.options(values["prepare"])["mapping"]
    rules = preparation.rules(
        system.schema("transcript"), system.schema("target"), declared, system.path("models", "base")
    )
    pages = islice(preview.rejects(system, rules), count) if rejects else preview.pages(system, rules, values, count)
    number = 0
    for number, page in enumerate(pages, 1):
        say(f"===== {number}: {page}\n")
    if rejects and not number:
        say(f"no reject among the first {preview.LOOKED_AT:,} records of each source")


def declare(parser: argparse.ArgumentParser) -> None:
    """How many records, and which."""
    parser.add_argument("--preview", type=int, nargs="?", const=5, default=5, metavar="N", help="how many records (5)")
    parser.add_argument(
        "--rejects", action="store_true", help="those alone that prepare would set aside, with the reasons"
    )


if __name__ == "__main__":
    stage.guarded(lambda: main(command.parsed(declare, EXAMPLE, sys.argv[1:])))
