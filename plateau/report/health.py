"""Show any metrics file as tables, with the meaning of each figure from the file's class.

A new figure needs no change here: each figure is a row, and mappings with the same keys become the columns of one table.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from plateau.core.figures import to_json
from plateau.core.system import SPLITS
from plateau.data import nodes
from plateau.metrics.schema import schema
from plateau.report.page import Table
from plateau.report.text import flat, spaced

Figures = Mapping[str, Any]


def described(name: str, found: Any) -> list[tuple[str, Any, str]]:
    """The figures of one metrics file as (key, value, meaning)."""
    described = schema(type(found))
    return [(f"{name}.{key}", value, meaning(described, key.split("."))) for key, value in flat(to_json(found))]


def tables(name: str, found: Any) -> list[Table]:
    """The tables of a whole metrics file: its own figures first, then those of nested parts."""
    return list(_tables(name, (), to_json(found), schema(type(found))))


def meaning(described: Figures, keys: Sequence[str]) -> str:
    """The description of a nested key; where it has none, that of the nearest key above it."""
    node, text = nodes.root(described), ""
    for key in keys:
        node = node.under(key)
        text = node.keyword("description") or text
    return text


def _tables(title: str, place: tuple[str, ...], figures: Figures, described: Figures) -> Iterator[Table]:
    single = {key: value for key, value in figures.items() if not _nests(value)}
    if single:
        rows = [(spaced(key), _shown(value), meaning(described, (*place, key))) for key, value in single.items()]
        yield _table(title, ["figure", "value"], rows)
    for group in _groups({key: value for key, value in figures.items() if key not in single}):
        if all(isinstance(value, Mapping) and not any(map(_nests, value.values())) for value in group.values()):
            yield _matrix(title, place, group, described)
            continue
        for key, value in group.items():
            below = f"{title}: {spaced(key)}"
            if isinstance(value, Mapping):
                yield from _tables(below, (*place, key), value, described)
            else:
                yield _listed(below, value)


def _nests(value: Any) -> bool:
    """Whether a value needs a table of its own."""
    return bool(value) and (isinstance(value, Mapping) or (isinstance(value, list) and isinstance(value[0], Mapping)))


def _groups(figures: Figures) -> list[dict[str, Any]]:
    """Group neighbouring mappings that have the same keys; the three splits are always one group."""
    groups: dict[Any, dict[str, Any]] = {}
    for key, value in figures.items():
        keys = "splits" if key in SPLITS else frozenset(value) if isinstance(value, Mapping) else key
        groups.setdefault(keys, {})[key] = value
    return list(groups.values())


def _matrix(title: str, place: tuple[str, ...], group: Figures, described: Figures) -> Table:
    """Mappings as one table: a column each for the splits, else a row each; a mapping on its own as a list of its figures."""
    keys = list(dict.fromkeys(key for value in group.values() for key in value))
    if set(group) <= set(SPLITS):
        first, cells = next(iter(group)), [[v.get(key) for v in group.values()] for key in keys]
        rows = [
            (spaced(key), *row, meaning(described, (*place, first, key))) for key, row in zip(keys, cells, strict=True)
        ]
        return _table(title, ["figure", *group], rows)
    if len(group) == 1:
        ((name, values),) = group.items()
        rows = [(spaced(key), value, meaning(described, (*place, name, key))) for key, value in values.items()]
        return _table(f"{title}: {spaced(name)}", ["figure", "value"], rows)
    rows = [
        (spaced(name), *(v.get(key) for key in keys), meaning(described, (*place, name))) for name, v in group.items()
    ]
    names = ", ".join(map(spaced, group))
    return _table(f"{title}: {names}", ["figure", *map(spaced, keys)], rows)


def _table(title: str, head: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Table:
    """A table whose last column is the meaning; where all rows share one meaning, it is in the title instead."""
    shared = {row[-1] for row in rows}
    if len(rows) > 1 and len(shared) == 1:
        meant = shared.pop()
        return Table(f"{title} ({meant})" if meant else title, head, [row[:-1] for row in rows])
    return Table(title, [*head, "meaning"], rows)


def _listed(title: str, rows: Sequence[Figures]) -> Table:
    """A list of mappings as a table."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    return Table(title, [spaced(key) for key in keys], [[_shown(row.get(key)) for key in keys] for row in rows])


def _shown(value: Any) -> Any:
    """A value for one cell; an empty list or mapping becomes "none"."""
    return "none" if value in ([], {}) else value
