"""Whether an adapter may answer: it is what was evaluated, from the same params, and the gates said ship, or somebody says why not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plateau.core import params
from plateau.core.errors import BadInputError, GateFailedError, PlateauError
from plateau.core.figures import read
from plateau.core.system import System
from plateau.decision import freshness
from plateau.evaluation import hashes, manifest
from plateau.metrics.gates import Gates

# What a prompt or an answer is made by, by the stage that read it last; dvc.lock holds what it read.
READ = {
    "prepare": ("prepare.mapping", "prepare.privacy"),
    "temporal": ("temporal",),
    "convert": ("convert", "max_seq_length"),
    "answers": ("evaluate.max_tokens",),
}


@dataclass(frozen=True)
class Admission:
    """What the gates said of the adapter that answers, and which evaluation that was: the SHA-256 of adapters/evaluated.json."""

    manifest: str
    answer: str | None
    reason: str | None
    waived: Mapping[str, str] | None = None
    not_gated: str | None = None


def check(system: System, not_gated: str | None = None) -> Admission:
    """What may answer; raises PlateauError, in one line, unless that is what was evaluated, and GateFailedError unless it ships.

    `not_gated` takes the place of the gates' consent, and of nothing else.
    """
    manifest.check_used(system)
    for name in changed_params(system):
        raise PlateauError(
            f"{system.path('params.yaml')}: {name} is not what the adapter was evaluated with; run `{freshness.repro(system)}`, or take "
            "it back"
        )
    said, digest = _gates(system), hashes.digest(system)
    if not_gated is not None:
        if not not_gated.strip():
            raise BadInputError("--not-gated: say why, in a few words; they stand in the output's metadata")
        return _admission(digest, said, not_gated)
    if said is None:
        raise PlateauError(f"{system.metrics('gates')}: no gates were evaluated; run `{freshness.repro(system)}`")
    if said.evaluated != digest:
        raise PlateauError(
            f"{system.metrics('gates')}: of another evaluation than {hashes.manifest(system)}; run `{freshness.repro(system)}`"
        )
    if not said.ships:
        raise GateFailedError(
            f"the gates say {said.answer}: {said.reason}; give --not-gated 'why' (in Python not_gated=) to answer all the same"
        )
    return _admission(digest, said, None)


def _admission(digest: str, said: Gates | None, not_gated: str | None) -> Admission:
    if said is None:
        return Admission(digest, None, None, None, not_gated)
    return Admission(digest, said.answer, said.reason, dict(said.waived), not_gated)


def _gates(system: System) -> Gates | None:
    """What metrics/gates.json holds; None where there is none."""
    path = system.metrics("gates")
    return read(Gates, path) if path.is_file() else None


def changed_params(system: System) -> Iterator[str]:
    """Names of params that prompts or answers are made by and that are not as dvc.lock says that they were read."""
    lock = system.path("dvc.lock")
    if not lock.is_file():  # stages that were run without DVC
        return
    stages = params.read(lock.read_text(encoding="utf-8"), str(lock))["stages"]
    for stage, keys in READ.items():
        recorded = _nested(_read_by(stages.get(stage, {})))
        now = params.load(system, sorted({key.partition(".")[0] for key in keys}))
        for key in keys:
            section, _, name = key.partition(".")
            then, here = (values.get(section) for values in (recorded, now))
            if name:
                then, here = ((values or {}).get(name) for values in (then, here))
            if then != here:
                yield key


def _read_by(stage: dict[str, Any]) -> dict[str, Any]:
    """Params that a stage of dvc.lock read; the file is named from the repository's folder, as `systems/mine/params.yaml`."""
    return next((read for place, read in stage.get("params", {}).items() if Path(place).name == "params.yaml"), {})


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    """Params as dvc.lock has them, with those named by dots put into their sections."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        if name:
            found.setdefault(section, {})[name] = value
        else:
            found[section] = value
    return found
