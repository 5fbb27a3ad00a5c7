"""Check that an adapter may answer: it is the one that was evaluated, with the same params, and the gates said ship or a person gave a reason to go on."""

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

# The params that prompts and answers depend on, by the last stage that reads them; dvc.lock holds the values that the stage read.
READ = {
    "prepare": ("prepare.mapping", "prepare.privacy"),
    "temporal": ("temporal",),
    "convert": ("convert", "max_seq_length"),
    "answers": ("evaluate.max_tokens",),
}


@dataclass(frozen=True)
class Admission:
    """The answer of the gates on this adapter, and the SHA-256 of adapters/evaluated.json, which identifies the evaluation."""

    manifest: str
    answer: str | None
    reason: str | None
    waived: Mapping[str, str] | None = None
    not_gated: str | None = None


def check(system: System, not_gated: str | None = None) -> Admission:
    """Admit the system's adapter. Raises PlateauError if it is not the one that was evaluated, GateFailedError if the gates did not say ship.

    A reason in `not_gated` overrides the gates, but no other check.
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
    """The content of metrics/gates.json; None where the file is missing."""
    path = system.metrics("gates")
    return read(Gates, path) if path.is_file() else None


def changed_params(system: System) -> Iterator[str]:
    """Names of the params that prompts or answers depend on and whose values differ from those in dvc.lock."""
    lock = system.path("dvc.lock")
    if not lock.is_file():  # no dvc.lock: the stages were run without DVC
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
    """Params of dvc.lock as nested sections: a dotted name such as `split.seed` becomes a key within `split`."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        if name:
            found.setdefault(section, {})[name] = value
        else:
            found[section] = value
    return found
