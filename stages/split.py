"""Records to train, valid and test: `python -m stages.split [SYSTEM_DIR]`."""

import time

from plateau import files, params, partition, rows, speed, stage
from plateau.contracts import Contract
from plateau.progress import say
from plateau.system import SPLITS, System

PARAMS = ("seed", "split")


def main(system: System, values: params.Params) -> None:
    """Write data/split/{train,valid,test}.parquet and metrics/split.json."""
    began = time.perf_counter()
    records = rows.read(system.path("data", "temporal.parquet"))
    tables, dropped = partition.divide(records, values["split"], values["seed"])
    for name in SPLITS:
        rows.write(system.split(name), tables[name].schema, tables[name].to_batches(max_chunksize=4096))
    target = Contract.load(system.schema("target")).schema
    files.write_json(system.metrics("split"), partition.summary(tables, dropped, values["split"], target))
    speed.record(system, "split", {"seconds": time.perf_counter() - began, "rows": len(records)})
    say(", ".join(f"{name} {len(tables[name]):,}" for name in SPLITS) + f"; {sum(dropped.values()):,} rows unused")


if __name__ == "__main__":
    stage.run(main, PARAMS)
