"""Plateau's training step and validation pass against mlx-lm's, same model, rows and float type: `python -m benchmarks.training`.

With the reference model, and with one of random weights that is twice as wide.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

WIDE = {"hidden_size": 256, "intermediate_size": 768, "head_dim": 64}
REPEATS = 5
ROWS = {"stock": 32, "stock_blas": 256, "plateau": 256}


def widen(folder: Path) -> Path:
    """A system with the default's tokens and the wide model."""
    from mlx.utils import tree_flatten
    from mlx_lm.models.llama import Model, ModelArgs

    from plateau.lm.backend import mx

    base = folder / "models" / "base"
    shutil.copytree("models/base", base)
    config = {**json.loads((base / "config.json").read_text()), **WIDE}
    (base / "config.json").write_text(json.dumps(config))
    mx.random.seed(0)
    weights = dict(tree_flatten(Model(ModelArgs.from_dict({**config, "model_type": "llama"})).parameters()))
    mx.save_safetensors(str(base / "model.safetensors"), weights, metadata={"format": "mlx"})
    (folder / "data").symlink_to(Path("data").resolve())
    return folder


def measure(system: Path, name: str, task: str, rows: int) -> dict[str, float]:
    """One run of one contestant in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.contestant", name, task, str(system), str(rows)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def compare(system: Path, model: str, task: str, names: tuple[str, ...], rows: int) -> None:
    """Run the contestants in turn, REPEATS times; print medians and the ratio to Plateau, pair by pair."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(REPEATS):
        for name in names:
            found[name].append(measure(system, name, task, rows))
    ours = [run["seconds"] for run in found["plateau"]]
    for name in names:
        seconds = [run["seconds"] for run in found[name]]
        ratio = statistics.median(theirs / own for theirs, own in zip(seconds, ours, strict=True))
        loss = statistics.median(run["loss"] for run in found[name])
        peak = statistics.median(run["peak_mib"] for run in found[name])
        print(
            f"| {model} | {task} | {rows} | {name} | {statistics.median(seconds):.2f} | {ratio:.2f} | {loss:.6f} | {peak:.0f} |",
            flush=True,
        )


def main() -> None:
    """Print the tables of benchmarks/README.md."""
    print(
        "| model | task | rows | contestant | seconds | times Plateau's | loss | peak MiB |\n|---|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as name:
        for system, model in ((Path(), "reference"), (widen(Path(name)), "wide")):
            compare(system, model, "epoch", ("plateau", "stock_blas"), ROWS["plateau"])
            compare(system, model, "epoch", ("plateau", "stock"), ROWS["stock"])
            compare(system, model, "evaluate", ("plateau", "stock_blas"), ROWS["plateau"])


if __name__ == "__main__":
    main()
