"""Charts as inline SVG: Vega-Lite specifications, drawn by vl-convert without a network.

Colours hold on light and dark pages alike; text takes the page's own colour. Every chart carries its description.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Spec = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

BLUE, ORANGE, GREEN, RED, GREY = "#3b82c4", "#c9711a", "#2f9461", "#d1495b", "#808080"
INK = "currentColor"
CONFIG = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "domainColor": GREY,
        "tickColor": GREY,
        "gridColor": GREY,
        "gridOpacity": 0.25,
    },
    "legend": {"labelColor": INK, "titleColor": INK, "title": None, "orient": "top"},
    "header": {"labelColor": INK, "titleColor": INK},
    "text": {"color": INK},
}


def svg(spec: Spec, description: str) -> str:
    """Draw a Vega-Lite specification; the same one always gives the same bytes."""
    import vl_convert

    whole = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 600,
        "height": 240,
        "config": CONFIG,
    }
    drawn: str = vl_convert.vegalite_to_svg({**whole, **spec, "description": description}, vl_version="5.20")
    return drawn


def loss_curve(points: Rows, marks: Rows) -> Spec:
    """Training and validation loss by iteration; `marks` {"iteration", "label"} are drawn as upright lines."""
    lines = {
        "data": {"values": _long(points, {"train_loss": "training", "val_loss": "validation"})},
        "mark": {"type": "line", "point": True, "clip": True},
        "encoding": {
            "x": _quantity("iteration", "updates"),
            "y": _magnitude("value", "loss, nats a token", [point["val_loss"] for point in points]),
            "color": _colours("series", {"training": ORANGE, "validation": BLUE}),
        },
    }
    return {"layer": [lines, *_upright(marks, max(point["iteration"] for point in points))]}


def gaps(points: Rows, colours: Mapping[str, str]) -> Spec:
    """The gap (val - train) / train in percent at each evaluation point, coloured by its status."""
    return {
        "height": 160,
        "data": {"values": list(points)},
        "mark": {"type": "bar", "width": {"band": 0.7}},
        "encoding": {
            "x": {
                "field": "iteration",
                "type": "ordinal",
                "title": "updates",
                "axis": {"labelAngle": 0, "labelOverlap": True},
            },
            "y": _quantity("gap_pct", "gap, % of the training loss"),
            "color": _colours("status", colours),
        },
    }


def scores(rows: Rows, colours: Mapping[str, str]) -> Spec:
    """Scores {"field", "arm", "score", "low", "high"} between 0 and 1, a row a field, with intervals."""
    y = {"field": "field", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 260}}
    offset = {"field": "arm", "type": "nominal", "sort": list(colours)}
    colour = _colours("arm", colours)
    whisker = {"x": _quantity("low", "score"), "x2": {"field": "high"}, "y": y, "yOffset": offset, "color": colour}
    return {
        "height": {"step": 9},
        "data": {"values": list(rows)},
        "layer": [
            {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": whisker},
            {
                "mark": {"type": "point", "filled": True, "size": 40},
                "encoding": {**whisker, "x": _quantity("score", "score"), "x2": {}},
            },
        ],
    }


def confusion(rows: Rows, classes: Sequence[str]) -> Spec:
    """Counts {"gold", "predicted", "count"} of one field, shaded by the share of the gold class."""
    totals = {name: sum(row["count"] for row in rows if row["gold"] == name) or 1 for name in classes}
    cells = [{**row, "share": row["count"] / totals[row["gold"]]} for row in rows]
    axis = {"labelLimit": 200}
    place = {
        "x": {"field": "predicted", "type": "nominal", "sort": list(classes), "axis": {**axis, "labelAngle": -40}},
        "y": {"field": "gold", "type": "nominal", "sort": list(classes), "axis": axis},
    }
    shade = {
        "field": "share",
        "type": "quantitative",
        "scale": {"range": ["#eef3f8", "#1d5c94"], "domain": [0, 1]},
        "legend": None,
    }
    text = {"condition": {"test": "datum.share > 0.5", "value": "#ffffff"}, "value": "#1a1a1a"}
    return {
        "width": {"step": 42},
        "height": {"step": 28},
        "data": {"values": cells},
        "layer": [
            {"mark": "rect", "encoding": {**place, "color": shade}},
            {"mark": "text", "encoding": {**place, "text": {"field": "count"}, "color": text}},
        ],
    }


def calibration(rows: Rows, title: str) -> Spec:
    """Mean gold value {"predicted", "gold", "low", "high", "count"} for bands of predicted values; right on the diagonal is right."""
    ends = [row[key] for row in rows for key in ("predicted", "gold")] or [0, 1]
    line = {"values": [{"at": min(ends)}, {"at": max(ends)}]}
    at = {
        "x": _quantity("predicted", f"predicted {title}", zero=False),
        "y": _quantity("gold", f"mean gold {title}", zero=False),
    }
    return {
        "width": 260,
        "data": {"values": list(rows)},
        "layer": [
            {
                "data": line,
                "mark": {"type": "line", "color": GREY, "strokeDash": [4, 4]},
                "encoding": {"x": {**at["x"], "field": "at"}, "y": {**at["y"], "field": "at"}},
            },
            {"mark": {"type": "point", "filled": True, "color": BLUE, "size": 50}, "encoding": at},
        ],
    }


def histogram(rows: Rows, title: str, colours: Mapping[str, str]) -> Spec:
    """Counts {"start", "end", "count", "series"} in bands, one translucent area a series."""
    return {
        "height": 180,
        "data": {"values": list(rows)},
        "mark": {"type": "bar", "opacity": 0.65, "binSpacing": 0},
        "encoding": {
            "x": {**_magnitude("start", title, [row["end"] for row in rows]), "bin": {"binned": True}},
            "x2": {"field": "end"},
            "y": {**_quantity("count", "rows"), "stack": None},
            "color": _colours("series", colours),
        },
    }


def timeline(rows: Rows, colours: Mapping[str, str]) -> Spec:
    """Spans {"split", "start", "end"} of ISO days, one bar a split."""
    return {
        "height": {"step": 26},
        "data": {"values": list(rows)},
        "mark": {"type": "bar", "height": {"band": 0.6}},
        "encoding": {
            "x": {"field": "start", "type": "temporal", "title": None},
            "x2": {"field": "end"},
            "y": {"field": "split", "type": "nominal", "sort": None, "title": None},
            "color": {**_colours("split", colours), "legend": None},
        },
    }


def _long(points: Rows, series: Mapping[str, str]) -> list[dict[str, Any]]:
    """One row a point and series; a missing figure is left out, not drawn as 0."""
    return [
        {"iteration": point["iteration"], "series": name, "value": point[key]}
        for point in points
        for key, name in series.items()
        if point.get(key) is not None
    ]


def _upright(marks: Rows, last: int) -> list[Spec]:
    """Dashed lines with their labels, which stand on the inner side near the right edge."""
    x = _quantity("iteration", "updates")
    ink = {"value": INK}
    layers: list[Spec] = [
        {
            "data": {"values": list(marks)},
            "mark": {"type": "rule", "strokeDash": [3, 3]},
            "encoding": {"x": x, "color": ink},
        }
    ]
    for align, dx in (("left", 4), ("right", -4)):
        near = [mark for mark in marks if (mark["iteration"] > 0.7 * last) == (align == "right")]
        text = {"type": "text", "align": align, "baseline": "top", "dx": dx, "y": 0}
        encoding = {"x": x, "text": {"field": "label"}, "color": ink}
        layers.append({"data": {"values": near}, "mark": text, "encoding": encoding})
    return layers


def _magnitude(field: str, title: str, values: Sequence[float | None]) -> dict[str, Any]:
    """A quantity whose axis is logarithmic where its values differ more than twentyfold."""
    known = [value for value in values if value is not None and value > 0]
    wide = bool(known) and max(known) > 20 * min(known)
    scale = {"type": "log"} if wide else {"zero": False}
    return {"field": field, "type": "quantitative", "title": f"{title}, log scale" if wide else title, "scale": scale}


def _quantity(field: str, title: str | None, zero: bool = True) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": title, "scale": {"zero": zero}}


def _colours(field: str, colours: Mapping[str, str]) -> dict[str, Any]:
    scale = {"domain": list(colours), "range": list(colours.values())}
    return {"field": field, "type": "nominal", "scale": scale, "title": None}
