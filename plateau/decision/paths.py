"""A figure by its path, such as arms.adapter.fields.mood.accuracy: found in the classes before there is a file, then read from them.

The path holds the keys of a metrics file with dots between them, and the number of an item of a list, -1 being the last.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from plateau.core.figures import INLINE, Estimate, Keys, Kind, bounds, kind, shape

End = Literal["value", "low", "high"]
Names = Mapping[str, Sequence[str]]  # the keys that a mapping may have, by the figure under which it stands
_COUNTS = ("rows", "generated", "present")


class UnknownFigureError(LookupError):
    """A path that leads to no figure; `depth` is how many of its keys exist."""

    def __init__(self, message: str, depth: int = 0) -> None:
        super().__init__(message)
        self.depth = depth


@dataclass(frozen=True)
class Place:
    """Where a figure stands: attributes, keys and numbers from the top; what it is; and the end that the path names, if any."""

    steps: tuple[str | int, ...]
    holds: Kind
    end: End | None = None

    @property
    def is_estimate(self) -> bool:
        """Whether the figure has an interval."""
        return bool(self.holds.base is Estimate)


@dataclass(frozen=True)
class Found:
    """What stands at a place: the figure, or in `lacking` what is not there; `rows` is the fewest rows that it rests on, if known."""

    value: Any
    rows: int | None
    lacking: str = ""


def find(hint: Any, path: str, names: Names) -> Place:
    """The place of a figure in a metrics file of this class; raises UnknownFigureError, in words for people."""
    return _find(kind(hint), path, (), "", names)


def look(place: Place, content: Any) -> Found:
    """The figure of a place in the content of the file."""
    rows: int | None = None
    value = content
    for step in place.steps:
        rows = _rows(value, rows)
        value = _step(value, step)
        if value is None:
            return Found(None, rows, f"there is no '{step}'")
    return Found(value, rows)


def _step(value: Any, step: str | int) -> Any:
    if isinstance(step, int):
        return value[step] if -len(value) <= step < len(value) else None
    return value.get(step) if isinstance(value, Mapping) else getattr(value, step)


def _rows(value: Any, above: int | None) -> int | None:
    """The fewest rows that a group of figures says it rests on; those of what is above it where it says nothing."""
    known = vars(value) if hasattr(value, "__dict__") else {}
    counts = [known[name] for name in _COUNTS if isinstance(known.get(name), int)]
    counts = counts or [count for name, count in known.items() if name.endswith("_rows") and isinstance(count, int)]
    return min(counts, default=above)


def _find(one: Kind, rest: str, steps: tuple[str | int, ...], held: str, names: Names) -> Place:
    if one.is_class:
        return _in_class(one, rest, steps, names)
    if one.base is not Estimate and one.origin is Mapping:
        return _in_mapping(one, rest, steps, held, names)
    if one.base is not Estimate and one.origin in (Sequence, list):
        return _in_list(one, rest, steps, names)
    if rest:
        raise UnknownFigureError(f"'{held}' is a figure and has no '{rest}' below it", len(steps))
    return Place(steps, one)


def _in_class(one: Kind, rest: str, steps: tuple[str | int, ...], names: Names) -> Place:
    known = _members(one.base)
    head, _, tail = rest.partition(".")
    if not head:
        raise UnknownFigureError(f"it holds several figures; name one of {', '.join(known)}", len(steps))
    if head not in known:
        raise UnknownFigureError(_unknown(head, list(known), steps), len(steps))
    inner, kind_, end = known[head]
    if end is not None and tail:
        raise UnknownFigureError(f"'{head}' is a figure and has no '{tail}' below it", len(steps))
    return Place((*steps, *inner), kind_, end) if end else _find(kind_, tail, (*steps, *inner), head, names)


def _members(cls: Any) -> dict[str, tuple[tuple[str, ...], Kind, End | None]]:
    """The keys of a class as its file has them, those of what is inline among them: way, kind, and end of an interval."""
    found: dict[str, tuple[tuple[str, ...], Kind, End | None]] = {}
    for name, one in shape(cls).items():
        if INLINE in one.marks and one.is_class:
            found |= {key: ((name, *way), inner, end) for key, (way, inner, end) in _members(one.base).items()}
        elif INLINE in one.marks:
            for key in (one.find(Keys) or Keys({})).docs:
                found |= _with_bounds(key, (name, key), one.inner)
        else:
            found |= _with_bounds(name, (name,), one)
    return found


def _with_bounds(name: str, way: tuple[str, ...], one: Kind) -> dict[str, tuple[tuple[str, ...], Kind, End | None]]:
    if one.base is not Estimate:
        return {name: (way, one, None)}
    low, high = bounds(name, one)
    return {name: (way, one, None), low: (way, one, "low"), high: (way, one, "high")}


def _in_mapping(one: Kind, rest: str, steps: tuple[str | int, ...], held: str, names: Names) -> Place:
    """A key may hold dots: the longest known one that begins the rest, or, where any may stand, the shortest that leads somewhere."""
    said = one.find(Keys)
    known = list(said.docs) if said else names.get(held)
    if not rest:
        raise UnknownFigureError(
            f"'{held}' holds several figures; name one of {', '.join(known or ['its keys'])}", len(steps)
        )
    if known is not None:
        fitting = [key for key in known if rest == key or rest.startswith(f"{key}.")]
        if not fitting:
            raise UnknownFigureError(_unknown(rest.partition(".")[0], known, steps), len(steps))
        key = max(fitting, key=len)
        return _find(one.inner, rest[len(key) + 1 :], (*steps, key), key, names)
    parts = rest.split(".")
    failed: list[UnknownFigureError] = []
    for n in range(1, len(parts) + 1):
        key = ".".join(parts[:n])
        try:
            return _find(one.inner, ".".join(parts[n:]), (*steps, key), key, names)
        except UnknownFigureError as error:
            failed.append(error)
    raise max(failed, key=lambda error: error.depth)


def _in_list(one: Kind, rest: str, steps: tuple[str | int, ...], names: Names) -> Place:
    head, _, tail = rest.partition(".")
    try:
        number = int(head)
    except ValueError:
        where = f"'{head}' is no number of an item" if head else "it is a list"
        raise UnknownFigureError(f"{where}; write 0 for the first, -1 for the last", len(steps)) from None
    return _find(one.inner, tail, (*steps, number), head, names)


def _unknown(name: str, known: Sequence[str], steps: tuple[str | int, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'?" if close else f"there are {', '.join(known)}"
    place = f"{'.'.join(map(str, steps))} has" if steps else "it has"
    return f"{place} no '{name}'; {hint}"
