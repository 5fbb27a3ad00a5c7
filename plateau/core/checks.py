"""What params may be: refused before any work, with one line a mistake for people."""

import difflib
import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from plateau.core.errors import BadInputError
from plateau.core.system import SHARED_SCHEMAS

if TYPE_CHECKING:
    import jsonschema


def refuse(values: Any, name: str) -> None:
    """Raise BadInputError with one line per mistake in what a params file holds; `name` is the file's."""
    errors = sorted(_validator().iter_errors(values), key=lambda error: str(error.json_path))
    problems = list(dict.fromkeys(line for error in errors for line in _explain(error)))
    if problems:
        raise BadInputError("\n".join(f"{name}: {problem}" for problem in problems))


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
