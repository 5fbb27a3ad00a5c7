"""Refuse params that cannot be meant, before any work, with one line for each mistake.

The JSON Schema schemas/params.schema.json is checked first, then what a schema cannot express: dates and places that do not
exist, and keys that contradict each other. Mistakes that only the model or the data can show are left to the stage that
reads them.
"""

import datetime as dt
import difflib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from plateau.core.errors import BadInputError
from plateau.core.licences import LICENCES
from plateau.core.numbers import is_finite
from plateau.core.system import SHARED_SCHEMAS

if TYPE_CHECKING:
    import jsonschema

LONGEST = 120
# Where one value breaks several rules, only the first of these is reported; the others follow from it.
NEEDED = ("contains", "minContains")  # keywords by which a list says which items it needs
FIRST = ("type", "enum", "not", "minItems", *NEEDED)
FIRST_DAY, LAST_DAY = "1900-01-01", "2199-12-31"  # beyond them, what is a day or a week off may be no date at all
NOT_COUNTRIES = {"UK": "GB", "EN": "GB", "EL": "GR", "USA": "US"}


def refuse(values: Any, name: str) -> None:
    """Raise BadInputError with one line per mistake in what a params file holds; `name` is the file's."""
    schema = json.loads((SHARED_SCHEMAS / "params.schema.json").read_text(encoding="utf-8"))
    errors = sorted(_validator(schema).iter_errors(values), key=lambda error: str(error.json_path))
    problems = _distinct(errors) or list(_beyond_schema(values, schema))
    if problems:
        raise BadInputError("\n".join(f"{name}: {problem}" for problem in problems))


def _is_integer(_: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: object, value: object) -> bool:
    return _is_integer(_, value) or is_finite(value)


def _validator(schema: dict[str, Any]) -> Any:
    """Build a validator that, unlike plain JSON Schema, takes neither 16.0 for an integer nor NaN for a number."""
    import jsonschema

    draft: Any = jsonschema.Draft202012Validator
    strict = draft.TYPE_CHECKER.redefine("integer", _is_integer).redefine("number", _is_number)
    return jsonschema.validators.extend(draft, type_checker=strict)(schema)  # type: ignore[no-untyped-call]


def _distinct(errors: list["jsonschema.ValidationError"]) -> list[str]:
    """Write one line for each mistake: the first of FIRST for each value, and no missing key that is only misspelt."""
    kept: dict[str, tuple[int, jsonschema.ValidationError]] = {}
    for error in errors:
        if error.validator in (*NEEDED, "uniqueItems") and any(_below(other, error) for other in errors):
            continue  # a misspelt item, which has a line of its own
        of_keys = error.validator in ("additionalProperties", "required")
        place = f"{error.json_path} {error.validator}" if of_keys else error.json_path
        rank = FIRST.index(error.validator) if error.validator in FIRST else len(FIRST)
        if place not in kept or rank < kept[place][0]:
            kept[place] = rank, error
    lines = list(dict.fromkeys(line for _, error in kept.values() for line in _explain(error)))
    meant = {
        line.split("'")[1].rpartition(".")[0] + "." + line.split("'")[3] for line in lines if "did you mean" in line
    }
    return [line for line in lines if not (line.startswith("missing key '") and _dotted(line) in meant)]


def _below(inner: "jsonschema.ValidationError", outer: "jsonschema.ValidationError") -> bool:
    place = list(outer.absolute_path)
    return len(inner.absolute_path) > len(place) and list(inner.absolute_path)[: len(place)] == place


def _dotted(line: str) -> str:
    key = line.split("'")[1]
    return key if "." in key else f".{key}"


