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
    prepared = rows.read(system.path("data", "prepared.parquet"))
    utc = prepared["start_utc"].to_numpy().astype("datetime64[us]")
    columns = calendar.features(utc, values["temporal"])
    waits = prepared["queue_wait_time_seconds"].to_numpy()
    table = prepared
    for name, column in columns.items():
        table = table.append_column(name, pa.array(column))
    rows.write(system.path("data", "temporal.parquet"), table.schema, table.to_batches(max_chunksize=4096))
    files.write_json(system.metrics("temporal"), calendar.summary(columns, np.asarray(waits, np.float64)))
    speed.record(system, "temporal", {"seconds": time.perf_counter() - began, "rows": len(table)})
    say(f"temporal features of {len(table):,} records in {values['temporal']['time_zone']}")


if __name__ == "__main__":
    stage.run(main, PARAMS)
