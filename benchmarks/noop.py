"""A no-op `dvc repro` against one of as many empty stages: `python -m benchmarks.noop`."""

import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import yaml

REPEATS = 5


def _seconds(folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run(["dvc", "repro", "--quiet"], cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - started


def _empty(folder: Path, stages: int) -> None:
    """A DVC repository of `stages` stages that do nothing, each depending on the one before, already run."""
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["dvc", "init", "--quiet"], cwd=folder, check=True)
    shutil.copyfile(".dvc/config", folder / ".dvc" / "config")
    made = {
        f"stage{i}": {"cmd": f"echo {i} > out{i}", "outs": [f"out{i}"], **({"deps": [f"out{i - 1}"]} if i else {})}
        for i in range(stages)
    }
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": made}))
    subprocess.run(["dvc", "repro", "--quiet"], cwd=folder, check=True, capture_output=True)


def main() -> None:
    """Print both medians and the ratio, pair by pair; the pipeline here must be up to date."""
    stages = len(yaml.safe_load(Path("dvc.yaml").read_text())["stages"])
    with tempfile.TemporaryDirectory() as name:
        empty = Path(name)
        _empty(empty, stages)
        _seconds(empty), _seconds(Path())
        pairs = [(_seconds(Path()), _seconds(empty)) for _ in range(REPEATS)]
    ours, theirs = (statistics.median(pair[i] for pair in pairs) for i in (0, 1))
    ratio = statistics.median(a / b for a, b in pairs)
    print(
        f"no-op dvc repro of {stages} stages: {ours:.2f} s; of as many empty stages: {theirs:.2f} s; ratio {ratio:.2f}"
    )


if __name__ == "__main__":
    main()
