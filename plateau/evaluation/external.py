"""The arms external_<name>: answers from files in data/external/, of a hosted API, the system in production, or people.

They are no entries of the registry: which there are follows from the files, and a new file asks no model again.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from plateau.core.errors import BadInputError
from plateau.core.system import System
from plateau.evaluation import arms
from plateau.evaluation.arms import ARMS, COLOURS, Entry

PREFIX = "external_"
FOLDER = ("data", "external")
ENDINGS = (".jsonl", ".parquet")
_BESIDE = ("README.md",)
_DVC = ".dvc"
_COLOURS = ("#2a7f8e", "#b5562b", "#6b7a1f", "#a04a9c")


def is_external(arm: str | None) -> bool:
    """Whether a name is that of an arm whose answers come from a file."""
    return arm is not None and arm.startswith(PREFIX)


def files(system: System) -> dict[str, Path]:
    """The files of answers by the name of their arm, in order; raises BadInputError for one that cannot be such a file."""
    folder = system.path(*FOLDER)
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name in _BESIDE or path.name.startswith(".") or path.suffix == _DVC:
            continue
        if path.suffix not in ENDINGS or not path.is_file():
            raise BadInputError(f"{path}: no file of answers; they are NAME.jsonl or NAME.parquet")
        if not re.fullmatch(r"[A-Za-z0-9_-]+", path.stem):
            raise BadInputError(f"{path}: its name becomes that of an arm; take letters, digits, _ and - alone")
        arm = PREFIX + path.stem
        if arm in found:
            raise BadInputError(f"{path}: {found[arm].name} has the same name; keep one of the two, or rename one")
        found[arm] = path
    return found


def entry(arm: str, number: int = 0) -> Entry:
    """The entry of such an arm; `number` is its place among them."""
    label = f"the system '{arm.removeprefix(PREFIX)}' of {'/'.join(FOLDER)}"
    return Entry(arm, _COLOURS[number % len(_COLOURS)], len(ARMS) + 1 + number, label=label)


def name_of(answers: str, constrained: bool) -> str | None:
    """As `arms.name_of`, for these arms too."""
    return arms.name_of(answers, constrained) or (answers if is_external(answers) and not constrained else None)


def label_of(arm: str) -> str:
    """As `arms.label_of`, for these arms too."""
    return entry(arm).label if is_external(arm) else arms.label_of(arm)


def colours(names: Iterable[str]) -> dict[str, str]:
    """The colours of the registry's arms, and of those of these names that are external."""
    own = sorted(name for name in names if is_external(name))
    return {**COLOURS, **{name: entry(name, number).colour for number, name in enumerate(own)}}
