"""Raw files to a store of examined batches: which source is what, and how much is held at once."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from plateau.core.errors import BadInputError
from plateau.core.progress import track
from plateau.core.system import System
from plateau.data import gathering, mapping, readers, records, sources, specials
from plateau.data.contracts import Contract
from plateau.data.engine import Engine
from plateau.data.joining import Store
from plateau.data.readers import Raw
from plateau.data.records import KINDS, Rules
from plateau.data.strict_json import strings

_UNPACKED = 10
_DEFAULTS: dict[str, Any] = {
    "mapping": None,
    "engine": "local",
    "scheduler": None,
    "workers": None,
    "memory_mb": 512,
    "privacy": {},
}


def options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The section prepare of params.yaml with the defaults of what it leaves out."""
    return {**_DEFAULTS, **given}


def rules(transcript: Path, target: Path, declared: Any, model: Path | None = None) -> Rules:
    """What records are held to; BadInputError for a schema or a mapping that is none, and for a label that no `model` can write."""
    mapping.check(declared)
    schemas = [Contract.load(path).schema for path in (transcript, target)]
    known = specials.of_model(model) if model is not None and model.is_dir() else None
    for label in _labels(schemas[1]):
        if token := specials.first_in(label, known):
            raise BadInputError(
                f"{target}: '{label}' holds {token}, a special token of the model, which no answer can hold; rename it in schema and data"
            )
    return Rules(json.dumps(schemas[0]), json.dumps(schemas[1]), json.dumps(declared), known)


def _labels(schema: Any) -> Iterator[str]:
    """The texts that a schema lists as values, and the names of its properties."""
    if isinstance(schema, list):
        for inner in schema:
            yield from _labels(inner)
    elif isinstance(schema, dict):
        listed = schema["enum"] if isinstance(schema.get("enum"), list) else []
        yield from strings([*listed, schema.get("const")])
        yield from schema["properties"] if isinstance(schema.get("properties"), dict) else ()
        for inner in schema.values():
            yield from _labels(inner)


def passes(declared: Any) -> list[tuple[str, tuple[str, ...]]]:
    """Which source is read for which kinds: one pass for both where one record holds both."""
    names = {kind: mapping.source(declared, kind) for kind in KINDS}
    if names["transcripts"] == names["analyses"]:
        return [(names["transcripts"], KINDS)]
    return [(names[kind], (kind,)) for kind in KINDS]


def buckets(system: System, declared: Any, memory: int) -> int:
    """How many buckets keep the keys of one within `memory` bytes, judged by the size of the raw files."""
    found = {path for name, _ in passes(declared) for path in sources.files(system.path("data", "raw"), name)}
    return buckets_of(found, memory)


def buckets_of(found: Iterable[Path], memory: int) -> int:
    """The same for the records of some files."""
    sizes = (
        path.stat().st_size * (_UNPACKED if path.suffix in sources.ARCHIVES else 1) for path in found if path.exists()
    )
    return max(1, min(256, -(-sum(sizes) // memory)))


def examine(store: Store, system: System, rules: Rules, engine: Engine) -> None:
    """Send every item through `records.examine`, and store what becomes of it."""
    declared = json.loads(rules.mapping)
    for name, kinds in passes(declared):
        items = gathered(raws(system, declared, kinds[0]), declared, kinds[0], store.folder, store.buckets)
        task = partial(records.examine, rules, kinds, store.buckets)
        for examined in engine.map(task, records.batches(track(items, name))):
            store.add(examined)


def raws(system: System, declared: Any, kind: str) -> Iterator[Raw]:
    """What the files of one kind hold."""
    encoding = (declared or {}).get(kind, {}).get("encoding", "utf-8")
    return readers.read(system.path("data", "raw"), mapping.source(declared, kind), system.root, encoding)


def gathered(found: Iterator[Raw], declared: Any, kind: str, folder: Path, buckets: int) -> Iterator[Raw]:
    """The same, or one item a conversation where each row is a turn."""
    if kind == "transcripts" and mapping.by_turn(declared):
        return gathering.by_id(found, declared["transcripts"]["id"], folder, buckets)
    return found
