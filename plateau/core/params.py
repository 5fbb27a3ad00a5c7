"""The one loader of params.yaml: it reads the file by YAML 1.2 rules and checks it against schemas/params.schema.json."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from plateau.core import checks
from plateau.core.errors import BadInputError
from plateau.core.system import System

Params = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """PyYAML's SafeLoader with the core schema of YAML 1.2; a class of its own, because other libraries patch the global one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping; a key that stands twice is an error, not a silent replacement."""
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key '{key.value}' stands twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# PyYAML follows YAML 1.1, where `1e-05`, what DVC's `-S lr=1e-5` writes, is a string, `010` is 8 and `NO` is false.
_Loader.yaml_implicit_resolvers = {}
for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(rf"(?:{_pattern})\Z"), _first)
_Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))


def parse(text: str) -> Any:
    """Read YAML text by the core schema of YAML 1.2."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)


def read(text: str, name: str) -> Any:
    """Read YAML text as `parse` does; raises BadInputError, one line that names the file, where it is not YAML."""
    try:
        return parse(text)
    except RecursionError:
        raise BadInputError(f"{name}: not valid YAML: nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: an integer of more digits than Python reads
        raise BadInputError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from None


def load(system: System, keys: Sequence[str]) -> Params:
    """Read params.yaml, check all of it, and return only `keys` (dotted for one key of a section).

    Raises BadInputError with one line per mistake.
    """
    path = system.path("params.yaml")
    return pick(check(path), keys)


def check(path: Path) -> Params:
    """Read and validate one params file; raises BadInputError with one line per mistake."""
    try:
        values = read(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise BadInputError(f"{path}: no such file; copy the repository's params.yaml and edit it") from None
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path}: not valid YAML: {error}") from None
    checks.refuse(values, str(path))
    return dict(values)


def pick(values: Params, keys: Sequence[str]) -> Params:
    """Keep only the keys named, whole sections or single keys of a section (`split.group_by`); raises BadInputError if one is missing."""
    kept: Params = {}
    for key in keys:
        section, _, name = key.partition(".")
        if section not in values or (name and name not in values[section]):
            raise BadInputError(f"missing key '{key}', which this stage reads; add it to params.yaml")
        if name:
            kept.setdefault(section, {})[name] = values[section][name]
        else:
            kept[section] = values[section]
    return kept
