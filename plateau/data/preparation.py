"""Read raw files into a store of examined batches; decide which source holds what, and how much is in memory at once."""

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
    """The section prepare of params.yaml, with the defaults of keys that it lacks."""
    return {**_DEFAULTS, **given}


def rules(transcript: Path, target: Path, declared: Any, model: Path | None = None) -> Rules:
    """The rules for records; raises BadInputError for an invalid schema or mapping, and for a label that `model` cannot write."""
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
    """Which source is read for which kinds of record: one pass where each record holds transcript and analysis."""
    names = {kind: mapping.source(declared, kind) for kind in KINDS}
    if names["transcripts"] == names["analyses"]:
        return [(names["transcripts"], KINDS)]
    return [(names[kind], (kind,)) for kind in KINDS]


def buckets(system: System, declared: Any, memory: int) -> int:
    """The number of buckets with which the keys of each bucket fit into `memory` bytes, estimated from the size of the raw files."""
    found = {path for name, _ in passes(declared) for path in sources.files(system.path("data", "raw"), name)}
    return buckets_of(found, memory)


def buckets_of(found: Iterable[Path], memory: int) -> int:
    """The same for the records of some files."""
    sizes = (
        path.stat().st_size * (_UNPACKED if path.suffix in sources.ARCHIVES else 1) for path in found if path.exists()
    )
    return max(1, min(256, -(-sum(sizes) // memory)))


def examine(store: Store, system: System, rules: Rules, engine: Engine) -> None:
    """Examine every item with `records.examine`, and store the results."""
    declared = json.loads(rules.mapping)
    for name, kinds in passes(declared):
        items = gathered(raws(system, declared, kinds[0]), declared, kinds[0], store.folder, store.buckets)
        task = partial(records.examine, rules, kinds, store.buckets)
        for examined in engine.map(task, records.batches(track(items, name))):
            store.add(examined)


def raws(system: System, declared: Any, kind: str) -> Iterator[Raw]:
    """The raw items in the files of one source."""
    encoding = (declared or {}).get(kind, {}).get("encoding", "utf-8")
    return readers.read(system.path("data", "raw"), mapping.source(declared, kind), system.root, encoding)


def gathered(found: Iterator[Raw], declared: Any, kind: str, folder: Path, buckets: int) -> Iterator[Raw]:
    """The raw items of one source; where each row is a turn, one item for each conversation."""
    if kind == "transcripts" and mapping.by_turn(declared):
        return gathering.by_id(found, declared["transcripts"]["id"], folder, buckets)
    return found
