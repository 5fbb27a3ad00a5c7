"""Write a system's params.yaml: order and comments come from the definitions of params, the values stay the system's own.

A comment that begins with "Here:" is the system's own and stays above its key. Comments behind or within a value stay too.
A key without a definition stays, at the end of its section; the loader refuses it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from plateau.core import params
from plateau.core.definitions import PARAMS
from plateau.core.errors import BadInputError, PlateauError
from plateau.core.param import Definitions, Param, Section
from plateau.core.version import SCHEMA_VERSION

HEADER = """\
# yaml-language-server: $schema={schema}
# Every knob of this system. Change one and `dvc repro` reruns only what depends on it. A key with nothing behind it is null.
# `make sync` writes order and comments; a comment that begins with "Here:" is this system's own and stays.
"""
OWN = "# Here:"
VERSION = "schema_version"


@dataclass
class Entry:
    """A key as it stands in the file: the comment lines above it, the rest of its line, and the lines below that are its value."""

    comments: list[str]
    rest: str
    below: list[str] = field(default_factory=list)

    @property
    def own(self) -> list[str]:
        """Comment lines from the first that begins with "Here:"."""
        start = next((n for n, line in enumerate(self.comments) if line.startswith(OWN)), len(self.comments))
        return self.comments[start:]


def synced(text: str, schema: str, definitions: Definitions = PARAMS) -> str:
    """The text of the file with every key of the definitions, in their order and under their comments; no value changes.

    `schema` is the path of params.schema.json from the file. BadInputError where the text is no YAML mapping.
    """
    values = params.read(text, "params.yaml")
    if values.get(VERSION, SCHEMA_VERSION) != SCHEMA_VERSION:  # the one value that is not the system's own
        text = re.sub(rf"(?m)^{VERSION}:.*$", f"{VERSION}: {SCHEMA_VERSION}", text)
        values = params.read(text, "params.yaml")
    written = HEADER.format(schema=schema) + "\n" + "\n".join(_mapping(definitions, values, text.split("\n"), 0)) + "\n"
    kept = params.read(written, "params.yaml")
    lost = [key for key, value in values.items() if not _holds(kept.get(key), value)]
    if lost:
        raise PlateauError(
            f"params.yaml: {', '.join(lost)} would change; nothing was written: write values in block style"
        )
    return written


def added(text: str, definitions: Definitions = PARAMS) -> list[str]:
    """The dotted keys that `synced` adds."""
    return list(_missing(definitions, params.read(text, "params.yaml")))


def comments_lost(before: str, after: str) -> list[str]:
    """Comment lines that were removed: those of an earlier definition, or a person's that do not begin with "Here:"."""
    lines = [[line.strip() for line in text.split("\n") if line.strip().startswith("#")] for text in (before, after)]
    return [line for line in lines[0] if line not in lines[1]]


def _missing(definitions: Definitions, values: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for param in definitions:
        if param.name in values:
            inside = values[param.name]
            if isinstance(param, Section) and isinstance(inside, Mapping):
                yield from _missing(param.params, inside, f"{above}{param.name}.")
        elif not (isinstance(param, Section) and param.optional):
            yield f"{above}{param.name}"


def _holds(now: Any, before: Any) -> bool:
    """Whether all earlier values are still there; keys may have been added."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        return all(key in now and _holds(now[key], value) for key, value in before.items())
    return type(now) is type(before) and bool(now == before)


def entries(lines: Sequence[str], depth: int) -> dict[str, Entry]:
    """The keys of a block mapping at one depth of indentation, two spaces each, in the order of the file."""
    pad = "  " * depth
    found: dict[str, Entry] = {}
    waiting: list[str] = []  # comments and blank lines that belong to the next key, or to the value before
    below: list[str] = []
    for line in lines:
        if start := re.match(rf"{pad}([\w.-]+):(?:\s|$)", line):
            below = []
            comments = [text.strip() for text in waiting if text]
            found[start[1]] = Entry(comments, line[len(start[0]) :].strip(), below)
            waiting = []
        elif line.startswith(f"{pad}#") or not line.strip():
            waiting.append(line.strip())
        else:
            below += [*waiting, line]
            waiting = []
    return found


def _mapping(definitions: Definitions, values: Mapping[str, Any], lines: Sequence[str], depth: int) -> Iterator[str]:
    """The lines of a mapping: every param of the definitions, then the keys without a definition."""
    pad, standing = "  " * depth, entries(lines, depth)
    for param in definitions:
        if isinstance(param, Section) and param.optional and param.name not in values:
            continue
        entry = standing.get(param.name, Entry([], ""))
        value = values.get(param.name, param.default)
        if isinstance(param, Section) and depth == 0:
            yield ""
        yield from (f"{pad}{line}" for line in (f"# {param.comment}", *entry.own))
        if isinstance(param, Section) and isinstance(value, Mapping):
            yield f"{pad}{param.name}:"
            yield from _mapping(param.params, value, entry.below, depth + 1)
        else:
            yield from _leaf(param.name, value, entry if param.name in values else None, pad)
    for name in (name for name in values if name not in {param.name for param in definitions}):
        unknown = standing.get(str(name))
        yield from (f"{pad}{line}" for line in (unknown.comments if unknown else ()))
        yield from _leaf(str(name), values[name], unknown, pad)


def _leaf(name: str, value: Any, entry: Entry | None, pad: str) -> Iterator[str]:
    """The lines of a key and its value: unchanged where they still read as that value, else in the form that DVC writes."""
    if entry is not None and not (isinstance(value, list) and value and entry.rest.startswith("[")):
        as_it_stands = [f"{pad}{name}: {entry.rest}".rstrip(), *entry.below]
        if _reads_as(as_it_stands, name, value, pad):
            yield from as_it_stands
            return
    lines = dumped({name: value}).rstrip("\n").split("\n")
    yield from (f"{pad}{line}" for line in lines)


def _reads_as(lines: Sequence[str], name: str, value: Any, pad: str) -> bool:
    short = "\n".join(line.removeprefix(pad) for line in lines)
    try:
        return bool(params.read(short, name) == {name: value})
    except BadInputError:
        return False


def dumped(values: Mapping[str, Any]) -> str:
    """YAML as DVC writes it: block lists, nothing for null. A float gets a point, because YAML 1.1 reads 1e-05 as text."""
    from dvc.utils.serialize import dumps_yaml

    text: str = dumps_yaml(values)
    return re.sub(r"(?m)(?<=[:-] )(-?\d+)(e[-+]\d+)$", r"\1.0\2", text)


def json_schema(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """schemas/params.schema.json: the definitions, with the schema of prepare.mapping in its place."""
    from plateau.core.definitions.data import MAPPING
    from plateau.core.param import closed

    head = {"$schema": mapping["$schema"], "$id": "params.schema.json", "title": "Plateau params"}
    parts = {key: value for key, value in mapping.items() if key not in ("$schema", "title", "$defs")}

    def inlined(node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        opened = {**parts, **node} if MAPPING.items() <= node.items() else node
        return {key: inlined(value) for key, value in opened.items() if key not in MAPPING}

    return {**head, **inlined(closed(PARAMS)), "$defs": mapping["$defs"]}


def described() -> list[tuple[str, str, list[str]]]:
    """Each top-level key with its meaning, and the names of what stands below it."""
    return [
        (param.name, param.description, [])
        if isinstance(param, Param)
        else (param.name, param.meaning, [below.name for below in param.params])
        for param in PARAMS
    ]
