"""dvc.yaml of a system, written from stages/pipeline.yaml, the system's own system.yaml, and the code of its stages."""

import os
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tools import deps
from tools.deps import ROOT

PIPELINE = ROOT / "stages" / "pipeline.yaml"
HEAD = "`make sync` writes this file from stages/pipeline.yaml and system.yaml: edit those."
KINDS = ("outs", "metrics")
Stages = dict[str, dict[str, Any]]


def dvc_yaml(system: Path) -> str:
    """The text of a system's dvc.yaml."""
    shared, own = yaml.safe_load(PIPELINE.read_text(encoding="utf-8")), own_part(system)
    head = "\n".join(f"# {line}" for line in [*textwrap.wrap(own.get("about", ""), 118), HEAD])
    stages = "\n".join(
        _block(name, entry(system, name, stage)) for name, stage in merged(shared["stages"], own).items()
    )
    rest = {key: shared[key] for key in ("metrics", "plots")} | {key: own[key] for key in ("artifacts",) if key in own}
    below = "\n".join(_dumped({key: value}) for key, value in rest.items())
    return f"{head}\nstages:\n{stages}\n{below}"


def own_part(system: Path) -> dict[str, Any]:
    """The content of system.yaml; empty where a system has no such file."""
    path = system / "system.yaml"
    read: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    return read


def merged(shared: Stages, own: Mapping[str, Any]) -> Stages:
    """All stages of a system. Each of its own stages is placed before the first stage that reads its outputs."""
    stages = dict(shared)
    for name, stage in reversed(own.get("stages", {}).items()):
        made = {path.removeprefix("/") for path in stage.get("outs", ())}
        read = (
            other for other, entry in stages.items() if made & {dep.removeprefix("/") for dep in entry.get("deps", ())}
        )
        place = list(stages).index(next(read, next(iter(stages))))
        items = list(stages.items())
        stages = dict([*items[:place], (name, stage), *items[place:]])
    return stages


def entry(system: Path, name: str, stage: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of one stage in dvc.yaml."""
    inside = system.relative_to(ROOT).as_posix()
    module = ROOT / "stages" / f"{stage.get('module', name)}.py"
    keys = list(deps.declared(module))
    made: dict[str, Any] = {"desc": stage["desc"], "cmd": f"python -m stages.{module.stem}"}
    if system != ROOT:
        made |= {"cmd": f"{made['cmd']} {inside}", "wdir": os.path.relpath(ROOT, system)}
    if stage.get("frozen"):
        made["frozen"] = True
    data = (_placed(path, inside) for path in stage.get("deps", ()))
    made["deps"] = sorted({*data, *deps.needed(module, system)})
    if keys:
        made["params"] = keys if system == ROOT else [{f"{inside}/params.yaml": keys}]
    for kind in (kind for kind in KINDS if kind in stage):
        paths = [(_placed(path, inside), path.startswith(("metrics/", "/"))) for path in stage[kind]]
        made[kind] = [{path: {"cache": False}} if in_git else path for path, in_git in paths]
    return made


def _placed(path: str, inside: str) -> str:
    """A path below the repository; a path without a leading "/" is below the system."""
    return path.removeprefix("/") if path.startswith("/") or inside == "." else f"{inside}/{path}"


def _block(name: str, entry: Mapping[str, Any]) -> str:
    """One stage as YAML, its description folded."""
    words = "\n".join(f"      {line}" for line in textwrap.wrap(" ".join(entry["desc"].split()), 110))
    rest = _dumped({key: value for key, value in entry.items() if key != "desc"})
    return f"  {name}:\n    desc: >-\n{words}\n{textwrap.indent(rest, '    ')}".rstrip("\n")


def _dumped(values: Any) -> str:
    from dvc.utils.serialize import dumps_yaml

    return str(dumps_yaml(values))
