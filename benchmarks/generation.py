"""Plateau's batched generation against mlx-lm's one by one, and what a schema costs on top: `python -m benchmarks.generation`.

Same model and adapter, same test prompts, greedy, same limit, same BLAS. Each contestant runs in a process of its own, which is
this module with the contestant's name and the system as arguments.
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SYSTEM = Path()
REPEATS = 5
PROMPTS, BATCH, MAX_TOKENS = 64, 32, 160
CONTESTANTS = ("plateau", "plateau_constrained", "stock_blas")


def _prompts(system: Path) -> list[list[int]]:
    """Prompt ids of evenly spaced test rows."""
    from plateau.prompts.tokens import open_tokens

    tokens = open_tokens(system / "data" / "tokens" / "test.arrow")
    rows = range(0, len(tokens), max(1, len(tokens) // PROMPTS))
    return [tokens.ids(i)[: tokens.completion_start[i]].tolist() for i in rows][:PROMPTS]


def plateau(system: Path, constrained: bool) -> tuple[float, list[str]]:
    """Seconds and outputs of Plateau's generation."""
    from plateau.data.fields import load_schema
    from plateau.lm.generation import generate
    from plateau.lm.model import load

    prompts, schema = _prompts(system), None
    model, tokenizer = load(system / "models" / "base", system / "adapters" / "best")
    if constrained:
        schema = load_schema(system / "schemas" / "target.schema.json")
    generate(model, tokenizer, prompts[:2], MAX_TOKENS, 2, schema)
    started = time.perf_counter()
    outputs = generate(model, tokenizer, prompts, MAX_TOKENS, BATCH, schema)
    return time.perf_counter() - started, [output.text for output in outputs]


def stock_blas(system: Path) -> tuple[float, list[str]]:
    """Seconds and outputs of `mlx_lm.generate`, one prompt after the other, with the BLAS that Plateau loads."""
    from benchmarks.contestant import load_blas

    load_blas()
    from mlx_lm import generate, load

    prompts = _prompts(system)
    model, tokenizer, *_ = load(str(system / "models" / "base"), adapter_path=str(system / "adapters" / "best"))
    generate(model, tokenizer, prompts[0], max_tokens=4)
    started = time.perf_counter()
    outputs = [generate(model, tokenizer, prompt, max_tokens=MAX_TOKENS) for prompt in prompts]
    return time.perf_counter() - started, outputs


def measure(name: str) -> dict[str, Any]:
    """One run of one contestant in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.generation", name, str(SYSTEM)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Run the contestants in turn, REPEATS times; print medians, and the ratio to Plateau pair by pair."""
    runs = [{name: measure(name) for name in CONTESTANTS} for _ in range(REPEATS)]
    print("| contestant | prompts | seconds | times Plateau's | outputs equal to Plateau's |\n|---|---|---|---|---|")
    for name in CONTESTANTS:
        seconds = statistics.median(run[name]["seconds"] for run in runs)
        ratio = statistics.median(run[name]["seconds"] / run["plateau"]["seconds"] for run in runs)
        pairs = list(zip(runs[0][name]["outputs"], runs[0]["plateau"]["outputs"], strict=True))
        equal = sum(one == other for one, other in pairs) / len(pairs)
        print(f"| {name} | {len(pairs)} | {seconds:.2f} | {ratio:.2f} | {equal:.0%} |", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        contestant, folder = sys.argv[1], Path(sys.argv[2])
        constrained = contestant == "plateau_constrained"
        elapsed, written = stock_blas(folder) if contestant == "stock_blas" else plateau(folder, constrained)
        print(json.dumps({"seconds": elapsed, "outputs": written}))
