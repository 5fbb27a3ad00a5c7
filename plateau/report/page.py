"""Pages for people: what is shown is said once, as sections of tables, charts and texts, and written as HTML and as Markdown.

The HTML is one file that needs nothing else: no script, no network, light and dark. Whatever a value holds is shown, never read
as markup. Markdown has a chart's figures as a table.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from plateau.core.figures import Estimate
from plateau.report import charts
from plateau.report.text import code, figure, markdown

TEMPLATES = Path(__file__).parent / "templates"
ANSWERS = {
    "ship": "Ship it",
    "ship_with_waivers": "Ship it, with waivers",
    "do_not_ship": "Do not ship",
    "insufficient_evidence": "Too little evidence to decide",
}


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head. `marks` says what each row is (pass, fail, missing, chosen); `folded` closes it at first."""

    kind: ClassVar = "table"
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[Any]]
    marks: Sequence[str] = ()
    folded: bool = False

    def numbers(self) -> set[int]:
        """Columns that hold nothing but figures; they stand to the right."""
        return {i for i in range(len(self.head)) if all(_is_figure(row[i]) for row in self.rows)}

    def marked(self) -> Iterator[tuple[str, Sequence[Any]]]:
        """Each row with its mark."""
        return zip(self.marks or [""] * len(self.rows), self.rows, strict=True)


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite specification, what it shows in words, and its figures."""

    kind: ClassVar = "chart"
    text: str
    spec: charts.Spec
    table: Table | None = None

    def svg(self) -> Markup:
        """The chart drawn; Vega escapes the texts in it."""
        return Markup(charts.svg(self.spec, self.text))  # noqa: S704


@dataclass(frozen=True)
class Charts:
    """Charts that stand side by side where there is room."""

    kind: ClassVar = "charts"
    charts: Sequence[Chart]


@dataclass(frozen=True)
class Prose:
    """A paragraph; `links` are (address, text) after it."""

    kind: ClassVar = "prose"
    text: str
    links: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Commands:
    """Lines for a terminal."""

    kind: ClassVar = "commands"
    lines: Sequence[str]


@dataclass(frozen=True)
class Example:
    """A test row: its fields side by side, outputs that are no answers, and the transcript as (role, text)."""

    kind: ClassVar = "example"
    title: str
    fields: Table
    outputs: Sequence[tuple[str, str]]
    turns: Sequence[tuple[str, str]]


Part = Table | Charts | Prose | Commands | Example


@dataclass(frozen=True)
class Section:
    """Parts under a title."""

    title: str
    parts: Sequence[Part]

    @property
    def anchor(self) -> str:
        """Where links to it lead."""
        return self.title.lower().replace(" ", "-")


@dataclass(frozen=True)
class Page:
    """`answer` is one of ANSWERS, or empty; `lines`, `warnings`, `tiles` (name, value) and `table` stand on the first screen."""

    title: str
    answer: str
    headline: str
    lines: Sequence[tuple[str, str]]
    warnings: Sequence[str]
    tiles: Sequence[tuple[str, Any]]
    table: Table | None
    sections: Sequence[Section]


def write_html(page: Page) -> str:
    """The page as one HTML file."""
    return _environment(figure).get_template("page.html.j2").render(page=page)


def write_markdown(page: Page) -> str:
    """The page as Markdown."""
    return render("page.md.j2", {"page": page})


def render(template: str, content: Mapping[str, Any]) -> str:
    """A Markdown template filled in; whatever stands in a figure is shown, never read as markup."""
    templates = _environment(lambda value: Markup(markdown(value)))  # noqa: S704 (made safe for Markdown)
    templates.filters["code"] = lambda value: Markup(code(value))  # noqa: S704 (a span that cannot be left)
    module: Any = templates.get_template("tables.md.j2").module
    return templates.get_template(template).render(content, table=module.table)


def _environment(show: Callable[[Any], str]) -> Environment:
    """Templates whose values are shown by `show` and escaped; a macro's output is neither."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else show(value),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _is_figure(value: Any) -> bool:
    return value is None or isinstance(value, int | float | Estimate)
