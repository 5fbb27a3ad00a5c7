"""adapters/best/: the chosen adapter with its tokenizer and a model card, which any mlx-lm client loads."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from plateau.core import figures, files
from plateau.core.errors import BadInputError
from plateau.core.system import System
from plateau.decision.selection import RowLosses
from plateau.evaluation import hashes
from plateau.metrics.evaluations import Point
from plateau.metrics.selection import Selection
from plateau.prompts import chat, template

ADAPTER_FILES = ("adapters.safetensors", "adapter_config.json")
_CONFIGS = ("generation_config.json", "config.json")
# What a tokenizer with its chat template is made of, whichever of them a base has.
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


def row_losses(system: System) -> dict[int, RowLosses]:
    """Per-example validation losses of each evaluation point, from adapters/val_losses.parquet."""
    path = system.path("adapters", "val_losses.parquet")
    if not path.is_file():
        raise BadInputError(f"{path}: no such file; run `dvc repro train` to make it")
    table = pq.read_table(path, columns=["iteration", "loss_sum", "tokens"])
    iteration, loss_sum, tokens = (table[name].to_numpy() for name in table.column_names)
    return {int(i): (loss_sum[iteration == i], tokens[iteration == i].astype(np.int64)) for i in np.unique(iteration)}


def chosen_losses(system: System) -> RowLosses:
    """Validation loss of each row at the chosen iteration."""
    return row_losses(system)[figures.read(Selection, system.metrics("selection")).iteration]


def check(system: System) -> None:
    """Raise BadInputError unless adapters/best is the checkpoint that was chosen, byte for byte."""
    chosen = figures.read(Selection, system.metrics("selection")).iteration
    points = figures.read(list[Point], system.metrics("evaluations"))
    recorded = next((point.sha256 for point in points if point.iteration == chosen), None)
    path = system.path("adapters", "best", ADAPTER_FILES[0])
    if files.sha256(path) != recorded:
        raise BadInputError(
            f"{path}: not the checkpoint of iteration {chosen} that was chosen; run `dvc repro -f select`"
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
    """Copy the chosen adapter and the base's tokenizer, write its chat template as of `date`, where it ends, and the model card."""
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
        (folder / "README.md").write_text(card(system, chosen, point, stop), encoding="utf-8")
        files.write_json(folder / hashes.PROVENANCE, hashes.made_from(system, folder))


def _write_prompting(base: Path, folder: Path, date: str) -> str | None:
    """What stock clients must know beyond the base's own files; the token at which they do not stop by themselves, if any.

    A template that asks for the time is written with its clock at `date`; a token that ends answers, and at which the base's config does not
    stop, is in generation_config.json.
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


def card(system: System, chosen: Selection, point: Point, stop: str | None = None) -> str:
    """The model card: what the adapter is, how it was chosen and how it is used; `stop` is a token at which clients must be told to end."""
    ending = "" if stop is None else f" --extra-eos-token '{stop}'"
    return f"""---
library_name: mlx
tags: [mlx, lora, plateau]
---
# Adapter of {system.path().resolve().name if system.root.name else "the contact-centre system"}

{chosen.reason[0].upper()}{chosen.reason[1:]}.
Validation loss {chosen.val_loss:.6g} nats a token (perplexity {chosen.val_perplexity:.6g}) after
{point.trained_tokens or 0:,} trained tokens; sha256 `{point.sha256}`.

    mlx_lm.generate --model models/base --adapter-path adapters/best{ending} --prompt "..."

Whether it should ship stands in metrics/gates.json, what it scores in metrics/evaluate.json.
"""
