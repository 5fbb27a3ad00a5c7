"""The report of a system, written from its metrics files: no figure in it is typed by hand."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from plateau.text import code, figure, flat, markdown

TEMPLATES = Path(__file__).parent / "templates"
ANSWERS = {
    "ship": "Ship it",
    "do_not_ship": "Do not ship",
    "insufficient_evidence": "Too little evidence to decide",
}
SHOWN_ABOVE = ("evaluate.arms.", "evaluate.comparisons.")
Figures = Mapping[str, Any]


def gate_table(rows: Sequence[Figures]) -> str:
    """The gates as text lines for a terminal, one row a criterion."""
    head = ("status", "criterion", "target", "actual", "gap")
    table = [
        head,
        *((row["status"], row["criterion"], target(row), figure(row["actual"]), figure(row["gap"])) for row in rows),
    ]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table
    )


def target(row: Figures) -> str:
    """What a gate asks for: `>= 0.99`, `== healthy`."""
    return f"{row['rule']} {figure(row['target'])}"


def commands(system: str) -> list[str]:
    """What makes the report again, from the commit that holds its metrics."""
    if system == ".":
        return ["make repro", "make gate"]
    return ["make setup", f". .venv/bin/activate && dvc repro {system}/dvc.yaml", f"python -m stages.gate {system}"]


def curve(evaluations: Sequence[Figures], overfit: Figures, selection: Figures, train: Figures) -> list[dict[str, Any]]:
    """Every evaluation point with its gap, its status and what it is: base, best, selected, onset, last."""
    judged = {row["iteration"]: row for row in overfit["timeline"]}
    names = {
        "base": 0,
        "best": train["best_iteration"],
        "selected": selection["iteration"],
        "onset of overfitting": overfit["onset"],
        "last": train["iterations"],
    }
    return [
        {
            **point,
            "gap_pct": judged[point["iteration"]]["gap_pct"],
            "status": judged[point["iteration"]]["status"],
            "notes": [name for name, iteration in names.items() if iteration == point["iteration"]],
        }
        for point in evaluations
    ]


def arm_table(arms: Mapping[str, Figures]) -> list[list[Any]]:
    """One row a figure, one column an arm: the figures of an arm as a whole, intervals beside their value."""
    names = dict.fromkeys(name for arm in arms.values() for name in _valued(arm))
    return [[name, *(_with_interval(arm, name) for arm in arms.values())] for name in names]


def score_table(arms: Mapping[str, Figures]) -> list[list[Any]]:
    """One row a field and figure, one column an arm."""
    pairs = (
        (name, key) for arm in arms.values() for name, field in arm.get("fields", {}).items() for key in _valued(field)
    )
    rows = dict.fromkeys(pairs)
    return [
        [name, key, *(_with_interval(arm.get("fields", {}).get(name, {}), key) for arm in arms.values())]
        for name, key in rows
    ]


def intervals(arms: Mapping[str, Figures]) -> list[dict[str, Any]]:
    """The score of each field and arm with its interval, for a chart."""
    return [
        {"field": name, "arm": arm, "score": field["score"], "low": field["score_low"], "high": field["score_high"]}
        for arm, figures in arms.items()
        for name, field in figures.get("fields", {}).items()
        if field.get("score_low") is not None
    ]


def _valued(figures: Figures) -> list[str]:
    """Names of single figures, those of interval bounds left out."""
    bounds = {f"{name}_{side}" for name in figures for side in ("low", "high")}
    return [name for name, value in figures.items() if name not in bounds and not isinstance(value, Mapping | list)]


def _with_interval(figures: Figures, name: str) -> str:
    value, low, high = (figures.get(key) for key in (name, f"{name}_low", f"{name}_high"))
    return figure(value) if low is None else f"{figure(value)} ({figure(low)} to {figure(high)})"


def comparisons(pairs: Figures, names: tuple[str, ...] = ()) -> Iterator[list[Any]]:
    """Every paired comparison, however deep: what, of what, difference, interval, p-value, result in words, rows needed."""
    for name, value in pairs.items():
        if isinstance(value, Mapping) and "result" in value:
            keys = ("difference", "low", "high", "p_value")
            title, *of = (*names, name)
            words = str(value["result"]).replace("_", " ")
            yield [title, ".".join(of), *(value[key] for key in keys), words, value["required_rows"]]
        elif isinstance(value, Mapping):
            yield from comparisons(value, (*names, name))


def described(name: str, figures: Figures, schema: Figures) -> list[tuple[str, Any, str]]:
    """The figures of one metrics file as (key, value, meaning), meanings from its schema."""
    return [(f"{name}.{key}", value, _meaning(schema, key.split("."))) for key, value in flat(figures)]


def _meaning(schema: Figures, keys: Sequence[str]) -> str:
    """The description of a nested key; the nearest one above it where it has none."""
    text = ""
    for key in keys:
        below = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
        if not isinstance(below, Mapping):
            return text
        schema, text = below, below.get("description", text)
    return text


def content(figures: Figures, schemas: Figures, title: str, settings: Figures, system: str) -> dict[str, Any]:
    """All that the report shows, from the metrics files by name, their schemas and the knobs of params.yaml."""
    points = curve(figures["evaluations"], figures["overfit"], figures["selection"], figures["train"])
    files = {name: values for name, values in figures.items() if isinstance(values, Mapping)}
    evaluate = figures["evaluate"]
    arms = list(evaluate["arms"])
    return {
        **files,
        "title": title,
        "commands": commands(system),
        "arms": arms,
        "arm_table": arm_table(evaluate["arms"]),
        "score_table": score_table(evaluate["arms"]),
        "intervals": intervals(evaluate["arms"]),
        "comparison_table": list(comparisons(evaluate["comparisons"])),
        "settings": settings,
        "curve": points,
        "sha256": next(point["sha256"] for point in points if "selected" in point["notes"]),
        "figures": [
            row
            for name, values in files.items()
            for row in described(name, values, schemas[name])
            if not row[0].startswith(SHOWN_ABOVE)
        ],
    }


def write_markdown(content: Figures) -> str:
    """REPORT.md from what `content` holds."""
    return render("REPORT.md.j2", content)


def render(template: str, content: Figures) -> str:
    """A Markdown template filled in; whatever stands in a figure is shown, never read as markup."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else markdown(value),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 (Markdown: finalize makes every value safe)
    )
    templates.filters["code"] = lambda value: Markup(code(value))  # noqa: S704 (a span that cannot be left)
    return templates.get_template(template).render(content, answers=ANSWERS, target=target)