def _explain(error: "jsonschema.ValidationError") -> Iterator[str]:
    """Explain an error to people, one line for each mistake: the key, its value, and what the value should be."""
    where = ".".join(str(part) for part in error.absolute_path)
    prefix = f"{where}." if where else ""
    schema: Any = error.schema
    given: Any = error.instance
    wanted: Any = error.validator_value
    if error.validator == "additionalProperties":
        for name in sorted(set(given) - set(schema["properties"]), key=str):
            yield f"unknown key '{prefix}{name}'; {_hint(str(name), list(schema['properties']))}"
    elif error.validator == "required":
        how = "docs/your-own-data.md shows it" if prefix.startswith("prepare.mapping.") else "`make sync` adds it"
        yield from (f"missing key '{prefix}{name}'; {how}" for name in wanted if name not in given)
    elif not where:
        yield f"must be a mapping of keys to values, not {type(given).__name__}"
    elif error.validator in NEEDED:
        missing = " and ".join(f"'{name}'" for name in schema["contains"]["enum"] if name not in given)
        yield _refusal(where, given, f"it must name {missing}", None)
    else:
        otherwise = f"write it like {schema['examples'][0]}" if "examples" in schema else error.message
        yield _refusal(where, given, _rule(str(error.validator), wanted, otherwise), schema.get("description"))


def _refusal(key: str, value: Any, rule: str, meaning: str | None) -> str:
    """Write the line that says what is wrong with a value."""
    return f"{key}: {_shown(value)} is not allowed: {rule}{f' ({meaning})' if meaning else ''}"


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, default=str, ensure_ascii=False)
    except (ValueError, RecursionError):  # a value that holds itself
        return "this value"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _hint(name: str, known: list[str]) -> str:
    """Name the known key that was probably meant, or list all known keys."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"known keys: {', '.join(known)}"


def _rule(keyword: str, wanted: Any, otherwise: str) -> str:
    """Say in words what one keyword of the schema asks for."""
    several = ", ".join("null" if one is None else str(one) for one in wanted) if isinstance(wanted, list) else wanted
    words = {
        "type": f"it must be of type {several}",
        "enum": f"it must be one of {several}",
        "not": f"it must not be {wanted['const']}" if keyword == "not" else "",
        "uniqueItems": "nothing may stand in it twice",
        "minimum": f"it must be at least {wanted}",
        "maximum": f"it must be at most {wanted}",
        "exclusiveMinimum": f"it must be greater than {wanted}",
        "exclusiveMaximum": f"it must be less than {wanted}",
    }
    return words.get(keyword, otherwise)


def _beyond_schema(values: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """Find mistakes that the schema cannot express, in values that it accepts."""
    for key, value, rule in _mistakes(values):
        node: Any = schema
        for part in key.split("."):
            node = node.get("properties", {}).get(part, {})
        yield _refusal(key, value, rule, node.get("description"))


def _mistakes(values: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield the key of each mistake, its value, and what the value must be instead."""
    yield from _days(values)
    yield from _sizes(values["split"])
    yield from _licence(values["report"])
    temporal, train = values["temporal"], values["train"]
    region = values["prepare"]["privacy"]["region"]
    if region is not None and not _is_region(region):
        yield (
            "prepare.privacy.region",
            region,
            f"it is no country of ISO 3166; write {NOT_COUNTRIES.get(region, 'one such as GB or US')}",
        )
    if not _is_zone(temporal["time_zone"]):
        yield "temporal.time_zone", temporal["time_zone"], _zone_wanted(temporal["time_zone"])
    if temporal["holidays"] is not None and not _has_holidays(temporal["holidays"]):
        wanted = "it is no country code of the holidays library, such as US or US-CA; null for none"
        yield "temporal.holidays", temporal["holidays"], wanted
    if train["grad_checkpoint"] and values["dropout"] > 0:
        yield "train.grad_checkpoint", True, "not with dropout > 0, for the recomputed pass would drop other inputs"
    low, high = train["stopping_threshold"], train["divergence_threshold"]
    if low is not None and high is not None and low >= high:
        yield "train.stopping_threshold", low, f"it must be less than train.divergence_threshold, {high}"


