"""Gates that people write themselves, in gates.criteria: any figure of any metrics file, by its path, against a target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, get_args

from plateau.core.figures import Estimate, Kind, read
from plateau.core.numbers import is_finite
from plateau.core.system import System
from plateau.decision import paths
from plateau.decision.paths import End, Names, Place, UnknownFigureError
from plateau.metrics.files import FILES
from plateau.metrics.gates import Rule

AFTER = ("headline", "gates", "scores", "unsealed")  # what is written after the gates are
PLOTTED = ("loss", "confusion")  # points of plots, without a figure
READABLE = tuple(name for name in FILES if name not in (*AFTER, *PLOTTED))


@dataclass(frozen=True)
class Criterion:
    """One entry of gates.criteria. `bound` is the end of the figure's interval that is judged; None for the unfavourable one."""

    name: str
    file: str
    figure: str
    rule: Rule
    target: float | str
    bound: End | None = None
    why: str = ""

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Self:
        """The entry as it stands in params; the file may be named with its folder and its ending, true and false are words."""
        target = entry["target"]
        words = str(target).lower() if isinstance(target, bool) else target
        file = entry["file"].removeprefix("metrics/").removesuffix(".json")
        return cls(**{**entry, "file": file, "target": words})

    def end(self, place: Place) -> End:
        """Which end of an interval is judged: as the path or `bound` says, else the unfavourable one."""
        named = place.end or self.bound
        if named or not place.is_estimate:
            return named or "value"
        return {">": "low", "<": "high"}.get(self.rule[0], "value")  # type: ignore[return-value]

    def place(self, names: Names) -> Place:
        """Where the figure stands; raises UnknownFigureError where there is none, or none that the target can be held against."""
        if self.file not in READABLE:
            raise UnknownFigureError(_no_file(self.file))
        place = paths.find(FILES[self.file], self.figure, names)
        _check_type(self, place)
        return place


@dataclass(frozen=True)
class Measured:
    """What a criterion found: the figure, None where it is missing; the rows behind an interval; and why it is missing."""

    actual: float | str | None
    rows: int | None = None
    note: str | None = None


@dataclass(frozen=True)
class Criteria:
    """All criteria, and the content of the metrics files that they name."""

    listed: Sequence[Criterion] = ()
    files: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, system: System, entries: Sequence[Mapping[str, Any]], **known: Any) -> Self:
        """The criteria of params with what they are about, from metrics/; `known` are files that are not written yet, or read already."""
        listed = [Criterion.of(entry) for entry in entries]
        wanted = {one.file for one in listed} - set(known)
        return cls(listed, {**known, **{name: read(FILES[name], system.metrics(name)) for name in sorted(wanted)}})

    def measure(self, one: Criterion) -> Measured:
        """The figure of one criterion."""
        try:
            place = one.place({})
        except UnknownFigureError as error:
            return Measured(None, note=f"metrics/{one.file}.json: {error}")
        found = paths.look(place, self.files[one.file])
        end = one.end(place)
        value = getattr(found.value, end) if isinstance(found.value, Estimate) else found.value
        if isinstance(value, bool):
            value = str(value).lower()
        if isinstance(value, str) or is_finite(value):
            return Measured(value, found.rows if place.is_estimate else None)
        said = found.lacking or ("it is null" if end == "value" else f"it has no {end} end")
        return Measured(None, note=f"{one.figure} of metrics/{one.file}.json: {said}")


def _no_file(name: str) -> str:
    if name in AFTER:
        return f"metrics/{name}.json is written after the gates"
    if name in PLOTTED:
        return f"metrics/{name}.json holds points of a plot"
    if name == "speed":
        return "timings differ from run to run, so that they decide nothing"
    return f"there is no metrics/{name}.json; there are {', '.join(READABLE)}"


def _check_type(one: Criterion, place: Place) -> None:
    """Raise UnknownFigureError where target, rule or bound do not fit the figure."""
    numeric = _is_number(place.holds)
    if one.bound and one.bound != "value" and not place.is_estimate:
        raise UnknownFigureError(f"it has no interval, so no {one.bound} end; leave `bound` out")
    if numeric != (not isinstance(one.target, str)):
        raise UnknownFigureError(f"it is {'a number' if numeric else 'a word'}, and the target {one.target!r} is not")
    if not numeric and one.rule != "==":
        raise UnknownFigureError(f"it is a word, for which only the rule == asks, not {one.rule}")
    words = _words(place.holds)
    if words and one.target not in words:
        raise UnknownFigureError(f"it is one of {', '.join(words)}, never {one.target}")


def _is_number(one: Kind) -> bool:
    parts = get_args(one.base) if one.base is not Estimate and not _words(one) else ()
    return one.base in (Estimate, int, float) or bool(parts and {int, float} & set(parts))


def _words(one: Kind) -> tuple[str, ...]:
    """The words that a figure may be; empty for any text and for numbers."""
    if one.base is bool:
        return ("true", "false")
    args = get_args(one.base)
    return args if args and all(isinstance(part, str) for part in args) else ()
