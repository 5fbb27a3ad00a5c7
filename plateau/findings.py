"""What the test rows say, one by one: the rows that went most wrong, confusions, calibration, how losses spread."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plateau import fields, scoring
from plateau.fields import Field

Row = Mapping[str, Any]


def generated(predictions: Sequence[Row], arm: str) -> list[Row]:
    """The rows of one arm that have a greedy output."""
    return [row for row in predictions if row["arm"] == arm and row["output"] is not None and row["sample"] == 0]


def transcripts(path: Path, ids: Sequence[str]) -> dict[str, list[Row]]:
    """The turns of some rows of a split, by id."""
    table = pq.read_table(path, columns=["id", "turns"], filters=pc.field("id").isin(list(ids)))
    return dict(zip(table["id"].to_pylist(), table["turns"].to_pylist(), strict=True))


def perplexity_bands(predictions: Sequence[Row], arms: Sequence[str], bands: int = 24) -> list[dict[str, Any]]:
    """Histogram {"series", "start", "end", "count"} of each row's perplexity by arm, in bands of equal ratio; the rows
    above the 99th percentile share the last band.
    """
    values = {
        arm: [_perplexity(row) for row in predictions if row["arm"] == arm and row["loss_sum"] is not None]
        for arm in arms
    }
    every = np.array([value for arm in arms for value in values[arm]])
    every = every[np.isfinite(every)]
    if not every.size:
        return []
    top = max(float(np.quantile(every, 0.99)), 1.001)
    edges = np.geomspace(1.0, top, bands + 1)
    counts = {arm: np.histogram(np.clip(values[arm], 1.0, top), edges)[0] for arm in arms}
    return [
        {"series": arm, "start": float(edges[i]), "end": float(edges[i + 1]), "count": int(count)}
        for arm in arms
        for i, count in enumerate(counts[arm])
    ]


def _perplexity(row: Row) -> float:
    return math.exp(min(row["loss_sum"] / row["tokens"], 50.0))


def scored(rows: Sequence[Row], schema: Any) -> list[scoring.Scored]:
    """The rows of one arm scored field by field."""
    golds = [json.loads(row["gold"]) for row in rows]
    answers = [scoring.parse(row["output"]) for row in rows]
    return [scoring.score(field, golds, answers) for field in fields.fields(schema)]


def confusions(scores: Sequence[scoring.Scored], most: int = 12) -> dict[str, list[dict[str, Any]]]:
    """Counts {"gold", "predicted", "count"} for each class field of at most `most` classes in use."""
    found = {}
    for one in scores:
        counts = Counter(one.confusion)
        if one.field.kind == "class" and counts and len({name for pair in counts for name in pair}) <= most:
            cells = [{"gold": gold, "predicted": guess, "count": n} for (gold, guess), n in sorted(counts.items())]
            found[one.field.name] = cells
    return found


def calibrations(rows: Sequence[Row], schema: Any, bands: int = 10) -> dict[str, list[dict[str, Any]]]:
    """For each number field: mean gold value of rows in bands of equally many by predicted value."""
    return {field.name: _calibration(field, rows, bands) for field in fields.fields(schema) if field.kind == "number"}


def _calibration(field: Field, rows: Sequence[Row], bands: int) -> list[dict[str, Any]]:
    pairs = [(field.value(scoring.parse(row["output"])), field.value(json.loads(row["gold"]))) for row in rows]
    kept = sorted((float(guess), float(gold)) for guess, gold in pairs if guess is not None and gold is not None)
    parts = [part for part in np.array_split(np.array(kept).reshape(-1, 2), bands) if len(part)]
    return [{"predicted": float(p[:, 0].mean()), "gold": float(p[:, 1].mean()), "count": len(p)} for p in parts]


def worst(rows: Sequence[Row], scores: Sequence[scoring.Scored], most: int = 20) -> list[tuple[Row, float]]:
    """The rows of lowest mean score, the worst first, with it; equal ones by id."""
    totals = scoring.total(scores, len(rows))
    known = [(float(total), row["id"], row) for row, total in zip(rows, totals, strict=True) if math.isfinite(total)]
    return [(row, total) for total, _, row in sorted(known, key=lambda item: item[:2])[:most]]
