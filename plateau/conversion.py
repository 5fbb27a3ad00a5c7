"""Split tables to the two files that training reads: chat messages for stock clients, token ids for ours."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from plateau import tokens
from plateau.chat import dialogue
from plateau.errors import BadInputError
from plateau.examples import Example, Renderer
from plateau.files import replacing

Named = tuple[str, Example]


def examples(renderer: Renderer, table: pa.Table, place: Path, batch_rows: int = 512) -> Iterator[Named]:
    """Id and example of each row, in order; BadInputError names the file `place` and the row, or an unknown column."""
    unknown = [name for name in renderer.context if name not in table.column_names]
    if unknown:
        known = ", ".join(name for name in table.column_names if name not in ("turns", "target"))
        raise BadInputError(f"convert.context: no column '{unknown[0]}'; the records have {known}")
    columns = list(dict.fromkeys(["id", "turns", "target", *renderer.context]))
    for batch in table.select(columns).to_batches(max_chunksize=batch_rows):
        rows = batch.to_pylist()
        try:
            made = renderer.examples(rows)
        except BadInputError as error:
            raise BadInputError(f"{place}: {error}") from None
        yield from zip((row["id"] for row in rows), made, strict=True)


def write(made: Iterable[Named], messages: Path, token_file: Path) -> dict[str, Any]:
    """Write both files in one pass; returns the figures of one split for metrics/convert.json."""
    counts = {"truncated": 0, "dropped_turns": 0, "neutralised": 0}
    with replacing(messages) as temporary, temporary.open("w", encoding="utf-8") as lines:

        def token_rows() -> Iterator[tokens.Row]:
            for name, example in made:
                lines.write(
                    json.dumps({"messages": dialogue(example.content, example.completion)}, ensure_ascii=False) + "\n"
                )
                counts["truncated"] += example.dropped_turns > 0 or example.cut_characters > 0
                counts["dropped_turns"] += example.dropped_turns
                counts["neutralised"] += example.neutralised
                yield name, example.ids, example.completion_start

        tokens.write(token_file, token_rows())
    return {**lengths(tokens.open_tokens(token_file)), **counts}


def lengths(written: tokens.Tokens) -> dict[str, Any]:
    """Row and token counts; percentiles are of whole examples in tokens."""
    supervised = written.lengths - written.completion_start
    return {
        "rows": len(written),
        "tokens": int(written.lengths.sum(dtype=np.int64)),
        "supervised_tokens": int(supervised.sum(dtype=np.int64)),
        "tokens_mean": round(float(written.lengths.mean()), 3),
        "tokens_p50": round(float(np.percentile(written.lengths, 50)), 3),
        "tokens_p95": round(float(np.percentile(written.lengths, 95)), 3),
        "tokens_max": int(written.lengths.max()),
        "completion_tokens_max": int(supervised.max()),
    }
