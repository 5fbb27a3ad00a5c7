"""A system whose task a tiny model learns in seconds: say which of two words the prompt holds, and how often it occurs."""

import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import tiny

from plateau.core import params
from plateau.core.figures import to_json
from plateau.core.files import write_json, write_jsonl
from plateau.core.system import SPLITS, System
from plateau.metrics.convert import Convert
from plateau.prompts import chat, conversion, tokens

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["mood", "count"],
    "properties": {"mood": {"enum": ["calm", "angry"]}, "count": {"type": "integer", "minimum": 1, "maximum": 3}},
}
Example = tuple[str, dict[str, Any]]
FILLER = ("down", "since", "internet", "phone", "bill", "agent")
CONFIG = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4, "num_key_value_heads": 2}
DEFAULTS = {
    "iters": 120,
    "eval_every": 30,
    "batch_size": 16,
    "fine_tune_type": "full",
    "lr": 0.003,
    "warmup": 5,
    "patience": 9,
    "evaluate.arms": ["base", "adapter"],
    "evaluate.num_samples": 32,
    "evaluate.diagnostic_rows": 16,
    "evaluate.max_tokens": 60,
    "evaluate.bootstrap_samples": 200,
    "gates.min_test_rows": 30,
    "gates.min_prompted_opponents": 0,
    "gates.loss_reduction": 0.3,
}
# With these the model beats a linear model of words.
LEARNT = {"iters": 300, "eval_every": 30}


def example(draw: random.Random) -> Example:
    """A prompt and its target."""
    mood, count = draw.choice(["calm", "angry"]), draw.randint(1, 3)
    words = [mood] * count + [f"{draw.choice(FILLER)}{draw.randint(0, 99)}" for _ in range(draw.randint(5, 9))]
    draw.shuffle(words)
    return "[CONVERSATION]\nCustomer: " + " ".join(words), {"mood": mood, "count": count}


def no_edit(_: dict[str, list[Example]]) -> None:
    """Leave the examples of the splits as they are."""


def system(
    folder: Path,
    tokenizer_dir: Path,
    rows: tuple[int, int, int] = (200, 40, 40),
    edit: Callable[[dict[str, list[Example]]], None] = no_edit,
    data_seed: int = 0,
    **changes: Any,
) -> System:
    """A system folder up to its token files, ready for the stage train; `edit` may change the splits' examples in place."""
    stock = dict(tiny.CONFIG)
    tiny.CONFIG.update(CONFIG)
    try:
        tiny.base(folder / "models" / "base", tokenizer_dir)
    finally:
        tiny.CONFIG.clear()
        tiny.CONFIG.update(stock)
    (folder / "schemas").mkdir(parents=True, exist_ok=True)
    (folder / "schemas" / "target.schema.json").write_text(json.dumps(SCHEMA))
    draws = {name: random.Random(10 * data_seed + i) for i, name in enumerate(SPLITS)}
    splits = {name: [example(draws[name]) for _ in range(count)] for name, count in zip(SPLITS, rows, strict=True)}
    edit(splits)
    write_json(System(folder).metrics("split"), {"unused_share": 0.0, "dropped": {}})
    tokenizer = chat.load_tokenizer(folder / "models" / "base")
    for name, examples in splits.items():
        write_split(System(folder), name, examples, tokenizer)
    lengths = {
        name: conversion.lengths(tokens.open_tokens(System(folder).tokens(name)), Counter(), []) for name in SPLITS
    }
    write_json(folder / "metrics" / "convert.json", to_json(Convert(**lengths)))
    tiny.write_params(folder, {**DEFAULTS, **changes})
    return System(folder)


def write_split(system: System, name: str, examples: list[Example], tokenizer: Any) -> None:
    """The files of one split."""
    ids = [f"{name}{i}" for i in range(len(examples))]
    targets = [json.dumps(target) for _, target in examples]
    rendered = [chat.render(tokenizer, content, target) for (content, _), target in zip(examples, targets, strict=True)]
    tokens.write(system.tokens(name), [(i, list(r[0]), r[1]) for i, r in zip(ids, rendered, strict=True)])
    system.split(name).parent.mkdir(parents=True, exist_ok=True)
    day = {"train": 1, "valid": 2, "test": 3}[name]
    starts = [datetime(2025, 1, day, 0, 0, 0, i, tzinfo=UTC) for i in range(len(examples))]
    turns = [[{"role": "customer", "text": content, "time": None}] for content, _ in examples]
    columns = {"id": ids, "target": targets, "turns": turns, "start_utc": starts, "customer_id": ids}
    pq.write_table(pa.table(columns), system.split(name))
    messages = [
        {"messages": [{"role": "user", "content": content}, {"role": "assistant", "content": target}]}
        for (content, _), target in zip(examples, targets, strict=True)
    ]
    write_jsonl(system.path("data", "mlx", f"{name}.jsonl"), messages)


def run(system: System, *stages: str) -> None:
    """Run stages in this process."""
    import importlib

    for name in stages:
        module = importlib.import_module(f"stages.{name}")
        module.main(system, params.load(system, [*module.PARAMS, *getattr(module, "UNTRACKED", ())]))
