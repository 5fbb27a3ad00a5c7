"""One contestant of a training benchmark, in a process of its own: `python -m benchmarks.contestant NAME TASK SYSTEM ROWS`.

NAME is `plateau`, `stock` (mlx-lm as installed) or `stock_blas` (mlx-lm with the BLAS that Plateau loads); TASK is `epoch` (one epoch
of LoRA updates) or `evaluate` (one pass over the rows). Prints one line of JSON.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

BATCH, RANK, SCALE, LR = 8, 8, 2.0, 1e-4
MEDIAN, SPREAD, LONGEST = 150, 0.7, 512


def _rows(system: Path, count: int) -> list[tuple[list[int], int]]:
    """Rows of varied length: the default's are all much alike, so its prompts are joined and cut to log-normal lengths."""
    from plateau.prompts.tokens import open_tokens

    tokens = open_tokens(system / "data" / "tokens" / "train.arrow")
    starts = [int(start) for start in tokens.completion_start]
    stream = np.concatenate([tokens.ids(i)[: starts[i]] for i in range(len(tokens))]).tolist()
    lengths = np.random.default_rng(0).lognormal(np.log(MEDIAN), SPREAD, count).astype(int).tolist()
    rows, place = [], 0
    for i, length in enumerate(lengths):
        answer = tokens.ids(i)[starts[i] :].tolist()
        prompt = stream[place : place + max(8, min(length, LONGEST - len(answer)))]
        place = (place + len(prompt)) % (len(stream) - LONGEST)
        rows.append((prompt + answer, len(prompt)))
    return rows


def load_blas() -> None:
    """Plateau's BLAS, with a thread for each core, for mlx-lm computes one thing after the other."""
    from plateau.lm import blas

    for provider in ("OPENBLAS", "MKL"):
        os.environ.setdefault(f"{provider}_NUM_THREADS", str(os.cpu_count()))
    blas.load()


def plateau(task: str, system: Path, count: int) -> dict[str, float]:
    """Plateau's trainer on the first `count` rows."""
    from plateau.lm import objectives
    from plateau.lm.backend import mx
    from plateau.lm.model import Adapter, add_adapter, load
    from plateau.prompts import tokens
    from plateau.training import trainer
    from plateau.training.ranks import Ranks
    from plateau.training.settings import Settings
    from plateau.training.stopping import Rules

    path = system / ".work" / "benchmark" / "train.arrow"
    path.parent.mkdir(parents=True, exist_ok=True)
    tokens.write(path, [(str(i), ids, start) for i, (ids, start) in enumerate(_rows(system, count))])
    data = tokens.open_tokens(path)
    model, _ = load(system / "models" / "base")
    adapter = Adapter("lora", RANK, SCALE, 0.0, -1)
    add_adapter(model, adapter, 0)
    if task == "evaluate":
        objective = objectives.CausalLM(model)
        with objectives.fast_operations(model):
            trainer.evaluate(objective, data, np.arange(min(BATCH, len(data))), BATCH)
            started = time.perf_counter()
            sums, counts = trainer.evaluate(objective, data, np.arange(len(data)), 2 * BATCH)
        return {"seconds": time.perf_counter() - started, "loss": float(sums.sum() / counts.sum())}
    iterations = -(-len(data) // BATCH)
    settings = Settings(
        lr=LR, lr_schedule="constant", warmup=0, iters=iterations + 1, batch_size=BATCH, grad_accumulation=1,
        eval_every=10**9, seed=0, optimizer="adam", weight_decay=0.0, max_grad_norm=1e9, train_on_prompt=False,
        max_tokens_per_batch=None, max_bad_steps=1, state_every=10**9, rules=Rules(patience=10**9),
    )  # fmt: skip
    run = trainer.Run(model, adapter, trainer.Data(data, data, np.arange(1)), settings, path.parent, Ranks())
    updates = trainer._updates(data, settings, run.state)
    with objectives.fast_operations(model):
        run._update(next(updates))
        started, first = time.perf_counter(), run.state.loss_sum
        for _ in range(iterations - 1):
            run._update(next(updates))
    seconds = time.perf_counter() - started
    mx.eval(model.parameters())
    return {"seconds": seconds, "loss": run.state.loss_sum / run.state.loss_tokens, "first": first}


def stock(task: str, system: Path, count: int, blas: bool) -> dict[str, float]:
    """mlx-lm's own batches, loss and compiled step on the first `count` rows, as `mlx_lm.lora` runs them."""
    if blas:
        load_blas()
    from functools import partial

    import mlx.core as mx
    from mlx import nn
    from mlx import optimizers as optim
    from mlx_lm import load
    from mlx_lm.tuner.datasets import CacheDataset
    from mlx_lm.tuner.trainer import default_loss, evaluate, iterate_batches
    from mlx_lm.tuner.utils import linear_to_lora_layers

    class Rows:
        def __init__(self, rows: list[tuple[list[int], int]]) -> None:
            self.rows = rows

        def __getitem__(self, index: int) -> Any:
            return self.rows[index]

        def __len__(self) -> int:
            return len(self.rows)

        def process(self, row: Any) -> Any:
            return row

    dataset = CacheDataset(Rows(_rows(system, count)))
    model, _ = load(str(system / "models" / "base"))
    mx.random.seed(0)
    model.freeze()
    linear_to_lora_layers(model, -1, {"rank": RANK, "scale": SCALE, "dropout": 0.0})
    if task == "evaluate":
        evaluate(model, dataset, BATCH, 1, 10**6)
        started = time.perf_counter()
        loss = evaluate(model, dataset, BATCH, -1, 10**6)
        return {"seconds": time.perf_counter() - started, "loss": loss}
    optimizer = optim.Adam(learning_rate=LR, bias_correction=True)
    gradient = nn.value_and_grad(model, default_loss)
    state = [model.state, optimizer.state, mx.random.state]

    @partial(mx.compile, inputs=state, outputs=state)
    def step(batch: mx.array, lengths: mx.array) -> Any:
        (loss, tokens), gradients = gradient(model, batch, lengths)
        optimizer.update(model, gradients)
        return loss, tokens

    model.train()
    losses, started = [], 0.0
    for number, (batch, lengths) in enumerate(iterate_batches(dataset, BATCH, 10**6, seed=0)):
        loss, tokens = step(batch, lengths)
        mx.eval(state, loss, tokens)
        losses.append((loss.item(), tokens.item()))
        if number == 0:
            started = time.perf_counter()
    total = sum(tokens for _, tokens in losses)
    return {"seconds": time.perf_counter() - started, "loss": sum(loss * tokens for loss, tokens in losses) / total}


if __name__ == "__main__":
    name, task, folder, rows = sys.argv[1:]
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    args = (task, Path(folder), int(rows))
    figures = plateau(*args) if name == "plateau" else stock(*args, blas=name == "stock_blas")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"name": name, **figures, "peak_mib": peak}))
