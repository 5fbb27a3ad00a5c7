"""split: divide the records into train, valid and test, and list labels that a person should check."""

import time

from plateau.core import files, params, stage, timings
from plateau.core.figures import to_json
from plateau.core.progress import say
from plateau.core.system import SPLITS, System
from plateau.data import fields
from plateau.data.contracts import Contract
from plateau.splits import labels, partition, review
from plateau.splits.assignment import CALIBRATION

PARAMS = ("seed", "split")


def main(system: System, values: params.Params) -> None:
    """Write data/split/{train,valid,test}.parquet, data/review.csv, metrics/split.json and metrics/labels.json."""
    began = time.perf_counter()
    source, options = system.path("data", "temporal.parquet"), values["split"]
    leaves = fields.fields(Contract.load(system.schema("target")).schema)
    known = partition.survey(source, leaves, options)
    made = partition.divide(known, options, values["seed"])
    paths = {name: system.split(name) for name in made.rows}
    for name in (CALIBRATION, partition.BLIND):
        if name not in paths:
            system.split(name).unlink(missing_ok=True)
    partition.write(known, made, paths)
    findings = partition.worth_a_look(known, made, options["review_rows"])
    partition.write_review(system.path("data", "review.csv"), findings, known, made)
    files.write_json(
        system.metrics("split"),
        to_json(partition.summary({name: paths[name] for name in SPLITS}, known, made, options)),
    )
    odd = labels.summary(known.columns, made.pairs, review.counts(findings))
    files.write_json(system.metrics("labels"), to_json(odd))
    timings.record(system, "split", {"seconds": time.perf_counter() - began, "rows": len(known.ids)})
    counts = ", ".join(f"{name} {len(rows):,}" for name, rows in made.rows.items())
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in made.dropped.items() if count)
    unused = f"{sum(made.dropped.values()):,} rows unused{f' ({reasons})' if reasons else ''}"
    say(f"{counts}; {unused}; {len(findings)} labels to look at in data/review.csv")


if __name__ == "__main__":
    stage.run(main, PARAMS)
