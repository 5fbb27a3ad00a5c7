"""The report of a system, written from its metrics files: no figure in it is typed by hand."""

from collections.abc import Mapping, Sequence
from typing import Any


def gate_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The gates as text lines for a terminal, one row a criterion."""
    head = ("status", "criterion", "target", "actual", "gap")
    cells = [head, *(tuple(figure(row[key]) for key in head) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def figure(value: object) -> str:
    """A value for people: 4 significant digits, thousands separated, a dash for none."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return str(value)
