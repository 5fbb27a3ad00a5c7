"""Parts of the report that are made from the test rows: scores of the arms, confusions, calibrations, the rows with the lowest scores."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from plateau.core.figures import Estimate, to_json
from plateau.data.fields import fields
from plateau.evaluation import reading
from plateau.evaluation.external import colours
from plateau.evaluation.scoring import Scored
from plateau.metrics.evaluate import Arm, Comparison, Evaluate
from plateau.metrics.plots import FieldScore
from plateau.prompts.tokens import Int32s
from plateau.report import charts, findings
from plateau.report.page import Chart, Charts, Example, Part, Prose, Table
from plateau.report.text import figure, spaced

Figures = Mapping[str, Any]
LONGEST = 2000  # characters of a value or output; of a turn, a quarter


@dataclass(frozen=True)
class Evidence:
    """What the report shows besides metrics files: predictions, transcripts of test rows, token lengths, hashes of files."""

    predictions: pa.Table
    schema: Any
    turns: Callable[[Sequence[str]], Mapping[str, findings.Turns]]
    lengths: Mapping[str, Int32s]
    hashes: Mapping[str, str]


def field_scores(arm: Arm) -> list[FieldScore]:
    """The score of each field of an arm with its interval; a missing figure is left out."""
    fields = (arm.fields or {}).items()
    return [FieldScore(name, field.score) for name, field in fields if field.score.value is not None]


def scores(evaluate: Evaluate, evidence: Evidence, scored: Sequence[Scored]) -> Iterator[Part]:
    """Charts and tables of every arm, and of the adapter's answers."""
    arms = evaluate.arms
    coloured = colours(arms)
    known = [(arm, one) for arm in coloured for one in field_scores(evaluate.arm(arm)) if one.score.low is not None]
    drawn = [{"series": arm, **to_json(one)} for arm, one in known]
    first = []
    if drawn:
        names = [arm for arm in coloured if any(row["series"] == arm for row in drawn)]
        words = "Score of each field by arm, 0 to 1, with intervals; of a number: 1 - error / range."
        first.append(Chart(words, charts.scores(drawn, names, coloured)))
    bands = findings.perplexity_bands(evidence.predictions, [arm for arm in ("adapter", "base") if arm in arms])
    if bands:
        words = "Perplexity of each test row by arm; the last band takes all above."
        spec = charts.histogram(bands, "perplexity of a row", coloured)
        first.append(Chart(words, spec, band_table("Rows by perplexity", bands)))
    if first:
        yield Charts(first)
    yield arm_table(arms)
    yield Table("Fields, with confidence intervals", ["field", "figure", *map(spaced, arms)], _field_rows(arms))
    head = ["comparison", "of", "difference", "low", "high", "p", "result", "rows needed"]
    compared = list(comparisons(evaluate.comparisons))
    marks = ["wrong" if row[6] == "worse" else "" for row in compared]
    yield Table("Paired comparisons on the same test rows", head, compared, marks)
    if found := [*_confusions(scored), *_calibrations(scored)]:
        yield Charts(found)


def _confusions(scored: Sequence[Scored]) -> Iterator[Chart]:
    for name, cells in findings.confusions(scored).items():
        classes = sorted({cell[side] for cell in cells for side in ("gold", "predicted")})
        counts = {(cell["gold"], cell["predicted"]): cell["count"] for cell in cells}
        rows = [(gold, *(counts.get((gold, guess), 0) for guess in classes)) for gold in classes]
        table = Table(f"Confusion of {name}", ["true \\ predicted", *classes], rows, folded=True)
        words = f"Confusion of {name}: true classes down, predicted across, outputs of the adapter."
        yield Chart(words, charts.confusion(cells, classes), table)


def _calibrations(scored: Sequence[Scored]) -> Iterator[Chart]:
    for name, bands in findings.calibrations(scored).items():
        keys = {"predicted": "predicted", "mean true": "gold", "low": "low", "high": "high", "rows": "count"}
        cells = [[band[key] for key in keys.values()] for band in bands]
        words = (
            f"Calibration of {name}: mean true value by predicted value, with 95 % intervals; the diagonal is right."
        )
        table = Table(f"Calibration of {name}", list(keys), cells, folded=True)
        yield Chart(words, charts.calibration(bands, name), table)


def band_table(title: str, bands: Sequence[Figures]) -> Table:
    """A histogram as a table: a row a band, a column a series."""
    series = list(dict.fromkeys(band["series"] for band in bands))
    edges = list(dict.fromkeys((band["start"], band["end"]) for band in bands))
    counts = {(band["series"], band["start"]): band["count"] for band in bands}
    rows = [(*edge, *(counts[name, edge[0]] for name in series)) for edge in edges]
    return Table(title, ["from", "to", *series], rows, folded=True)


