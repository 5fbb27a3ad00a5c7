"""The schemas of the metrics files, made from their classes; `make sync` writes them."""

from typing import Any

from plateau.metrics.files import FILES
from plateau.metrics.schema import schema
from tools.deps import ROOT

FOLDER = ROOT / "schemas" / "metrics"


def metrics_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one metrics file."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"metrics/{name}.json"}
    return {**head, **schema(FILES[name])}
