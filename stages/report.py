"""The page on which a release is signed off, from the metrics files: `python -m stages.report [SYSTEM_DIR]`."""

from functools import partial

from plateau import card, fields, files, findings, page, report, rows
from plateau.params import Params
from plateau.progress import say
from plateau.stage import run
from plateau.system import SHARED_SCHEMAS, System

PARAMS = (
    "model",
    "lr",
    "lr_schedule",
    "warmup",
    "rank",
    "scale",
    "dropout",
    "num_layers",
    "fine_tune_type",
    "batch_size",
    "grad_accumulation",
    "iters",
    "max_seq_length",
    "eval_every",
    "patience",
    "min_delta",
    "seed",
    "report.title",
)
METRICS = (
    "prepare",
    "temporal",
    "split",
    "convert",
    "train",
    "selection",
    "evaluate",
    "overfit",
    "gates",
    "evaluations",
)


def main(system: System, params: Params) -> None:
    """Write reports/REPORT.md, reports/index.html and the model card adapters/README.md."""
    title, knobs = params["report"]["title"], {key: params[key] for key in PARAMS if "." not in key}
    figures = {name: files.read_json(system.metrics(name)) for name in METRICS}
    schemas = {name: files.read_json(SHARED_SCHEMAS / "metrics" / f"{name}.schema.json") for name in METRICS}
    content = report.content(figures, schemas, title, knobs, system.root.as_posix())
    files.write_text(system.path("reports", "REPORT.md"), report.write_markdown(content))
    files.write_text(system.path("adapters", "README.md"), card.write_card(content))
    predictions = rows.read(system.path("data", "predictions.parquet")).to_pylist()
    target = fields.load_schema(system.schema("target"))
    turns = partial(findings.transcripts, system.split("test"))
    files.write_text(system.path("reports", "index.html"), page.write_html(content, predictions, turns, target))
    say(f"{system.path('reports', 'index.html')}: {report.ANSWERS[figures['gates']['answer']]}")


if __name__ == "__main__":
    run(main, PARAMS)
