"""adapters/evaluated.json: the SHA-256 of every file that the figures of an evaluation rest on.

It is not in adapters/best/, because that folder is an output of select and DVC lets no other stage write there. The gate, the report and the model card check the files against it.
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
EXTERNAL = "external"  # one more, of answers that no model here gave


def check_predictions(system: System) -> None:
    """Raise BadInputError where a file that the predictions were made from has changed since."""
    for part in (*PARTS, EXTERNAL):
        place = system.path("data", f"{part}.parquet")
        now = hashes.tested(system) if part == EXTERNAL else hashes.asked(system, part)
        for name in hashes.changed(rows.made_from(place), now):
            raise BadInputError(f"{place}: made from another {name} than the one that is here; run `dvc repro`")


def current(system: System) -> dict[str, hashes.Hashes]:
    """The content of the manifest for the files as they are now."""
    evaluated = [system.path("data", "predictions.parquet"), system.metrics("evaluate")]
    return {
        **used(system),
        "test": hashes.tested(system),
        "predictions": hashes.hashes_of(system, evaluated),
    }


def write(system: System) -> None:
    """Write the manifest, once predictions and figures are written."""
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
    """Raise PlateauError, in one line, where a file that was evaluated is missing or has changed."""
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
