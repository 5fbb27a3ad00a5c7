"""adapters/evaluated.json: the SHA-256 of everything that the figures of an evaluation are of.

It does not stand in adapters/best/, which is an out of select: DVC lets no other stage write there. What rests on the figures (the
gate, the report, the model card) compares with it, and with nothing else.
"""

from collections.abc import Callable
from pathlib import Path

from plateau.core import files
from plateau.core.errors import BadInputError, PlateauError
from plateau.core.system import System
from plateau.evaluation import hashes, rows, scoring, stats
from plateau.evaluation.kinds import registry
from plateau.prompts import chat, examples, template

# The code of prompts, and that of scores.
CODE = (
    *(Path(str(module.__file__)) for module in (chat, examples, template, scoring, stats)),
    *sorted(Path(str(registry.__file__)).parent.glob("*.py")),
)
PARTS = ("baselines", "opponents", "answers")  # files of predictions in data/


def check_predictions(system: System) -> None:
    """Raise BadInputError unless all that the predictions were made from is as it was."""
    for part in PARTS:
        place = system.path("data", f"{part}.parquet")
        for name in hashes.changed(rows.made_from(place), hashes.asked(system, part)):
            raise BadInputError(f"{place}: made from another {name} than the one that is here; run `dvc repro`")


def current(system: System) -> dict[str, hashes.Hashes]:
    """What the manifest holds, of the files as they are."""
    evaluated = [system.path("data", "predictions.parquet"), system.metrics("evaluate")]
    return {
        **used(system),
        "test": hashes.tested(system),
        "predictions": hashes.hashes_of(system, evaluated),
    }


def write(system: System) -> None:
    """Write the manifest of an evaluation whose predictions and figures are written."""
    files.write_json(hashes.manifest(system), current(system))


def used(system: System) -> dict[str, hashes.Hashes]:
    """The part of `current` that answers to new records are made by."""
    return {
        "base": hashes.folder(system, *hashes.BASE),
        "adapter": hashes.folder(system, *hashes.ADAPTER),
        "target": hashes.target(system),
        "code": {f"{file.parent.name}/{file.name}": files.sha256(file) for file in CODE},
    }


def check_used(system: System) -> None:
    """Raise PlateauError, in one line, unless what answers new records is what was evaluated; test rows need not be here."""
    _compare(system, used)


def check(system: System) -> None:
    """Raise PlateauError, in one line, unless all that was evaluated is here and as it was."""
    _compare(system, current)


def _compare(system: System, read: Callable[[System], dict[str, hashes.Hashes]]) -> None:
    try:
        recorded, now = files.read_json(hashes.manifest(system)), read(system)
    except (BadInputError, OSError) as error:
        missing = getattr(error, "filename", None)
        raise PlateauError(f"{missing}: missing; run `dvc repro`" if missing else str(error)) from None
    for part, found in now.items():
        for name in hashes.changed(hashes.held(recorded, part), found):
            raise PlateauError(f"{name}: not what was evaluated ({hashes.manifest(system)} says so); run `dvc repro`")
