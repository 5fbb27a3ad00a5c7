"""Convert the rows of a split to two files: chat messages, which stock clients train on, and token ids, which our trainer reads."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from plateau.core.errors import BadInputError
from plateau.core.files import replacing
from plateau.core.system import System
from plateau.data import parquet, spill
from plateau.data.engine import Engine
from plateau.metrics.convert import Lengths
from plateau.prompts import tokens
from plateau.prompts.chat import dialogue, load_tokenizer
from plateau.prompts.examples import Renderer
from plateau.prompts.template import TEMPLATE_DATE

BATCH_ROWS = 512
NAMED = 10  # truncated rows that are named


class Setup(NamedTuple):
    """The arguments of a Renderer, in a form that can be sent to another process."""

    base: Path
    context: tuple[str, ...]
    instruction: str
    max_length: int
    date: str = TEMPLATE_DATE
    room: int | None = None  # tokens that a prompt leaves for an answer that nobody knows; None for the row's own


class Converted(NamedTuple):
    """One batch of rows: lines of chat messages, token rows, counts, and which rows lost turns or part of one."""

    lines: bytes
    tokens: pa.RecordBatch
    counts: Counter[str]
    truncated: list[int]


def setup(system: System, values: Mapping[str, Any]) -> Setup:
    """How the rows of a system are rendered, from the section convert of params and max_seq_length."""
    options = values["convert"]
    return Setup(
        system.path("models", "base"),
        tuple(options["context"]),
        options["instruction"],
        values["max_seq_length"],
        options["template_date"],
    )


@lru_cache(maxsize=2)
def renderer(setup: Setup) -> Renderer:
    """The renderer of this process; it is made once."""
    tokenizer = load_tokenizer(setup.base, setup.date)
    return Renderer(tokenizer, setup.context, setup.instruction, setup.max_length, setup.room)


def convert(setup: Setup, batch: pa.RecordBatch) -> Converted:
    """Render a batch of rows; BadInputError names the row that cannot be rendered."""
    found = batch.to_pylist()
    made = renderer(setup).examples(found)
    chats = ({"messages": dialogue(example.content, example.completion)} for example in made)
    lines = "".join(json.dumps(chat, ensure_ascii=False) + "\n" for chat in chats)
    named = [(row["id"], example.ids, example.completion_start) for row, example in zip(found, made, strict=True)]
    truncated = [row for row, example in enumerate(made) if example.dropped_turns or example.cut_characters]
    counts = Counter(truncated=len(truncated))
    for example in made:
        counts["dropped_turns"] += example.dropped_turns
        counts["neutralised"] += example.neutralised
    return Converted(lines.encode("utf-8"), tokens.batch(named), counts, truncated)


def convert_file(engine: Engine, setup: Setup, source: Path) -> Iterator[Converted]:
    """Convert a split's rows batch by batch; raises BadInputError that names the file, and the row or an unknown column."""
    names = parquet.schema(source).names
    unknown = [name for name in setup.context if name not in names]
    if unknown:
        known = ", ".join(name for name in names if name not in ("turns", "target"))
        raise BadInputError(f"convert.context: no column '{unknown[0]}'; the records have {known}")
    wanted = list(dict.fromkeys(["id", "turns", "target", *setup.context]))
    try:
        yield from engine.map(partial(convert, setup), parquet.scan(source, wanted, BATCH_ROWS))
    except BadInputError as error:
        raise BadInputError(f"{source}: {error}") from None


def write(made: Iterable[Converted], messages: Path, token_file: Path) -> Lengths:
    """Write both files in one pass; returns the figures of one split for metrics/convert.json."""
    counts = Counter[str]()
    truncated: list[int] = []
    done = 0
    with replacing(messages) as temporary, temporary.open("wb") as lines:

        def batches() -> Iterator[pa.RecordBatch]:
            nonlocal done
            for converted in made:
                truncated.extend(done + row for row in converted.truncated[: NAMED - len(truncated)])
                done += converted.tokens.num_rows
                lines.write(converted.lines)
                counts.update(converted.counts)
                yield converted.tokens

        tokens.write_batches(token_file, spill.rebatched(batches()))
    return lengths(tokens.open_tokens(token_file), counts, truncated)


def lengths(written: tokens.Tokens, counts: Mapping[str, int], truncated: Sequence[int]) -> Lengths:
    """The figures of one split; percentiles are of whole examples in tokens."""
    supervised = written.lengths - written.completion_start
    return Lengths(
        rows=len(written),
        tokens=int(written.lengths.sum(dtype=np.int64)),
        supervised_tokens=int(supervised.sum(dtype=np.int64)),
        tokens_mean=float(written.lengths.mean()),
        tokens_p50=float(np.percentile(written.lengths, 50)),
        tokens_p95=float(np.percentile(written.lengths, 95)),
        tokens_max=int(written.lengths.max()),
        completion_tokens_max=int(supervised.max()),
        truncated=counts["truncated"],
        dropped_turns=counts["dropped_turns"],
        neutralised=counts["neutralised"],
        truncated_rows=truncated,
    )
