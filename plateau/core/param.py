"""The definition of a param: its name, allowed values, default, meaning and unit; and a section of params."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Values: TypeAlias = dict[str, Json]
LEAST = 1e-30


@dataclass(frozen=True)
class Param:
    """One key of params.yaml. `values` is its JSON Schema, without the description, which follows from `meaning` and `unit`.

    `more` ends the comment in params.yaml: what somebody who edits the file must know beyond the meaning.
    """

    name: str
    values: Values
    default: Json
    meaning: str
    more: str = ""
    unit: str = ""

    @property
    def description(self) -> str:
        """The meaning with its unit, for the schema, messages and README."""
        return f"{self.meaning}, {self.unit}" if self.unit else self.meaning

    @property
    def comment(self) -> str:
        """The sentence above the key in params.yaml."""
        text = f"{self.description}{self.more}"
        return f"{text[0].upper()}{text[1:]}."

    @property
    def schema(self) -> Values:
        """The JSON Schema of its values."""
        return {**self.values, "description": self.description}


@dataclass(frozen=True)
class Section:
    """A key of params.yaml with params or further sections below it; `optional` means that not every system has it."""

    name: str
    meaning: str
    params: tuple["Param | Section", ...]
    optional: bool = False

    @property
    def comment(self) -> str:
        """The sentence above the key in params.yaml."""
        return f"{self.meaning[0].upper()}{self.meaning[1:]}."

    @property
    def schema(self) -> Values:
        """The JSON Schema of the section: no key but these, and all that are not optional."""
        return {**closed(self.params), "description": self.meaning}

    @property
    def default(self) -> Values:
        """The defaults of what it holds."""
        return {param.name: param.default for param in self.params}


Definitions = tuple[Param | Section, ...]


def closed(params: Definitions) -> Values:
    """The JSON Schema of an object with these keys and no other."""
    required: list[Json] = [param.name for param in params if not (isinstance(param, Section) and param.optional)]
    properties: Values = {param.name: param.schema for param in params}
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def leaves(params: Definitions, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Param]]:
    """Each param with the keys under which it stands."""
    for param in params:
        keys = (*above, param.name)
        if isinstance(param, Section):
            yield from leaves(param.params, keys)
        else:
            yield keys, param


def integer(least: int, most: int, **also: Json) -> Values:
    """A whole number between two bounds, both included."""
    return {"type": "integer", "minimum": least, "maximum": most, **also}


def number(least: float, most: float, **also: Json) -> Values:
    """A number between two bounds, both included."""
    return {"type": "number", "minimum": least, "maximum": most, **also}


def between(above: float, below: float) -> Values:
    """A number between two bounds, neither included."""
    return {"type": "number", "exclusiveMinimum": above, "exclusiveMaximum": below}


def positive(most: float) -> Values:
    """A number greater than 0; one below LEAST would be 0, or its inverse infinite, in the float32 in which models compute."""
    return {"type": "number", "exclusiveMinimum": 0, "minimum": LEAST, "maximum": most}


def choice(*names: str) -> Values:
    """One of the words given."""
    return {"type": "string", "enum": list(names)}


def text(**also: Json) -> Values:
    """A text of at least one character."""
    return {"type": "string", "minLength": 1, **also}


def listed(items: Values, needed: Sequence[str] = (), **also: Json) -> Values:
    """A list in which no item stands twice, and in which each of the items `needed` stands."""
    every: Values = {"contains": {"enum": list(needed)}, "minContains": len(needed)} if needed else {}
    return {"type": "array", "items": items, "uniqueItems": True, **also, **every}


def nullable(values: Values) -> Values:
    """The same values, or null."""
    return {**values, "type": [values["type"], "null"]}


FLAG: Values = {"type": "boolean"}
SHARE = number(0, 1)
