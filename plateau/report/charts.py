"""Charts as inline SVG: Vega-Lite specifications, drawn by vl-convert without a network.

Charts are drawn as wide as a telephone and scaled up. Their colours work on light and dark pages, and text takes the page's own colour. Every chart carries its description.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Spec = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

BLUE, ORANGE, GREEN, RED, GREY = "#3b82c4", "#c9711a", "#2f9461", "#d1495b", "#808080"
STATUSES = {
    "baseline": GREY,
    "no_gap": GREEN,
    "minimal": "#6a9f2b",
    "acceptable": "#a8860f",
    "elevated": ORANGE,
    "wide": "#b9490c",
    "overfitting": RED,
}
SPLITS = {"train": BLUE, "valid": ORANGE, "test": GREEN}
SERIES = (BLUE, ORANGE, GREEN, RED, "#8a6fb3", "#a8860f", GREY, "#6a9f2b")
WIDTH = 350
LETTER, SYMBOL = 7, 30  # widths, in pixels, in a legend
PALE, DARK = (238, 243, 248), (29, 92, 148)  # ends of the scale of shares
INK = "currentColor"
CONFIG = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "domainColor": GREY,
        "tickColor": GREY,
        "gridColor": GREY,
        "gridOpacity": 0.25,
    },
    "legend": {
        "labelColor": INK,
        "titleColor": INK,
        "title": None,
        "orient": "top",
        "columns": 4,
        "labelFontSize": 11,
        "symbolSize": 60,
        "columnPadding": 8,
        "rowPadding": 1,
    },
    "text": {"color": INK, "fontSize": 11},
}


def svg(spec: Spec, description: str) -> str:
    """Draw a Vega-Lite specification; the same specification always gives the same bytes."""
    import vl_convert

    frame: Spec = {"width": WIDTH, "height": 200, "autosize": {"type": "fit", "contains": "padding"}}
    if "vconcat" in spec:
        frame = {}  # a chart of several panels sets the size of each
    elif isinstance(spec.get("height"), dict):
        frame["autosize"] = {**frame["autosize"], "type": "fit-x"}
    whole = {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", "config": CONFIG, **frame}
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
    return {"height": 220, "layer": [lines, *_upright(marks, max(point["iteration"] for point in points))]}


def run_curves(points: Rows, names: Sequence[str]) -> Spec:
    """Validation loss {"iteration", "val_loss", "run"} by iteration, one line a run."""
    known = [point for point in points if point["val_loss"] is not None]
    return {
        "height": 220,
        "data": {"values": known},
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": _quantity("iteration", "updates"),
            "y": _magnitude("val_loss", "validation loss, nats a token", [point["val_loss"] for point in known]),
            "color": _colours("run", dict(zip(names, SERIES * len(names), strict=False))),
        },
    }


def gaps(points: Rows) -> Spec:
    """The gap (val - train) / train in percent at each evaluation point, coloured by its status."""
    used = {name: colour for name, colour in STATUSES.items() if any(row["status"] == name for row in points)}
    return {
        "height": 220,
        "data": {"values": [{**row, "status": str(row["status"]).replace("_", " ")} for row in points]},
        "mark": {"type": "bar", "width": {"band": 0.7}},
        "encoding": {
            "x": {
                "field": "iteration",
                "type": "ordinal",
                "title": "updates",
                "axis": {"labelAngle": 0, "labelOverlap": True},
            },
            "y": _quantity("gap_pct", "gap, % of the training loss"),
            "color": _colours("status", {name.replace("_", " "): colour for name, colour in used.items()}),
        },
    }


def scores(rows: Rows, names: Sequence[str], colours: Mapping[str, str]) -> Spec:
    """Scores {"name", "series", "score", "low", "high"} between 0 and 1, a row a name, with intervals; `names` are the series."""
    y: Spec = {
        "field": "name",
        "type": "nominal",
        "title": None,
        "sort": None,
        "axis": {"labelLimit": 130, "ticks": False},
    }
    y["scale"] = {"paddingInner": 0.3, "paddingOuter": 0.1}
    offset = {"field": "series", "type": "nominal", "sort": list(names)}
    scale = {"domain": [0, 1]}
    colour = _colours("series", {name: colours[name] for name in names})
    shared = {"y": y, "yOffset": offset, "color": colour}
    span = {"x": {**_quantity("low", "score"), "scale": scale}, "x2": {"field": "high"}}
    middle = {"x": {**_quantity("score", "score"), "scale": scale, "axis": {"tickCount": 5}}}
    return {
        "height": {"step": 7},
        "data": {"values": list(rows)},
        "layer": [
            {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": {**shared, **span}},
            {"mark": {"type": "point", "filled": True, "size": 36, "opacity": 1}, "encoding": {**shared, **middle}},
        ],
    }


def cost(rows: Rows, title: str, colours: Mapping[str, str]) -> Spec:
    """Scores {"arm", "cost", "score", "low", "high"} of arms by what a call costs, with intervals."""
    scale = {"domain": [0, 1]}
    shared = {"x": _quantity("cost", title), "color": _colours("arm", colours)}
    return {
        "height": 160,
        "data": {"values": list(rows)},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {**shared, "y": {**_quantity("low", "score"), "scale": scale}, "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
                "encoding": {**shared, "y": {**_quantity("score", "score"), "scale": scale}},
            },
        ],
    }


def confusion(rows: Rows, classes: Sequence[str]) -> Spec:
    """Counts {"gold", "predicted", "count"} of one field, shaded by the share of the gold class."""
    totals = {name: sum(row["count"] for row in rows if row["gold"] == name) or 1 for name in classes}
    cells = [{**row, **_shade(row["count"] / totals[row["gold"]])} for row in rows]
    axis = {"labelLimit": 110, "ticks": False, "domain": False}
    place = {
        "x": {"field": "predicted", "type": "nominal", "sort": list(classes), "axis": {**axis, "labelAngle": -40}},
        "y": {"field": "gold", "type": "nominal", "sort": list(classes), "axis": axis, "title": "true"},
    }
    text = {"field": "text", "type": "nominal", "scale": None}
    return {
        "width": max(WIDTH, 18 * len(classes) + 130),
        "height": 24 * len(classes) + 90,
        "data": {"values": cells},
        "layer": [
            {"mark": "rect", "encoding": {**place, "color": {"field": "fill", "type": "nominal", "scale": None}}},
            {
                "mark": {"type": "text", "fontSize": 10},
                "encoding": {**place, "text": {"field": "count"}, "color": text},
            },
        ],
    }


def _shade(share: float) -> dict[str, str]:
    """The fill of a share, and black or white on it, whichever is easier to read."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(PALE, DARK, strict=True))
    fill = f"#{red:02x}{green:02x}{blue:02x}"
    return {"fill": fill, "text": max(("#000000", "#ffffff"), key=lambda ink: contrast(fill, ink))}


