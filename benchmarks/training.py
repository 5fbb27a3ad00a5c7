"""Plateau's training step and validation pass against mlx-lm's, same model, rows and float type: `python -m benchmarks.training`."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

SYSTEM = Path()
REPEATS = 5
ROWS = {"stock": 32, "stock_blas": 256, "plateau": 256}


def measure(name: str, task: str, rows: int) -> dict[str, float]:
    """One run of one contestant in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.contestant", name, task, str(SYSTEM), str(rows)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def compare(task: str, names: tuple[str, ...], rows: int) -> None:
    """Run the contestants in turn, REPEATS times; print medians and the ratio to Plateau, pair by pair."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(REPEATS):
        for name in names:
            found[name].append(measure(name, task, rows))
    ours = [run["seconds"] for run in found["plateau"]]
    for name in names:
        seconds = [run["seconds"] for run in found[name]]
        ratio = statistics.median(theirs / own for theirs, own in zip(seconds, ours, strict=True))
        loss = statistics.median(run["loss"] for run in found[name])
        peak = statistics.median(run["peak_mib"] for run in found[name])
        print(
            f"| {task} | {rows} | {name} | {statistics.median(seconds):.2f} | {ratio:.2f} | {loss:.6f} | {peak:.0f} |",
            flush=True,
        )


def main() -> None:
    """Print the tables of benchmarks/README.md."""
    print("| task | rows | contestant | seconds | times Plateau's | loss | peak MiB |\n|---|---|---|---|---|---|---|")
    compare("epoch", ("plateau", "stock_blas"), ROWS["plateau"])
    compare("epoch", ("plateau", "stock"), ROWS["stock"])
    compare("evaluate", ("plateau", "stock_blas"), ROWS["plateau"])


if __name__ == "__main__":
    main()
