"""Whether an adapter may answer: it is what was evaluated, from the same params, and the gates said ship, or somebody says why not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from plateau.core import files, params
from plateau.core.errors import BadInputError, GateFailedError, PlateauError
from plateau.core.system import System
from plateau.decision import freshness
from plateau.evaluation import hashes, manifest

SHIPS = ("ship", "ship_with_waivers")
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
    waivers: Any = None
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
        return Admission(digest, said.get("answer"), said.get("reason"), said.get("waivers"), not_gated)
    if not said:
        raise PlateauError(f"{system.metrics('gates')}: no gates were evaluated; run `{freshness.repro(system)}`")
    if said["evaluated"] != digest:
        raise PlateauError(
            f"{system.metrics('gates')}: of another evaluation than {hashes.manifest(system)}; run `{freshness.repro(system)}`"
        )
    if said["answer"] not in SHIPS:
        raise GateFailedError(
            f"the gates say {said['answer']}: {said['reason']}; give --not-gated 'why' (in Python not_gated=) to answer all the same"
        )
    return Admission(digest, said["answer"], said["reason"], said.get("waivers"))


def _gates(system: System) -> dict[str, Any]:
    """What metrics/gates.json holds; nothing where there is none."""
    path = system.metrics("gates")
    return dict(files.read_json(path)) if path.is_file() else {}


def changed_params(system: System) -> Iterator[str]:
    """Names of params that prompts or answers are made by and that are not as dvc.lock says that they were read."""
    lock = system.path("dvc.lock")
    if not lock.is_file():  # stages that were run without DVC
        return
    stages = params.read(lock.read_text(encoding="utf-8"), str(lock))["stages"]
    for stage, keys in READ.items():
        read = _nested(stages.get(stage, {}).get("params", {}).get("params.yaml", {}))
        now = params.load(system, sorted({key.partition(".")[0] for key in keys}))
        for key in keys:
            section, _, name = key.partition(".")
            then, here = (values.get(section) for values in (read, now))
            if name:
                then, here = ((values or {}).get(name) for values in (then, here))
            if then != here:
                yield key


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
