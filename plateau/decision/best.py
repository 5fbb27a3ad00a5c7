"""adapters/best/: the chosen adapter with its tokenizer, in a form that any mlx-lm client loads."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plateau.core import files
from plateau.core.errors import BadInputError
from plateau.core.system import System
from plateau.decision import loading
from plateau.evaluation import hashes
from plateau.metrics.evaluations import Point
from plateau.metrics.selection import Selection
from plateau.prompts import chat, template

ADAPTER_FILES = ("adapters.safetensors", "adapter_config.json")
_CONFIGS = ("generation_config.json", "config.json")
# The files of a tokenizer with its chat template; a base model has some of them.
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
)


def checkpoint(system: System, point: Point) -> Path:
    """The folder of an evaluation point's checkpoint; raises BadInputError unless it is the one that was evaluated."""
    folder = system.path("adapters", "checkpoints", f"{point.iteration:07d}")
    weights = folder / ADAPTER_FILES[0]
    if not weights.is_file():
        raise BadInputError(f"{weights}: no such checkpoint; run `dvc repro train` to make it")
    if point.sha256 and files.sha256(weights) != point.sha256:
        raise BadInputError(f"{weights}: not the checkpoint whose loss was recorded; run `dvc repro -f train`")
    return folder


def write(system: System, chosen: Selection, points: Sequence[Point], date: str) -> None:
    """Write adapters/best: the chosen adapter, the base's tokenizer with its chat template as of `date`, the token that ends an answer, a README."""
    point = next(p for p in points if p.iteration == chosen.iteration)
    source, base = checkpoint(system, point), system.path("models", "base")
    with files.replacing(system.path("adapters", "best")) as folder:
        folder.mkdir()
        for name in ADAPTER_FILES:
            shutil.copyfile(source / name, folder / name)
        for name in TOKENIZER_FILES:
            if (base / name).is_file():
                shutil.copyfile(base / name, folder / name)
        stop = _write_prompting(base, folder, date)
        loading.write(folder, system, chosen, point, stop)
        files.write_json(folder / hashes.PROVENANCE, hashes.made_from(system, folder))


def _write_prompting(base: Path, folder: Path, date: str) -> str | None:
    """Write what stock clients need beyond the base's own files; return the token that ends an answer, if they do not stop there by themselves.

    A template that asks for the time is written with its clock at `date`. Where the base's config does not name the token
    that ends an answer, generation_config.json does.
    """
    tokenizer = chat.load_tokenizer(base, date)
    if template.asks_for_time(tokenizer.chat_template):
        (folder / "chat_template.jinja").write_text(tokenizer.chat_template, encoding="utf-8")
    configs = [files.read_json(base / name) for name in _CONFIGS if (base / name).is_file()]
    told: Any = next((config["eos_token_id"] for config in configs if config.get("eos_token_id") is not None), [])
    known = {*(told if isinstance(told, list) else [told]), tokenizer.eos_token_id} - {None}
    stop, _ = chat.ending(tokenizer)
    if stop is None or stop in known:
        return None
    own = configs[0] if (base / _CONFIGS[0]).is_file() else {}
    files.write_json(folder / _CONFIGS[0], {**own, "eos_token_id": sorted({*known, stop})})
    return str(tokenizer.convert_ids_to_tokens(stop))
