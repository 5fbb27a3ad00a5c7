"""Timings of the stages: metrics/speed.json, which is no stage's out, so that a rerun leaves dvc.lock unchanged."""

import json
from collections.abc import Mapping

from plateau.files import write_json
from plateau.system import System


def record(system: System, stage: str, figures: Mapping[str, float]) -> None:
    """Put the figures of one stage, to 4 digits, in place of its earlier ones; ValueError if one is not finite."""
    path = system.metrics("speed")
    try:
        known = dict(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, TypeError, ValueError):
        known = {}
    rounded = {name: float(f"{value:.4g}") for name, value in figures.items()}
    write_json(path, dict(sorted({**known, stage: rounded}.items())))
