"""Prepared records plus what clock, calendar and earlier contacts say: `python -m stages.temporal [SYSTEM_DIR]`."""

import time

from plateau import calendar, context, files, params, rows, speed, stage
from plateau.progress import say
from plateau.system import System

PARAMS = ("temporal",)


def main(system: System, values: params.Params) -> None:
    """Write data/temporal.parquet and metrics/temporal.json."""
    began = time.perf_counter()
    source, options, tally = system.path("data", "prepared.parquet"), values["temporal"], calendar.Tally()
    earlier = context.earlier(rows.read(source, ["start_utc", "customer_id"]))
    made = context.added(rows.batches(source), options, earlier, tally)
    rows.write(system.path("data", "temporal.parquet"), context.schema(rows.schema(source)), made)
    summary = {**tally.summary(), **context.summary(earlier)}
    files.write_json(system.metrics("temporal"), summary)
    speed.record(system, "temporal", {"seconds": time.perf_counter() - began, "rows": summary["rows"]})
    say(f"temporal features of {summary['rows']:,} records in {options['time_zone']}")


if __name__ == "__main__":
    stage.run(main, PARAMS)
