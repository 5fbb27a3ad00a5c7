"""Figures of single test rows: those with the lowest scores, confusions, calibration, the spread of losses."""

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plateau.data import fields
from plateau.evaluation import reading, scoring
from plateau.evaluation.stats import Floats
from plateau.prompts.tokens import Int32s

Row = Mapping[str, Any]
Turns = Sequence[tuple[str, str]]
Pairs = tuple[list[Any], list[Any]]
_FEW = 12  # up to this many distinct predicted numbers, each has a band of its own
_CLASSES = 30  # most classes that a confusion matrix shows


def generated(predictions: pa.Table, arm: str) -> list[Row]:
    """The rows of one arm that have a greedy output."""
    kept = (pc.field("arm") == arm) & (pc.field("sample") == 0) & pc.field("output").is_valid()
    rows: list[Row] = predictions.filter(kept).to_pylist()
    return rows


def outputs(predictions: pa.Table, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """The greedy outputs of some rows, by id and arm."""
    kept = pc.field("id").isin(list(ids)) & (pc.field("sample") == 0) & pc.field("output").is_valid()
    found: dict[str, dict[str, str]] = {name: {} for name in ids}
    for row in predictions.filter(kept).select(["id", "arm", "output"]).to_pylist():
        found[row["id"]][row["arm"]] = row["output"]
    return found


def transcripts(path: Path, ids: Sequence[str]) -> dict[str, Turns]:
    """The turns of some rows of a split as (role, text), by id."""
    table = pq.read_table(path, columns=["id", "turns"], filters=pc.field("id").isin(list(ids)))
    turns = ([(turn["role"], turn["text"]) for turn in row] for row in table["turns"].to_pylist())
    return dict(zip(table["id"].to_pylist(), turns, strict=True))


def perplexity_bands(predictions: pa.Table, arms: Sequence[str], bands: int = 24) -> list[dict[str, Any]]:
    """Histogram {"series", "start", "end", "count"} of each row's perplexity by arm, in bands of equal ratio; the rows
    above the 99th percentile share the last band.
    """
    values = {arm: found for arm in arms if (found := _perplexities(predictions, arm)).size}
    if not values:
        return []
    top = max(float(np.quantile(np.concatenate(list(values.values())), 0.99)), 1.001)
    edges = np.geomspace(1.0, top, bands + 1)
    return list(_bands({arm: np.clip(found, 1.0, top) for arm, found in values.items()}, edges))


def length_bands(lengths: Mapping[str, Int32s], bands: int = 24) -> list[dict[str, Any]]:
    """Histogram {"series", "start", "end", "count"} of the rows' tokens by split, in bands of equal width."""
    values = {name: np.asarray(found, np.float64) for name, found in lengths.items() if len(found)}
    if not values:
        return []
    low, high = (int(end) for end in (min(v.min() for v in values.values()), max(v.max() for v in values.values())))
    width = max(1, math.ceil((high + 1 - low) / bands))
    return list(_bands(values, np.arange(low, high + 1 + width, width, dtype=np.float64)))


def _bands(values: Mapping[str, Floats], edges: Floats) -> Iterator[dict[str, Any]]:
    for name, found in values.items():
        for start, end, count in zip(edges, edges[1:], np.histogram(found, edges)[0], strict=False):
            yield {"series": name, "start": float(start), "end": float(end), "count": int(count)}


def _perplexities(predictions: pa.Table, arm: str) -> Floats:
    kept = (pc.field("arm") == arm) & (pc.field("sample") == 0) & pc.field("loss_sum").is_valid()
    table = predictions.filter(kept).select(["loss_sum", "tokens"])
    return np.asarray(np.exp(np.minimum(table["loss_sum"].to_numpy() / table["tokens"].to_numpy(), 50.0)))


def parsed(rows: Sequence[Row]) -> Pairs:
    """The true targets of rows, and the JSON that a client finds in their outputs, UNUSABLE where there is none."""
    golds = [json.loads(row["gold"]) for row in rows]
    shapes = {reading.shape(gold) for gold in golds}
    return golds, [reading.read(row["output"], shapes) for row in rows]


def scored(pairs: Pairs, schema: Any, rules: scoring.Rules = scoring.PLAIN) -> list[scoring.Scored]:
    """The rows of one arm scored field by field."""
    return scoring.scored(schema, *pairs, rules)


def confusions(scores: Sequence[scoring.Scored]) -> dict[str, list[dict[str, Any]]]:
    """Counts {"gold", "predicted", "count"} for each class or boolean field of not too many classes in use."""
    found = {}
    for one in scores:
        counts = Counter(one.confusion)
        if counts and len({name for pair in counts for name in pair}) <= _CLASSES:
            cells = [{"gold": gold, "predicted": guess, "count": n} for (gold, guess), n in sorted(counts.items())]
            found[one.field.name] = cells
    return found


def calibrations(scores: Sequence[scoring.Scored]) -> dict[str, list[dict[str, Any]]]:
    """For each number field: the mean true value, with its 95 % interval, of rows in bands by predicted value."""
    return {one.field.name: _calibration(one.numbers) for one in scores if one.numbers}


def _calibration(pairs: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    """The bands of one field from its true and answered numbers."""
    gold, guess = np.array(pairs, dtype=np.float64).T
    distinct = np.unique(guess)
    inner = distinct[1:] if distinct.size <= _FEW else np.unique(np.quantile(guess, np.arange(1, 10) / 10))
    band = np.searchsorted(inner, guess, side="right")
    return [_band(guess[band == i], gold[band == i]) for i in np.unique(band)]


def _band(guess: Floats, gold: Floats) -> dict[str, Any]:
    """One point of a calibration curve; the interval is normal, and none for a single row."""
    mean, count = float(gold.mean()), len(gold)
    reach = 1.96 * float(gold.std(ddof=1)) / math.sqrt(count) if count > 1 else 0.0
    return {
        "predicted": float(guess.mean()),
        "gold": mean,
        "low": mean - reach,
        "high": mean + reach,
        "count": count,
    }


def wrong(rows: Sequence[Row], scores: Sequence[scoring.Scored]) -> str:
    """Every answer of the adapter that is not wholly right, as CSV: one line a row and field, as the test has them.

    Truth and answer are JSON; an answer that cannot be read is empty. `score` is 0 to 1.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("id", "field", "truth", "answer", "score"))
    for number, (row, *pair) in enumerate(zip(rows, *parsed(rows), strict=True)):
        for one in scores:
            if one.score[number] < 1:
                found = [one.field.answer(value) for value in pair]
                cells = ["" if value is fields.UNUSABLE else json.dumps(value, ensure_ascii=False) for value in found]
                table.writerow((row["id"], one.field.name, *cells, f"{one.score[number]:.6g}"))
    return text.getvalue()


def worst(rows: Sequence[Row], scores: Sequence[scoring.Scored], most: int = 20) -> list[tuple[int, float]]:
    """Indices and mean scores of the rows with the lowest mean score, the lowest first; rows with equal scores by id."""
    totals = scoring.total(scores, len(rows))
    known = [(float(total), row["id"], i) for i, (row, total) in enumerate(zip(rows, totals, strict=True))]
    return [(i, total) for total, _, i in sorted(known) if math.isfinite(total)][:most]
