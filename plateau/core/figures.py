"""The figures of a metrics file as a frozen dataclass: how the file is written and read, and its JSON Schema, follow from the class.

Each field of the class is a figure. Its annotation says all that is known of it, as in `accepted: Annotated[Count,
"conversations that go on"]`: the type, the meaning, which docs and report show, and further marks, which are defined below.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from plateau.core.errors import BadInputError
from plateau.core.files import read_json
from plateau.core.numbers import is_finite

T = TypeVar("T")
OPTIONAL = object()  # the key is left out where the figure is None
INLINE = object()  # the keys of a dataclass stand beside the other figures


@dataclass(frozen=True)
class Limits:
    """The least and the greatest value of a figure."""

    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Keys:
    """All keys of a mapping, each with its meaning."""

    docs: Mapping[str, str]


@dataclass(frozen=True)
class Bare:
    """Mark an estimate whose bounds are written as `low` and `high`, not `NAME_low` and `NAME_high`; `interval` says in words what they bound."""

    interval: str


@dataclass(frozen=True)
class Digits:
    """Mark a figure that is written with this many significant digits."""

    count: int

    def __call__(self, value: float) -> float:
        """The value rounded; never -0.0."""
        return float(f"{value:.{self.count}g}") or 0.0


@dataclass(frozen=True)
class Decimals:
    """Mark a figure that is written with this many decimal places."""

    count: int

    def __call__(self, value: float) -> float:
        """The value rounded."""
        return round(float(value), self.count)


Count = Annotated[int, Limits(0)]
Share = Annotated[float, Limits(0, 1), Decimals(6)]
Exact = Annotated[float, Digits(17)]


class Estimate(NamedTuple):
    """A figure with its interval; written as `name`, `name_low` and `name_high`."""

    value: float | None
    low: float | None = None
    high: float | None = None


def value_of(estimate: Estimate | None) -> float | None:
    """The figure of an estimate; None where there is none."""
    return estimate.value if estimate else None


@dataclass(frozen=True)
class Kind:
    """An annotation taken apart: the type without None and Annotated, whether None is allowed, and the marks."""

    base: Any
    nullable: bool = False
    marks: tuple[Any, ...] = ()

    @property
    def origin(self) -> Any:
        """Mapping, list, Literal or Union for types that have parts; the type itself for others."""
        return get_origin(self.base) or self.base

    @property
    def is_class(self) -> bool:
        """Whether it is a dataclass of figures."""
        return dataclasses.is_dataclass(self.base)

    @property
    def doc(self) -> str:
        """The meaning of the figure: the text in its annotation, else the docstring of its dataclass."""
        return self.find(str) or (str(self.base.__doc__) if self.is_class else "")

    @property
    def inner(self) -> "Kind":
        """The kind of the items of a list, or of the values of a mapping."""
        return kind(get_args(self.base)[-1])

    def find(self, wanted: type[T]) -> T | None:
        """The last mark of a class; None without one."""
        return next((mark for mark in reversed(self.marks) if isinstance(mark, wanted)), None)


def kind(hint: Any) -> Kind:
    """Take an annotation apart."""
    if get_origin(hint) is Annotated:
        below = kind(hint.__origin__)
        return Kind(below.base, below.nullable, (*below.marks, *hint.__metadata__))
    if get_origin(hint) in (Union, UnionType):
        parts = [kind(part) for part in get_args(hint) if part is not NoneType]
        whole = parts[0].base if len(parts) == 1 else Union[tuple(part.base for part in parts)]  # noqa: UP007
        return Kind(whole, NoneType in get_args(hint), parts[0].marks)
    return Kind(hint)


@cache
def shape(cls: Any) -> dict[str, Kind]:
    """The figures of a dataclass by name, in the order in which they are written."""
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: kind(hints[field.name]) for field in dataclasses.fields(cls)}


def bounds(name: str, one: Kind) -> tuple[str, str]:
    """The keys of the bounds of an estimate."""
    prefix = "" if one.find(Bare) else f"{name}_"
    return f"{prefix}low", f"{prefix}high"


def to_json(value: Any, rounded: Callable[[float], float] = Digits(6)) -> Any:
    """Convert a dataclass of figures, or a list or mapping of them, to the JSON of a metrics file; NaN and infinity become null."""
    if dataclasses.is_dataclass(value):
        cls: Any = type(value)
        return {
            key: part
            for name, one in shape(cls).items()
            for key, part in _written(name, one, getattr(value, name), rounded)
        }
    if isinstance(value, Mapping):
        return {key: to_json(inner, rounded) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(inner, rounded) for inner in value]
    if isinstance(value, float):
        return rounded(value) if math.isfinite(value) else None
    return value


def _written(name: str, one: Kind, value: Any, rounded: Callable[[float], float]) -> Iterator[tuple[str, Any]]:
    """Yield the keys of one figure, each with its JSON value."""
    rounded = one.find(Digits) or one.find(Decimals) or rounded
    if value is None and OPTIONAL in one.marks:
        return
    if isinstance(value, Estimate):
        yield from zip((name, *bounds(name, one)), (to_json(part, rounded) for part in value), strict=True)
    elif INLINE in one.marks:
        yield from to_json(value, rounded).items()
    else:
        yield name, to_json(value, rounded)


def read(cls: type[T], path: Path) -> T:
    """Read the figures of a metrics file; raises BadInputError in one line where the file is missing or malformed."""
    return from_json(cls, read_json(path), str(path))


def from_json(cls: type[T], value: Any, place: str) -> T:
    """Build figures from the content of a metrics file: None for one that is missing or not finite, an empty list or mapping for a missing one.

    Raises BadInputError, which names `place` and the key, where a value has another type, as in a file edited by hand.
    """
    found: T = _read(kind(cls), value, place)
    return found


def _read(one: Kind, value: Any, place: str) -> Any:
    if value is None and one.nullable:
        return None
    if one.is_class:
        return _read_class(one.base, _held(Mapping, value, place), place)
    if one.origin is Mapping:
        return {key: _read(one.inner, v, f"{place}: {key}") for key, v in _held(Mapping, value, place).items()}
    if one.origin in (Sequence, list):
        return [_read(one.inner, v, f"{place}: {i}") for i, v in enumerate(_held(list, value, place))]
    return None if value is None else _leaf(one, value, place)


def _read_class(cls: Any, value: Mapping[str, Any], place: str) -> Any:
    found: dict[str, Any] = {}
    for name, one in shape(cls).items():
        if one.base is Estimate:
            absent = one.nullable and name not in value
            found[name] = None if absent else _estimate(name, one, value, place)
        elif INLINE in one.marks:
            found[name] = _read_class(one.base, value, place)
        else:
            found[name] = _read(one, value.get(name), f"{place}: {name}")
    return cls(**found)


def _estimate(name: str, one: Kind, value: Mapping[str, Any], place: str) -> Estimate:
    """A figure and its two bounds, each under its own key."""
    return Estimate(*(_read(kind(float), value.get(key), f"{place}: {key}") for key in (name, *bounds(name, one))))


def _held(wanted: type, value: Any, place: str) -> Any:
    """Check that a value is a mapping or a list; None becomes an empty one."""
    if value is None:
        return [] if wanted is list else {}
    return value if isinstance(value, wanted) else _refuse(value, "a list" if wanted is list else "an object", place)


_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def _leaf(one: Kind, value: Any, place: str) -> Any:
    """Check a number, a text or a truth value; a number that is not finite becomes None."""
    if isinstance(value, float) and not is_finite(value):
        return None
    if one.origin is Literal:
        names = get_args(one.base)
        return value if value in names else _refuse(value, f"one of {', '.join(names)}", place)
    wanted = get_args(one.base) or (one.base,)
    if isinstance(value, bool | str):
        return value if type(value) in wanted else _refuse(value, _words(wanted), place)
    if not isinstance(value, int | float) or not {int, float}.intersection(wanted):
        _refuse(value, _words(wanted), place)
    if not is_finite(value):
        return None
    return value if float in wanted or isinstance(value, int) else _refuse(value, _words(wanted), place)


def _words(wanted: Sequence[type]) -> str:
    return " or ".join(_WORDS[part] for part in wanted)


def _refuse(value: Any, wanted: str, place: str) -> Any:
    shown = repr(value)
    raise BadInputError(
        f"{place}: {shown[:60]}{'...' * (len(shown) > 60)} is not {wanted}; `dvc repro` makes the file again"
    )
