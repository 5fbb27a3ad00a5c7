"""SHA-256 of the files that models, predictions and figures are made from, so that a later stage sees when one of them has changed."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from plateau.core import files
from plateau.core.errors import BadInputError
from plateau.core.system import System

Hashes = dict[str, str]
BASE, ADAPTER = ("models", "base"), ("adapters", "best")
PROVENANCE = "provenance.json"


def manifest(system: System) -> Path:
    """The path of the manifest."""
    return system.path("adapters", "evaluated.json")


def digest(system: System) -> str:
    """The manifest's own SHA-256, which metrics/gates.json records; raises BadInputError when there is no manifest."""
    if not manifest(system).is_file():
        raise BadInputError(f"{manifest(system)}: no such file; run `dvc repro` to make it")
    return files.sha256(manifest(system))


def tested(system: System) -> Hashes:
    """Hashes of the test rows, as they are split, written as chats and tokenised, and of the target's schema."""
    data = (system.split("test"), system.path("data", "mlx", "test.jsonl"), system.tokens("test"))
    return {**hashes_of(system, data), **target(system)}


def target(system: System) -> Hashes:
    """The hash of the target's schema."""
    return {"target.schema.json": files.sha256(system.schema("target"))}


def folder(system: System, *parts: str) -> Hashes:
    """Hashes of the files in a folder of the system."""
    return hashes_of(system, sorted(file for file in system.path(*parts).rglob("*") if file.is_file()))


def asked(system: System, part: str) -> Hashes:
    """Hashes of what the predictions of a part depend on; they are stored in the file of predictions."""
    base = folder(system, *BASE) if part != "baselines" else {}
    adapter = folder(system, *ADAPTER) if part == "answers" else {}
    return {**tested(system), **base, **adapter}


def made_from(system: System, adapter: Path) -> dict[str, Hashes]:
    """The content of adapters/best/provenance.json: hashes of the base model that an adapter belongs to, and of the adapter's own files."""
    own = {file.name: files.sha256(file) for file in sorted(adapter.iterdir()) if file.name != PROVENANCE}
    return {"base": folder(system, *BASE), "adapter": own}


def check_adapter(system: System) -> None:
    """Raise BadInputError where a file of the base or the adapter, such as a config or weights, was edited since the adapter was chosen."""
    adapter = system.path(*ADAPTER)
    recorded, now = files.read_json(adapter / PROVENANCE), made_from(system, adapter)
    for part, place in (("base", system.path()), ("adapter", adapter)):
        for name in changed(held(recorded, part), now[part]):
            raise BadInputError(f"{place / name}: not as it was when the checkpoint was chosen; run `dvc repro`")


def hashes_of(system: System, found: Iterable[Path]) -> Hashes:
    """Hashes of files by their paths below the system."""
    return {file.relative_to(system.root).as_posix(): files.sha256(file) for file in found}


def held(recorded: Any, part: str) -> Hashes:
    """The hashes of a part of a record; none where a person has edited that away."""
    found = recorded.get(part) if isinstance(recorded, dict) else None
    return found if isinstance(found, dict) else {}


def changed(before: Hashes, now: Hashes) -> list[str]:
    """Names whose hash differs, or that only one side has."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
