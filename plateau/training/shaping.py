"""Which params shaped a run, as one hash: train.json keeps it, and the gate compares it with params.yaml, whatever dvc.lock says."""

import hashlib
import json
from pathlib import Path

import yaml

from plateau.core import params

ROOT = Path(__file__).parent.parent.parent


def digest(values: params.Params) -> str:
    """SHA-256 of those params that DVC tracks for train; the others change no byte of what it writes."""
    return hashlib.sha256(json.dumps(params.pick(values, keys()), sort_keys=True).encode()).hexdigest()


def keys() -> list[str]:
    """Their keys, dotted for one of a section, from the pipeline of this repository."""
    stage = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]["train"]
    return [str(key) for key in stage["params"]]
