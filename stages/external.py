"""external: read the answers that others gave to the test split, from files in data/external/; a new file asks no model again."""

import time

from plateau.core.params import Params
from plateau.core.progress import say
from plateau.core.stage import run
from plateau.core.system import System
from plateau.core.timings import record
from plateau.evaluation import external, external_answers, hashes, samples

PARAMS = ("evaluate.num_samples",)


def main(system: System, params: Params) -> None:
    """Write data/external.parquet, which has no rows where there is no file."""
    started = time.perf_counter()
    test = samples.open_split(system, "test", params["evaluate"]["num_samples"])
    found = [external_answers.read(arm, path, test) for arm, path in external.files(system).items()]
    tables = [one.table for one in found]
    external_answers.write(system.path("data", "external.parquet"), tables, hashes.tested(system))
    record(system, "external", {"seconds": time.perf_counter() - started})
    for one in found:
        say(one.summary)


if __name__ == "__main__":
    run(main, PARAMS)