def _licence(report: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """A licence that the hub does not know, and what belongs only to one that is other."""
    licence = report["license"]
    if licence is not None and licence not in LICENCES:
        close = difflib.get_close_matches(licence, LICENCES, n=1)
        hint = f"did you mean '{close[0]}'?" if close else "write other, and its name as license_name"
        yield "report.license", licence, f"the hub knows no such licence; {hint}"
    elif licence == "other" and report["license_name"] is None:
        yield "report.license_name", None, "a licence that is other needs a name"
    elif licence != "other":
        for key in ("license_name", "license_link"):
            if report[key] is not None:
                yield f"report.{key}", report[key], "only where report.license is other"


def _days(values: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Find dates that no calendar has, and a first day after the last one."""
    made = values.get("synthesize", {})
    days = {f"synthesize.{key}": made[key] for key in ("start", "end") if key in made}
    days |= {f"temporal.closed_dates.{n}": day for n, day in enumerate(values["temporal"]["closed_dates"])}
    days["convert.template_date"] = values["convert"]["template_date"]
    wrong = {key: day for key, day in days.items() if not _is_day(day)}
    yield from ((key, day, "no calendar has that day") for key, day in wrong.items())
    far = {key: day for key, day in days.items() if key not in wrong and not FIRST_DAY <= day <= LAST_DAY}
    yield from ((key, day, f"it must lie between {FIRST_DAY} and {LAST_DAY}") for key, day in far.items())
    if made and not wrong and made["start"] > made["end"]:
        yield "synthesize.start", made["start"], f"it must not be after synthesize.end, {made['end']}"


def _sizes(split: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Sizes that are neither a number of rows nor a share, and cuts that are no moments or in the wrong order."""
    sizes = {f"split.{name}_size": split[f"{name}_size"] for name in ("valid", "test", "calibration")}
    wrong = {key: size for key, size in sizes.items() if size >= 1 and not _is_integer(None, size)}
    yield from ((key, size, "it must be a whole number of rows, or a share below 1") for key, size in wrong.items())
    if split["strategy"] == "hash" and split["column"] is None:
        for key, size in sizes.items():
            if size >= 1:
                yield key, size, "it must be a share of all rows, such as 0.2, with split.strategy hash"
        if max(sizes.values()) < 1 <= sum(sizes.values()):
            yield "split.test_size", split["test_size"], "the shares together must leave rows for training"
    moments = {name: split[name] for name in ("valid_from", "test_from") if split[name] is not None}
    read = {name: moment for name, text in moments.items() if (moment := _moment(text)) is not None}
    for name, text in moments.items():
        if name not in read:
            yield f"split.{name}", text, "it is no moment; write it like 2025-11-01T00:00:00Z"
        elif split["strategy"] != "time" or split["column"] is not None:
            yield f"split.{name}", text, "only with split.strategy time, and without split.column"
    if len(read) == 2 and read["valid_from"] >= read["test_from"]:
        yield "split.valid_from", split["valid_from"], f"it must be before split.test_from, {split['test_from']}"


def _moment(text: str) -> dt.datetime | None:
    """A time of ISO 8601, in UTC where it names no offset; None for a text that is none."""
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or dt.UTC)


def _is_day(text: str) -> bool:
    try:
        return bool(dt.date.fromisoformat(text))
    except ValueError:
        return False


def _is_region(code: str) -> bool:
    import phonenumbers

    return code in phonenumbers.SUPPORTED_REGIONS


def _is_zone(name: str) -> bool:
    """Whether a time zone is a place of the IANA database, which keeps its own daylight saving, or UTC."""
    import zoneinfo

    placed = "/" in name and not name.startswith(
        ("posix/", "right/", "Etc/")
    )  # Etc/GMT+5 lies west of Greenwich, and saves no daylight
    return name == "UTC" or (placed and name in zoneinfo.available_timezones())


def _zone_wanted(name: str) -> str:
    import zoneinfo

    places = sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    close = difflib.get_close_matches(name, places, n=1)
    return (
        f"did you mean '{close[0]}'?" if close else "write a place of the IANA database, such as Europe/Berlin, or UTC"
    )


def _has_holidays(code: str) -> bool:
    import holidays

    country, _, part = code.partition("-")
    if not (len(country) == 2 and country.isalpha() and country.isupper()):  # EST would be Estonia
        return False
    try:
        return holidays.country_holidays(country, subdiv=part or None, years=2000) is not None
    except (NotImplementedError, TypeError, AttributeError):
        return False
