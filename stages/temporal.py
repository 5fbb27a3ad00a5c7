"""Prepared records plus what clock and calendar say: `python -m stages.temporal [SYSTEM_DIR]`."""

import time

import numpy as np
import pyarrow as pa

from plateau import calendar, files, params, rows, speed, stage
from plateau.progress import say
from plateau.system import System

PARAMS = ("temporal",)


def main(system: System, values: params.Params) -> None:
    """Write data/temporal.parquet and metrics/temporal.json."""
    began = time.perf_counter()
    source = system.path("data", "prepared.parquet")
    known = rows.columns(source, ["start_utc", "queue_wait_time_seconds"])
    columns = calendar.features(known["start_utc"].to_numpy().astype("datetime64[us]"), values["temporal"])
    waits = known["queue_wait_time_seconds"].to_numpy()
    made = {name: pa.array(column) for name, column in columns.items()}
    rows.write(system.path("data", "temporal.parquet"), *rows.with_columns(source, made))
    files.write_json(system.metrics("temporal"), calendar.summary(columns, np.asarray(waits, np.float64)))
    speed.record(system, "temporal", {"seconds": time.perf_counter() - began, "rows": len(known)})
    say(f"temporal features of {len(known):,} records in {values['temporal']['time_zone']}")


if __name__ == "__main__":
    stage.run(main, PARAMS)
