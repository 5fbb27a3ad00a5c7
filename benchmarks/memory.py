"""Resident memory of training on a set 100 times as large: `python -m benchmarks.memory`, after `make repro`."""

import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from plateau.core.params import parse
from plateau.prompts import tokens

TIMES, ITERS = (1, 100), 200


def copy_system(folder: Path, times: int) -> None:
    """The default system up to its token files, its training rows repeated, few updates."""
    shutil.copytree("models/base", folder / "models" / "base")
    source = tokens.open_tokens(Path("data/tokens/train.arrow"))
    rows = (
        (f"{i}-{copy}", source.ids(i).tolist(), int(source.completion_start[i]))
        for copy in range(times)
        for i in range(len(source))
    )
    tokens.write(folder / "data" / "tokens" / "train.arrow", rows)
    shutil.copy("data/tokens/valid.arrow", folder / "data" / "tokens" / "valid.arrow")
    values = parse(Path("params.yaml").read_text())
    (folder / "params.yaml").write_text(yaml.safe_dump({**values, "iters": ITERS, "eval_every": ITERS}))


def main() -> None:
    """Print rows and peak resident memory, MiB."""
    if len(sys.argv) > 1:
        subprocess.run([sys.executable, "-m", "stages.train", sys.argv[1]], check=True, stdout=subprocess.DEVNULL)
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
        return
    print("| training rows, times the default's | peak resident MiB |\n|---|---|")
    for times in TIMES:
        with tempfile.TemporaryDirectory() as name:
            copy_system(Path(name), times)
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.memory", name], check=True, capture_output=True, text=True
            )
        print(f"| {times} | {done.stdout.strip()} |", flush=True)


if __name__ == "__main__":
    main()
