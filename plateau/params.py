"""params.yaml: the one loader. Floats by YAML 1.2 rules, checked against schemas/params.schema.json."""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from plateau.errors import BadInputError
from plateau.system import SHARED_SCHEMAS, System

Params = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2 floats; a class of its own, for others patch the global one."""


# PyYAML follows YAML 1.1, where `1e-05` is a string. DVC's `-S lr=1e-5` writes exactly that.
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_RESOLVED_HERE = ("tag:yaml.org,2002:float", "tag:yaml.org,2002:int")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _RESOLVED_HERE]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(rf"(?:{_FLOAT.pattern})\Z"), list("-+.0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(rf"{_INT.pattern}\Z"), list("-+0123456789"))
_Loader.yaml_implicit_resolvers = {
    first: sorted(resolvers, key=lambda pair: pair[0] == "tag:yaml.org,2002:float")
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def parse(text: str) -> Any:
    """Read YAML text with 1.2 floats."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)


def load(system: System, keys: Sequence[str]) -> Params:
    """Read params.yaml, check all of it, and return only `keys` (dotted for one key of a section).

    Raises BadInputError with one line per mistake.
    """
    path = system.path("params.yaml")
    return pick(check(path), keys)


def check(path: Path) -> Params:
    """Read and validate one params file; raises BadInputError with one line per mistake."""
    try:
        values = parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInputError(f"{path}: no such file; copy the repository's params.yaml and edit it") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    schema = json.loads((SHARED_SCHEMAS / "params.schema.json").read_text(encoding="utf-8"))
    errors = jsonschema.Draft202012Validator(schema).iter_errors(values)
    problems = [line for error in sorted(errors, key=lambda e: str(e.json_path)) for line in _explain(error)]
    if problems:
        raise BadInputError("\n".join(f"{path}: {problem}" for problem in problems))
    return dict(values)


def pick(values: Params, keys: Sequence[str]) -> Params:
    """Keep only the keys named, sections or single keys of a section (`split.group_by`)."""
    kept: Params = {}
    for key in keys:
        section, _, name = key.partition(".")
        if name:
            kept.setdefault(section, {})[name] = values[section][name]
        else:
            kept[section] = values[section]
    return kept


def _explain(error: jsonschema.ValidationError) -> Iterator[str]:
    """One line for people per mistake: the key, what it is, what it should be."""
    where = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])
        for name in sorted(set(error.instance) - set(known), key=str):
            close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
            hint = f"did you mean '{close[0]}'?" if close else f"known keys: {', '.join(known)}"
            yield f"unknown key '{f'{where}.' if where else ''}{name}'; {hint}"
    elif error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        yield from (f"missing key '{f'{where}.' if where else ''}{name}'" for name in missing[:1])
    elif error.validator == "type" and not error.absolute_path:
        yield f"must be a mapping of keys to values, not {type(error.instance).__name__}"
    else:
        wanted = error.schema.get("description", "")
        yield f"{where}: {json.dumps(error.instance, default=str)} is not allowed: {_rule(error)}" + (f" ({wanted})" if wanted else "")


def _rule(error: jsonschema.ValidationError) -> str:
    """What the schema asks for, in words."""
    value = error.validator_value
    kind = " or ".join(value) if isinstance(value, list) else value
    words = {
        "type": f"it must be of type {kind}",
        "enum": f"it must be one of {', '.join(map(str, value)) if isinstance(value, list) else value}",
        "minimum": f"it must be at least {value}",
        "maximum": f"it must be at most {value}",
        "exclusiveMinimum": f"it must be greater than {value}",
        "exclusiveMaximum": f"it must be less than {value}",
    }
    return words.get(str(error.validator), error.message)
