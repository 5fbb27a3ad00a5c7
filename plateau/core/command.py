"""The command line of a stage: `--help` with its arguments and an example, and errors of one line."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from plateau.core.errors import BadInputError
from plateau.core.system import System

Declare = Callable[[argparse.ArgumentParser], Any]


class Parser(argparse.ArgumentParser):
    """argparse's, with errors for people in place of usage and exit."""

    def error(self, message: str) -> NoReturn:
        """Raise BadInputError, which names the command that helps."""
        raise BadInputError(f"{message}; see `{self.prog} --help`")


def parser(example: str = "", system: bool = True) -> Parser:
    """The parser of the module that runs: described by its docstring, with a system's folder, the current one by default."""
    main = sys.modules["__main__"]
    name = getattr(getattr(main, "__spec__", None), "name", "stages")
    prog = f"python -m {name}"
    made = Parser(prog=prog, description=main.__doc__, epilog=f"example: {example or prog}", allow_abbrev=False)
    if system:
        made.add_argument(
            "system",
            nargs="?",
            default=".",
            metavar="SYSTEM",
            help="folder with a params.yaml, such as systems/star (.)",
        )
    return made


def parsed(declare: Declare | None, example: str, arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments of a stage: its system, and what `declare` adds."""
    made = parser(example)
    if declare:
        declare(made)
    return made.parse_args(arguments)


def system(folder: str) -> System:
    """The system in a folder; BadInputError where there is none."""
    if not Path(folder, "params.yaml").is_file():
        raise BadInputError(f"{folder}: not a system folder (no params.yaml in it); pass one, such as systems/star")
    return System(Path(folder))