def contrast(one: str, other: str) -> float:
    """Contrast of two colours #rrggbb, 1 to 21, as WCAG 2.2 defines it."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def calibration(rows: Rows, title: str) -> Spec:
    """Mean true value {"predicted", "gold", "low", "high"} for bands of predicted values; on the diagonal is right."""
    ends = [row[key] for row in rows for key in ("predicted", "gold")] or [0, 1]
    line = {"values": [{"at": min(ends)}, {"at": max(ends)}]}
    at = {"x": _quantity("predicted", f"predicted {title}", zero=False)}
    true = _quantity("gold", f"mean true {title}", zero=False)
    dashes = {"type": "line", "color": GREY, "strokeDash": [4, 4]}
    diagonal = {"x": {**at["x"], "field": "at"}, "y": {**true, "field": "at"}}
    return {
        "data": {"values": list(rows)},
        "layer": [
            {"data": line, "mark": dashes, "encoding": diagonal},
            {
                "mark": {"type": "rule", "color": BLUE},
                "encoding": {**at, "y": {**true, "field": "low"}, "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "point", "filled": True, "color": BLUE, "size": 50, "opacity": 1},
                "encoding": {**at, "y": true},
            },
        ],
    }


def histogram(rows: Rows, title: str, colours: Mapping[str, str], limit: float | None = None) -> Spec:
    """Counts {"start", "end", "count", "series"} in bands, one row of bars a series; `limit` is drawn as a line."""
    names = [name for name in colours if any(row["series"] == name for row in rows)]
    x = _magnitude("start", title, [row["end"] for row in rows])
    bars = {
        "mark": {"type": "bar", "binSpacing": 0},
        "encoding": {
            "x": {**x, "bin": {"binned": True}},
            "x2": {"field": "end"},
            "y": {**_quantity("count", "rows"), "axis": {"tickCount": 3}},
            "color": {**_colours("series", colours), "legend": None},
        },
    }
    rule = {
        "data": {"values": [] if limit is None else [{"start": limit}]},
        "mark": {"type": "rule", "strokeDash": [3, 3]},
        "encoding": {"x": x, "color": {"value": INK}},
    }
    panels = [
        {
            "width": WIDTH - 50,
            "height": 60,
            "title": {"text": name, "anchor": "start", "fontSize": 11, "color": INK, "fontWeight": "normal"},
            "transform": [{"filter": {"field": "series", "equal": name}}],
            "layer": [bars, rule],
        }
        for name in names
    ]
    return {"data": {"values": list(rows)}, "vconcat": panels, "spacing": 4, "resolve": {"scale": {"x": "shared"}}}


def timeline(rows: Rows) -> Spec:
    """Spans {"split", "start", "end", "label"} of ISO days, one bar a split."""
    y = {
        "field": "split",
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"ticks": False, "domain": False, "labelFontSize": 11},
    }
    x = {"field": "start", "type": "temporal", "title": None, "axis": {"tickCount": 5, "labelOverlap": True}}
    return {
        "height": {"step": 28},
        "data": {"values": list(rows)},
        "mark": {"type": "bar", "height": {"band": 0.6}, "stroke": INK, "strokeWidth": 0.5},
        "encoding": {"x": x, "x2": {"field": "end"}, "y": y, "color": {**_colours("split", SPLITS), "legend": None}},
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
    """Dashed lines with their labels one below the other, on the inner side near the right edge."""
    placed = [{**mark, "place": 12 * i} for i, mark in enumerate(marks)]
    x = _quantity("iteration", "updates")
    ink = {"value": INK}
    layers: list[Spec] = [
        {
            "data": {"values": placed},
            "mark": {"type": "rule", "strokeDash": [3, 3]},
            "encoding": {"x": x, "color": ink},
        }
    ]
    for align, dx in (("left", 4), ("right", -4)):
        near = [mark for mark in placed if (mark["iteration"] > 0.6 * last) == (align == "right")]
        text = {"type": "text", "align": align, "baseline": "top", "dx": dx, "dy": {"expr": "datum.place"}, "y": 0}
        encoding = {"x": x, "text": {"field": "label"}, "color": ink}
        layers.append({"data": {"values": near}, "mark": text, "encoding": encoding})
    return layers


def _magnitude(field: str, title: str, values: Sequence[float | None]) -> dict[str, Any]:
    """A quantity whose axis is logarithmic where its values differ more than fivefold, so that small values stay visible."""
    known = [value for value in values if value is not None and value > 0]
    wide = bool(known) and max(known) > 5 * min(known)
    scale = {"type": "log"} if wide else {"zero": False}
    return {"field": field, "type": "quantitative", "title": f"{title}, log scale" if wide else title, "scale": scale}


def _quantity(field: str, title: str | None, zero: bool = True) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": title, "scale": {"zero": zero}}


def _colours(field: str, colours: Mapping[str, str]) -> dict[str, Any]:
    scale = {"domain": list(colours), "range": list(colours.values())}
    wide = LETTER * max(map(len, colours), default=0) + SYMBOL
    legend = {"columns": max(1, min(4, WIDTH // wide)), "labelLimit": WIDTH}
    return {"field": field, "type": "nominal", "scale": scale, "title": None, "legend": legend}