def arm_table(arms: Mapping[str, Arm]) -> Table:
    """One row a figure, one column an arm: the figures of an arm as a whole."""
    written = [to_json(arm) for arm in arms.values()]
    names = dict.fromkeys(name for arm in written for name in _valued(arm))
    rows = [[spaced(name), *(_estimate(arm, name) for arm in written)] for name in names]
    return Table("Arms", ["figure", *map(spaced, arms)], rows)


def _field_rows(arms: Mapping[str, Arm]) -> list[list[Any]]:
    """One row a field and figure, one column an arm."""
    tables = {name: _with_items(to_json(arm.fields or {})) for name, arm in arms.items()}
    pairs = dict.fromkeys((name, key) for table in tables.values() for name in table for key in _valued(table[name]))
    return [
        [name, spaced(key), *(_estimate(table.get(name, {}), key) for table in tables.values())]
        for name, key in pairs
        if key != "kind"
    ]


def _with_items(found: Figures) -> dict[str, Figures]:
    """The figures of fields, and after a list of objects those of its items' fields."""
    inner = {
        name: {f"{name}[].{key}": of for key, of in figures.get("items", {}).items()} for name, figures in found.items()
    }
    return {key: of for name, figures in found.items() for key, of in {name: figures, **inner[name]}.items()}


def _valued(figures: Figures) -> list[str]:
    """Names of single figures, without those of interval bounds."""
    bounds = {f"{name}_{side}" for name in figures for side in ("low", "high")}
    return [name for name, value in figures.items() if name not in bounds and not isinstance(value, Mapping | list)]


def _estimate(figures: Figures, name: str) -> Any:
    value, low, high = (figures.get(key) for key in (name, f"{name}_low", f"{name}_high"))
    return value if low is None else Estimate(value, low, high)


def comparisons(pairs: Mapping[str, Comparison]) -> Iterator[list[Any]]:
    """Every paired comparison: what, of what, difference, interval, p-value, result in words, rows needed."""
    for name, pair in pairs.items():
        of_fields = {f"fields.{field}": found for field, found in (pair.fields or {}).items()}
        for of, found in {"loss": pair.loss, "score": pair.score, **of_fields}.items():
            if found:
                yield [spaced(name), of, *found.difference, found.p_value, spaced(found.result), found.required_rows]


def examples(rows: Sequence[Any], scored: Sequence[Scored], evidence: Evidence) -> Iterator[Part]:
    """The rows on which the adapter scores lowest: its answers field by field, beside the truth and the other arms."""
    worst = findings.worst(rows, scored)
    ids = [rows[i]["id"] for i, _ in worst]
    outputs, turns = findings.outputs(evidence.predictions, ids), evidence.turns(ids)
    yield Prose(f"The {len(worst)} test rows on which the adapter scores lowest, the worst first.")
    for i, score in worst:
        row = rows[i]
        gold = json.loads(row["gold"])
        texts = {"adapter": row["output"], **outputs[row["id"]]}
        points = {one.field.name: float(one.score[i]) for one in scored if i in one.rows}
        yield Example(
            title=f"{row['id']}: score {figure(score)}",
            fields=_fields(gold, texts, points, evidence.schema),
            outputs=[
                (f"output of {arm}, as it stands", _cut(text, LONGEST))
                for arm, text in texts.items()
                if not _answers(text, gold, evidence.schema)
            ],
            turns=[(role, _cut(text, LONGEST // 4)) for role, text in turns.get(row["id"], [])[:100]],
        )


def _fields(gold: Any, texts: Mapping[str, str], points: Mapping[str, float], schema: Any) -> Table:
    """The fields of one row: the truth, each arm's answer, and the adapter's score."""
    parsed = {arm: reading.read(text, {reading.shape(gold)}) for arm, text in texts.items()}
    rows = [
        (
            field.name,
            shown(field.value(gold)),
            *(shown(field.value(answer)) for answer in parsed.values()),
            points.get(field.name),
        )
        for field in fields(schema)
    ]
    marks = ["wrong" if points.get(field.name, 1.0) < 1 else "" for field in fields(schema)]
    return Table("Fields", ["field", "gold", *map(spaced, texts), "score of the adapter"], rows, marks)


def _answers(text: str, gold: Any, schema: Any) -> bool:
    """Whether an output answers every field that has a true value; if not, its text says more than its fields."""
    answer = reading.read(text, {reading.shape(gold)})
    return all(field.value(answer) is not None for field in fields(schema) if field.value(gold) is not None)


def shown(value: Any) -> Any:
    """A value of a field or param for one cell: a whole number as it is, not with its thousands separated."""
    if value is None or isinstance(value, str):
        return value if value is None else _cut(value, LONGEST)
    if isinstance(value, float):
        return f"{value:.6g}"
    return _cut(json.dumps(value, ensure_ascii=False, default=str), LONGEST)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]} ... ({len(text) - longest:,} more characters)"
