"""prepare: turn raw files into checked records; with `--preview 5`, only show how the first five are understood."""

import json
import runpy
import sys
import time
from collections import Counter
from functools import partial

from plateau.core import files, params, stage, timings
from plateau.core.figures import to_json
from plateau.core.progress import say
from plateau.core.system import System
from plateau.data import asked, corrections, engine, joining, parquet, preparation, privacy
from plateau.decision import wanted
from plateau.metrics.prepare import Redacted

PARAMS = ("prepare",)
NOTE = "With --preview N it shows how the first records are understood, with --rejects which are not."
MIB = 2**20
NOTE = "With --preview N it shows how the first records are understood, with --rejects which are not."


def main(system: System, values: params.Params) -> None:
    """Write data/prepared.parquet, data/rejected.jsonl and metrics/prepare.json; fail past prepare.max_rejected."""
    asked.check(system)
    wanted.check(system)
    began = time.perf_counter()
    options, rejected = preparation.options(values["prepare"]), system.path("data", "rejected.jsonl")
    schemas, base = (system.schema("transcript"), system.schema("target")), system.path("models", "base")
    rules = preparation.rules(*schemas, options["mapping"], base)
    memory = options["memory_mb"] * MIB
    with files.scratch(system.path("data", "prepared")) as folder, engine.start(options) as pool:
        with joining.Store(folder, preparation.buckets(system, options["mapping"], memory)) as store:
            preparation.examine(store, system, rules, pool)
            joining.join(store)
            guard, replaced = privacy.rules(options["privacy"], json.loads(rules.target)), Counter[str]()
            corrected = corrections.read(system.path(*corrections.FOLDER), system.root, rules)
            rows = corrected.applied(joining.accepted(store, memory))
            clean = pool.map(partial(privacy.batch, guard), rows)
            parquet.write(folder / "prepared.parquet", joining.written(store), privacy.counted(clean, replaced))
            corrected.write(system.path("data", "corrected.jsonl"), store.rejects.add)
            store.rejects.write(rejected)
            starts = parquet.columns(folder / "prepared.parquet", ["start_utc"])["start_utc"]
            redacted = Redacted(**{kind: replaced[kind] for kind in privacy.KINDS})
            summary = joining.summary(store, starts, redacted, corrected.summary)
        joining.check_share(summary, options["max_rejected"], rejected)
        (folder / "prepared.parquet").replace(system.path("data", "prepared.parquet"))
    files.write_json(system.metrics("prepare"), to_json(summary))
    timings.record(system, "prepare", {"seconds": time.perf_counter() - began, "rows": summary.accepted})
    say(f"prepared {summary.accepted:,} of {summary.conversations:,} conversations; {summary.rejected:,} rejects")
    if (found := summary.corrections).lines:
        say(
            f"data/labels: {found.applied:,} labels corrected, {found.refused:,} corrections refused (data/rejected.jsonl)"
        )


if __name__ == "__main__":
    if {"--preview", "--rejects"} & set(
        sys.argv
    ):  # a module of its own, for the preview reads params that this stage does not depend on
        runpy.run_module("stages.preview", run_name="__main__")
        sys.exit()
    stage.run(main, PARAMS, note=NOTE)
