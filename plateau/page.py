"""The report as one self-contained HTML page: tables and charts of what `report.content` holds, every value escaped."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from plateau import charts, findings
from plateau.report import ANSWERS, TEMPLATES, Figures, target
from plateau.text import figure, plain

Row = Mapping[str, Any]
Turns = Callable[[Sequence[str]], Mapping[str, Sequence[Row]]]
STATUSES = {
    "baseline": charts.GREY,
    "no_gap": charts.GREEN,
    "minimal": "#6a9f2b",
    "acceptable": "#b08d12",
    "elevated": charts.ORANGE,
    "wide": "#a8430a",
    "overfitting": charts.RED,
}
ARMS = {
    "base": charts.GREY,
    "base_constrained": "#8a6fb3",
    "adapter": charts.BLUE,
    "adapter_constrained": charts.GREEN,
    "fused": charts.ORANGE,
    "majority": "#b5651d",
    "linear": charts.RED,
}
SPLITS = {"train": charts.BLUE, "valid": charts.ORANGE, "test": charts.GREEN}


def write_html(content: Figures, predictions: Sequence[Row], turns: Turns, schema: Any) -> str:
    """The page; `predictions` are the rows of data/predictions.parquet, `turns` finds the transcripts of ids."""
    rows = findings.generated(predictions, "adapter")
    scores = findings.scored(rows, schema)
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else figure(value),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return templates.get_template("index.html.j2").render(
        content,
        **tables(content),
        answers=ANSWERS,
        charts={name: _drawn(spec, text) for name, spec, text in _charts(content, predictions, rows, scores, schema)},
        examples=list(_examples(findings.worst(rows, scores), predictions, turns)),
    )


def tables(content: Figures) -> dict[str, Any]:
    """The rows of every table, as {"cells", "class"}."""
    gates, curve, selection = content["gates"]["rows"], content["curve"], content["selection"]
    point = (
        "iteration",
        "epoch",
        "trained_tokens",
        "lr",
        "train_loss",
        "val_loss",
        "val_perplexity",
        "gap_pct",
        "status",
    )
    figures = content["figures"]
    data = [row for row in figures if row[0].split(".")[0] in ("prepare", "temporal", "split", "convert")]
    return {
        "gate_rows": [
            _row([row["status"], row["criterion"], target(row), row["actual"], row["gap"]], row["status"])
            for row in gates
        ],
        "curve_rows": [
            _row([*(row[key] for key in point), row["notes"]], "chosen" if "selected" in row["notes"] else "")
            for row in curve
        ],
        "candidate_rows": [
            _row(
                [row["iteration"], row["val_loss"], row["train_loss"], row["reason"]], "chosen" if row["chosen"] else ""
            )
            for row in selection["candidates"]
        ],
        "arm_head": ["figure", *content["arms"]],
        "arm_rows": [_row(row) for row in content["arm_table"]],
        "score_head": ["field", "figure", *content["arms"]],
        "score_rows": [_row(row) for row in content["score_table"]],
        "comparison_rows": [_row(row) for row in content["comparison_table"]],
        "data_rows": [_row(row) for row in data],
        "setting_rows": [_row(row) for row in content["settings"].items()],
        "figure_rows": [_row(row) for row in figures],
    }


def _row(cells: Sequence[Any], name: str = "") -> dict[str, Any]:
    return {"cells": list(cells), "class": name}


def _charts(
    content: Figures, predictions: Sequence[Row], rows: Sequence[Row], scores: Sequence[Any], schema: Any
) -> Iterator[tuple[str, charts.Spec, str]]:
    """Name, specification and description of each chart for which there are figures."""
    curve = content["curve"]
    marks = [{"iteration": row["iteration"], "label": ", ".join(row["notes"])} for row in curve if row["notes"]]
    yield "loss", charts.loss_curve(curve, [mark for mark in marks if mark["iteration"]]), _loss_text(content)
    judged = [row for row in curve if row["gap_pct"] is not None and row["status"]]
    statuses = {name: colour for name, colour in STATUSES.items() if any(row["status"] == name for row in judged)}
    yield (
        "gap",
        charts.gaps(judged, statuses),
        "Gap between validation and training loss at each evaluation point, by status.",
    )
    arms = {name: colour for name, colour in ARMS.items() if name in content["arms"]}
    if content["intervals"]:
        yield (
            "scores",
            charts.scores(content["intervals"], arms),
            "Score of each field between 0 and 1 by arm, with intervals; for a number, 1 - error / range.",
        )
    if bands := findings.perplexity_bands(predictions, [arm for arm in arms if arm in ("base", "adapter")]):
        yield (
            "perplexity",
            charts.histogram(bands, "perplexity of a row", arms),
            "Perplexity of the test rows; the last band takes all above.",
        )
    for name, cells in findings.confusions(scores).items():
        classes = sorted({cell[side] for cell in cells for side in ("gold", "predicted")})
        yield f"confusion {name}", charts.confusion(cells, classes), f"{plain(name)}: gold against predicted, adapter."
    for name, points in findings.calibrations(rows, schema).items():
        if points:
            yield (
                f"calibration {name}",
                charts.calibration(points, name),
                f"{plain(name)}: mean gold value by predicted value, adapter.",
            )
    spans = content["split"]
    days = [
        {"split": name, "start": spans["earliest"][name][:10], "end": spans["latest"][name][:10]} for name in SPLITS
    ]
    yield "timeline", charts.timeline(days, SPLITS), "From the first to the last conversation of each split."


def _loss_text(content: Figures) -> str:
    train, selection = content["train"], content["selection"]
    return f"Training and validation loss by update; selected: {selection['iteration']:,}; {train['stop_summary']}."


def _drawn(spec: charts.Spec, text: str) -> dict[str, Any]:
    return {"svg": Markup(charts.svg(spec, text)), "text": text}  # noqa: S704 (Vega escapes the texts in a chart)


def _examples(worst: Sequence[tuple[Row, float]], predictions: Sequence[Row], turns: Turns) -> Iterator[dict[str, Any]]:
    """Gold and every arm's output side by side, long ones cut."""
    outputs: dict[str, list[tuple[str, str]]] = {row["id"]: [] for row, _ in worst}
    for row in predictions:
        if row["id"] in outputs and row["output"] is not None and row["sample"] == 0:
            outputs[row["id"]].append((row["arm"], _cut(row["output"], 2000)))
    found = turns(list(outputs))
    for row, score in worst:
        gold = json.dumps(json.loads(row["gold"]), ensure_ascii=False, indent=1)
        said = [{"role": turn["role"], "text": _cut(turn["text"], 500)} for turn in found.get(row["id"], [])[:100]]
        yield {
            "id": row["id"],
            "score": score,
            "texts": [("gold", _cut(gold, 2000)), *outputs[row["id"]]],
            "turns": said,
        }


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]} ... ({len(text) - longest:,} more characters)"
