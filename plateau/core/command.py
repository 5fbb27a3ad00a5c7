"""The command line of a stage: `--help` with its arguments and an example, and errors of one line."""

import argparse
import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import psutil

from plateau.core.errors import BadInputError, PlateauError
from plateau.core.system import System

Declare = Callable[[argparse.ArgumentParser], Any]


class Parser(argparse.ArgumentParser):
    """argparse's, with errors for people in place of usage and exit."""

    def error(self, message: str) -> NoReturn:
        """Raise BadInputError, which names the command that helps."""
        raise BadInputError(f"{message}; see `{self.prog} --help`")


def parser(example: str, system: bool) -> Parser:
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


def parsed(declare: Declare | None, example: str, arguments: Sequence[str], system: bool = True) -> argparse.Namespace:
    """The arguments of a stage: its system, where there is that one argument, and what `declare` adds."""
    made = parser(example, system)
    if declare:
        declare(made)
    return made.parse_args(arguments)


def system(folder: str) -> System:
    """The system in a folder; BadInputError where there is none."""
    if not Path(folder, "params.yaml").is_file():
        raise BadInputError(f"{folder}: not a system folder (no params.yaml in it); pass one, such as systems/star")
    return System(Path(folder))


_COMMAND = re.compile(
    r"`(?P<dvc>dvc repro(?: -f)?)(?: (?P<stage>\w+))?`|`(?P<python>python -m stages\.\w+)(?P<flags>(?: --\w+)*)`|`(?P<exp>dvc exp run [^`]*)`"
)


@contextmanager
def naming(system: System) -> Iterator[None]:
    """Inside the block, commands in the messages of errors are those of the system, as one types them in the repository's folder."""
    try:
        yield
    except PlateauError as error:
        error.args = (for_system(str(error), system),)
        raise


def for_system(text: str, system: System) -> str:
    """A text whose commands, in backticks and written for the repository's own system, work for this one."""
    folder = below_repository(system).removeprefix("/")
    if not folder:
        return text

    def named(found: re.Match[str]) -> str:
        if found["dvc"]:
            stage = f":{found['stage']}" if found["stage"] else ""
            return f"`{found['dvc']} {folder}/dvc.yaml{stage}`"
        if found["python"]:
            return f"`{found['python']} {folder}{found['flags']}`"
        return f"`cd {folder} && {found['exp']}`"

    return _COMMAND.sub(named, text)


def below_repository(system: System) -> str:
    """The path of a system below the folder that git or DVC knows, "/systems/mine"; "" for the repository's own."""
    real = system.root.resolve()
    top = next((folder for folder in (real, *real.parents) if (folder / ".dvc").is_dir()), real)
    inner = real.relative_to(top).as_posix()
    return "" if inner == "." else f"/{inner}"


def refuse_foreign_params(system: System) -> None:
    """Raise BadInputError where this stage of a system runs in a `dvc exp run` that changed the params.yaml of another."""
    if not system.root.name or "DVC_STAGE" not in os.environ:
        return
    for process in psutil.Process().parents():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if {"exp", "run"} <= set(words) and (changed := _own_params(words)) and _named_elsewhere(process, words):
                raise BadInputError(
                    f"-S {changed} changed the params.yaml of {process.cwd()}, not that of {system.root.as_posix()}; take it back with "
                    f"`git checkout params.yaml`, and type `cd {system.root.as_posix()} && dvc exp run -S {changed}`"
                )


def _own_params(words: Sequence[str]) -> str | None:
    """The first override of a `dvc exp run` that names no file, and so means the params.yaml where it was typed."""
    pairs = zip(words, [*words[1:], ""], strict=True)
    given = [after for word, after in pairs if word in ("-S", "--set-param")]
    given += [word.partition("=")[2] for word in words if word.startswith("--set-param=")]
    given += [word[2:] for word in words if word.startswith("-S") and len(word) > 2]
    return next((text for text in given if ":" not in text.partition("=")[0]), None)


def _named_elsewhere(process: psutil.Process, words: Sequence[str]) -> bool:
    """Whether a dvc.yaml of another folder than that in which dvc was typed is among its words."""
    here = Path(process.cwd())
    return any(word.split(":")[0].endswith("dvc.yaml") and Path(here, word).parent != here for word in words)
