"""Timings of the stages, in metrics/speed.json. The file is no output of a stage, so a rerun leaves dvc.lock unchanged.

The file holds the stages as a list, which `dvc metrics show` leaves out, and the total time beside it. An experiment that
ran in another folder brings its metrics but not this file; `keep` puts a copy where `kept` finds it.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plateau.core.files import write_json, write_text
from plateau.core.system import System


def record(system: System, stage: str, figures: Mapping[str, float | str]) -> None:
    """Replace the timings of one stage, numbers rounded to 4 digits; raises ValueError if one is not finite."""
    path = system.metrics("speed")
    stages = {**read(path), stage: {name: _short(value) for name, value in figures.items()}}
    total = sum(found.get("seconds", 0.0) for found in stages.values())
    listed = [{"stage": name, **found} for name, found in sorted(stages.items())]
    write_json(path, {"seconds": float(f"{total:.4g}"), "stages": listed})


def keep(system: System, adapter: str) -> None:
    """Copy the timings below $DVC_ROOT/.work, under the SHA-256 of the adapter that the run made."""
    if (path := system.metrics("speed")).exists():
        write_text(_place(adapter), path.read_text(encoding="utf-8"))


def kept(adapter: str) -> dict[str, dict[str, Any]]:
    """The timings of the run that made an adapter, by stage; empty where it ran on another machine."""
    return read(_place(adapter))


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Read the timings by stage; empty where the file is absent or broken."""
    try:
        stages = json.loads(path.read_text(encoding="utf-8"))["stages"]
        return {row["stage"]: {key: value for key, value in row.items() if key != "stage"} for row in stages}
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        return {}


def _short(figure: float | str) -> float | str:
    return figure if isinstance(figure, str) else float(f"{figure:.4g}")


def _place(adapter: str) -> Path:
    return Path(os.environ.get("DVC_ROOT", ".")) / ".work" / "speed" / f"{adapter}.json"
