"""report: write the page on which a release is signed off, from the metrics files."""

from functools import partial

from plateau.core import files, timings
from plateau.core.definitions import SHOWN
from plateau.core.figures import to_json
from plateau.core.params import Params
from plateau.core.progress import say
from plateau.core.stage import run
from plateau.core.system import SPLITS, System
from plateau.data import fields, parquet
from plateau.decision import loading
from plateau.evaluation import manifest, predictions
from plateau.metrics.files import Files
from plateau.prompts.tokens import open_tokens
from plateau.report import card, findings, page, report
from plateau.report.evidence import Evidence, field_scores

PARAMS = SHOWN


def main(system: System, params: Params) -> None:
    """Write the report as HTML and Markdown, the model card, and the headline figures."""
    manifest.check(system)
    metrics = Files.read(system)
    knobs = {key: params[key] for key in PARAMS}
    found = _evidence(system)
    composed = report.compose(metrics, knobs, system.root.as_posix(), found)
    files.write_json(system.metrics("headline"), to_json(report.headline(metrics)))
    files.write_json(system.metrics("scores"), to_json(field_scores(metrics.evaluate.arm("adapter"))))
    files.write_text(
        system.path("adapters", "README.md"), card.write_card(composed, metrics, knobs, loading.commands(system))
    )
    files.write_text(system.path("reports", "REPORT.md"), page.write_markdown(composed))
    files.write_text(system.path("reports", "index.html"), page.write_html(composed))
    files.write_text(system.path("reports", "wrong.csv"), findings.wrong(*report.scored_rows(metrics, knobs, found)))
    timed = report.timings(timings.read(system.metrics("speed")), composed.title)
    files.write_text(system.path("reports", "speed.html"), page.write_html(timed))
    timings.keep(system, report.sha256(metrics))
    say(f"{system.path('reports', 'index.html')}: {composed.headline}")


def _evidence(system: System) -> Evidence:
    table = predictions.named(parquet.read(system.path("data", "predictions.parquet")))
    target = fields.load_schema(system.schema("target"))
    base = system.path("models", "base")
    pinned = base / "source.json"
    hashed = (
        pinned if pinned.exists() else base / "model.safetensors",
        *(path(name) for path in (system.split, system.tokens) for name in SPLITS),
        system.path("adapters", "best", "adapters.safetensors"),
        system.path("data", "predictions.parquet"),
    )
    return Evidence(
        table,
        target,
        partial(findings.transcripts, system.split("test")),
        {name: open_tokens(system.tokens(name)).lengths for name in SPLITS},
        {path.relative_to(system.root).as_posix(): files.sha256(path) for path in hashed},
    )


if __name__ == "__main__":
    run(main, PARAMS)
