"""Every metrics file has a schema that names each of its keys, and the files that are there obey it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.contracts import metrics_problems
from tools import deps
from tools.deps import ROOT

SYSTEMS = [ROOT, *sorted(path.parent for path in ROOT.glob("systems/*/dvc.yaml"))]
SCHEMAS = sorted((ROOT / "schemas" / "metrics").glob("*.schema.json"))


def made(system: Path) -> set[Path]:
    """The JSON files in metrics/ that a system's stages write."""
    kinds = ("outs", "metrics", "plots")
    paths = {ROOT / path for stage in deps.stages(system) for kind in kinds for path in stage.paths(kind)}
    return {path for path in paths if path.parent == system / "metrics"}


def schema_of(path: Path) -> Path:
    return ROOT / "schemas" / "metrics" / f"{path.stem}.schema.json"


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda path: path.name)
def test_every_metrics_file_that_a_stage_writes_has_a_schema(system: Path) -> None:
    assert [path.name for path in sorted(made(system)) if not schema_of(path).exists()] == []


def test_every_schema_is_of_a_file_that_some_stage_or_command_writes() -> None:
    by_command = ROOT / "metrics" / "unsealed.json"  # stages.unseal, which people run once
    known = {schema_of(path) for path in (by_command, *(path for system in SYSTEMS for path in made(system)))}
    assert [path.name for path in SCHEMAS if path not in known] == []


FILES = [path for system in SYSTEMS for path in sorted((system / "metrics").glob("*.json")) if path.stem != "speed"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_metrics_file_obeys_its_schema(path: Path) -> None:
    assert metrics_problems(path.stem, json.loads(path.read_text(encoding="utf-8"))) == []


def nodes(schema: dict[str, Any], place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of a property, at any depth, with its place."""
    children = {f"{place}.{name}": child for name, child in schema.get("properties", {}).items()}
    children |= {f"{place}.$defs.{name}": child for name, child in schema.get("$defs", {}).items()}
    children |= {
        f"{place}[{key}]": schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)
    }
    for name, child in children.items():
        yield name, child
        yield from nodes(child, name)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name.split(".")[0])
def test_a_metrics_schema_describes_every_key_and_takes_no_other(path: Path) -> None:
    schema = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    inner = [("", schema), *nodes(schema)]
    named = [(place, node) for place, node in inner if "[" not in place.rsplit(".", 1)[-1] and "$defs." not in place]
    assert [place for place, node in named if not node.get("description") and "$ref" not in node] == []
    open_objects = [
        place for place, node in inner if "properties" in node and node.get("additionalProperties") is not False
    ]
    assert open_objects == []
    assert not [place for place, node in inner if node.get("type") == "object" and "additionalProperties" not in node]
