"""How the first raw records are understood: `python -m stages.prepare [SYSTEM_DIR] --preview 5`."""

import sys
from functools import partial

from plateau.core import params, stage
from plateau.core.progress import say
from plateau.core.system import System
from plateau.data import preparation
from plateau.report import preview

PARAMS = ("prepare", "temporal", "convert", "max_seq_length")
OPTION = "--preview"


def show(count: int, system: System, values: params.Params) -> None:
    """Print raw text, record and prompt of the first `count` records; write nothing."""
    declared = preparation.options(values["prepare"])["mapping"]
    rules = preparation.rules(
        system.schema("transcript"), system.schema("target"), declared, system.path("models", "base")
    )
    for number, page in enumerate(preview.pages(system, rules, values, count), 1):
        say(f"===== {number}: {page}\n")


def asked() -> int:
    """How many records the command line asks for, 5 where it names no number; takes the option off the command line."""
    place = sys.argv.index(OPTION)
    given = [text for text in sys.argv[place + 1 : place + 2] if text.isdecimal()]
    del sys.argv[place : place + 1 + len(given)]
    return int(given[0]) if given else 5


if __name__ == "__main__":
    stage.run(partial(show, asked()), PARAMS)
