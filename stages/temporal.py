"""temporal: add features of the clock, the calendar and earlier contacts to the prepared records."""

import time

from plateau.core import files, params, stage, timings
from plateau.core.figures import to_json
from plateau.core.progress import say
from plateau.core.system import System
from plateau.data import calendar, context, history, parquet
from plateau.metrics.temporal import Temporal

PARAMS = ("temporal",)


def main(system: System, values: params.Params) -> None:
    """Write data/temporal.parquet and metrics/temporal.json."""
    began = time.perf_counter()
    source, options = system.path("data", "prepared.parquet"), values["temporal"]
    known = parquet.columns(source, [*context.KNOWN, "queue_wait_time_seconds"])
    columns = context.features(known, options)
    parquet.write(system.path("data", "temporal.parquet"), *parquet.with_columns(source, columns))
    summary = Temporal(calendar.summary(columns, known["queue_wait_time_seconds"]), history.summary(columns))
    files.write_json(system.metrics("temporal"), to_json(summary))
    timings.record(system, "temporal", {"seconds": time.perf_counter() - began, "rows": len(known)})
    say(f"temporal features of {len(known):,} records in {options['time_zone']}")


if __name__ == "__main__":
    stage.run(main, PARAMS)
