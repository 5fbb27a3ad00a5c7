"""params.yaml: the one loader. Read by YAML 1.2 rules, checked against schemas/params.schema.json."""

import difflib
import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from plateau.core.errors import BadInputError
from plateau.core.system import SHARED_SCHEMAS, System

if TYPE_CHECKING:
    import jsonschema

Params = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """SafeLoader with the core schema of YAML 1.2; a class of its own, for others patch the global one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping; a key that stands twice is an error, not a silent replacement."""
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
    """The same; BadInputError in one line, which names the file, for text that is no YAML."""
    try:
        return parse(text)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: an integer of more digits than Python reads
        raise BadInputError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from None


def _is_integer(_: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: object, value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _validator() -> Any:
    """JSON Schema takes 16.0 for an integer and NaN for a number; a rank or a loss limit cannot be that."""
    import jsonschema

    draft: Any = jsonschema.Draft202012Validator
    strict = draft.TYPE_CHECKER.redefine("integer", _is_integer).redefine("number", _is_number)
    schema = json.loads((SHARED_SCHEMAS / "params.schema.json").read_text(encoding="utf-8"))
    return jsonschema.validators.extend(draft, type_checker=strict)(schema)  # type: ignore[no-untyped-call]


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
    errors = sorted(_validator().iter_errors(values), key=lambda error: str(error.json_path))
    lines = (line for error in errors for line in _explain(error))
    problems = list(dict.fromkeys(lines))
    if problems:
        raise BadInputError("\n".join(f"{path}: {problem}" for problem in problems))
    return dict(values)


def pick(values: Params, keys: Sequence[str]) -> Params:
    """Keep only the keys named, whole sections or single keys of one (`split.group_by`); BadInputError if one is missing."""
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


def _explain(error: "jsonschema.ValidationError") -> Iterator[str]:
    """One line for people per mistake: the key, what it is, what it should be."""
    where = ".".join(str(part) for part in error.absolute_path)
    prefix = f"{where}." if where else ""
    schema: Any = error.schema
    given: Any = error.instance
    wanted: Any = error.validator_value
    if error.validator == "additionalProperties":
        for name in sorted(set(given) - set(schema["properties"]), key=str):
            yield f"unknown key '{prefix}{name}'; {_hint(str(name), list(schema['properties']))}"
    elif error.validator == "required":
        yield from (f"missing key '{prefix}{name}'" for name in wanted if name not in given)
    elif not where:
        yield f"must be a mapping of keys to values, not {type(given).__name__}"
    else:
        value = json.dumps(given, default=str, ensure_ascii=False)
        meaning = f" ({schema['description']})" if "description" in schema else ""
        otherwise = f"write it like {schema['examples'][0]}" if "examples" in schema else error.message
        yield f"{where}: {value} is not allowed: {_rule(str(error.validator), wanted, otherwise)}{meaning}"


def _hint(name: str, known: list[str]) -> str:
    """The known key that was probably meant, or all of them."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"known keys: {', '.join(known)}"


def _rule(keyword: str, wanted: Any, otherwise: str) -> str:
    """What one keyword of the schema asks for, in words."""
    several = ", ".join(map(str, wanted)) if isinstance(wanted, list) else wanted
    words = {
        "type": f"it must be of type {several}",
        "enum": f"it must be one of {several}",
        "contains": f"it must name '{wanted['const']}'" if keyword == "contains" else "",
        "minimum": f"it must be at least {wanted}",
        "maximum": f"it must be at most {wanted}",
        "exclusiveMinimum": f"it must be greater than {wanted}",
        "exclusiveMaximum": f"it must be less than {wanted}",
    }
    return words.get(keyword, otherwise)
