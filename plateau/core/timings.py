"""Timings of the stages: metrics/speed.json, which is no stage's out, so that a rerun leaves dvc.lock unchanged.

The stages stand in a list, which `dvc metrics show` leaves out, and the whole time beside it.
An experiment that ran elsewhere takes its metrics/ along but not that file; `keep` puts a copy where `kept` finds it again.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plateau.core.files import write_json, write_text
from plateau.core.system import System


def record(system: System, stage: str, figures: Mapping[str, float | str]) -> None:
    """Put the figures of one stage, numbers to 4 digits, in place of its earlier ones; ValueError if one is not finite."""
    path = system.metrics("speed")
    stages = {**read(path), stage: {name: _short(value) for name, value in figures.items()}}
    total = sum(found.get("seconds", 0.0) for found in stages.values())
    listed = [{"stage": name, **found} for name, found in sorted(stages.items())]
    write_json(path, {"seconds": float(f"{total:.4g}"), "stages": listed})


def keep(system: System, adapter: str) -> None:
    """Copy the timings of the run that made an adapter, named by its SHA-256, below $DVC_ROOT/.work."""
    if (path := system.metrics("speed")).exists():
        write_text(_place(adapter), path.read_text(encoding="utf-8"))


def kept(adapter: str) -> dict[str, dict[str, Any]]:
    """The timings of the run that made an adapter; nothing where it ran on another machine."""
    return read(_place(adapter))


def read(path: Path) -> dict[str, dict[str, Any]]:
    """The timings by stage; nothing where the file is absent or broken."""
    try:
        stages = json.loads(path.read_text(encoding="utf-8"))["stages"]
        return {row["stage"]: {key: value for key, value in row.items() if key != "stage"} for row in stages}
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        return {}


def _short(figure: float | str) -> float | str:
    return figure if isinstance(figure, str) else float(f"{figure:.4g}")


def _place(adapter: str) -> Path:
    return Path(os.environ.get("DVC_ROOT", ".")) / ".work" / "speed" / f"{adapter}.json"
