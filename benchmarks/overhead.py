"""What a training run costs beside its updates and evaluations: `python -m benchmarks.overhead`, after `make repro`."""

import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.memory import ITERS, copy_system
from plateau.core import params
from plateau.core.system import System
from plateau.training import trainer
from stages import train

REPEATS = 3
WORK = ("_update", "_losses")


def timed(method: Callable[..., Any], spent: Counter[str]) -> Callable[..., Any]:
    """The same method, its seconds added to `spent` under its name."""

    def call(*args: Any) -> Any:
        started = time.perf_counter()
        try:
            return method(*args)
        finally:
            spent[method.__name__] += time.perf_counter() - started

    return call


def measure() -> tuple[float, float, float]:
    """Seconds of one run from tokens to the final adapter, of its updates and evaluation passes, and of writing its state."""
    spent: Counter[str] = Counter()
    kept = {name: getattr(trainer.Run, name) for name in (*WORK, "_save")}
    with tempfile.TemporaryDirectory() as folder:
        copy_system(Path(folder), 1)
        system = System(Path(folder))
        for name, method in kept.items():
            setattr(trainer.Run, name, timed(method, spent))
        try:
            started = time.perf_counter()
            train.main(system, params.load(system, [*train.PARAMS, *train.UNTRACKED]))
            whole = time.perf_counter() - started
        finally:
            for name, method in kept.items():
                setattr(trainer.Run, name, method)
    return whole, sum(spent[name] for name in WORK), spent["_save"]


def main() -> None:
    """Print the medians of the ratio and of the state's share."""
    runs = [measure() for _ in range(REPEATS)]
    ratio = statistics.median(whole / work for whole, work, _ in runs)
    state = statistics.median(state / whole for whole, _, state in runs)
    print(f"{ITERS} updates: {ratio:.3f} times the sum of updates and evaluations; writing the state {state:.2%}")


if __name__ == "__main__":
    main()
