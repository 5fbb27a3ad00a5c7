"""What a metrics file must be, for the tests of the stages that write them."""

import json
from typing import Any

import jsonschema

from tools.deps import ROOT


def metrics_problems(name: str, figures: Any) -> list[str]:
    """Where the figures of metrics/<name>.json do not follow their schema; nothing where they do."""
    schema = json.loads((ROOT / "schemas" / "metrics" / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return [f"{e.json_path}: {e.message}" for e in jsonschema.Draft202012Validator(schema).iter_errors(figures)]
