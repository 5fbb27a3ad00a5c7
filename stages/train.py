"""train: fine-tune with early stopping; every evaluation point leaves a checkpoint with its validation loss."""

import math
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from plateau.core.errors import PlateauError
from plateau.core.params import Params
from plateau.core.progress import say
from plateau.core.stage import run
from plateau.core.supervision import interruption
from plateau.core.system import System
from plateau.core.timings import record
from plateau.data import asked
from plateau.decision import wanted
from plateau.evaluation import readiness
from plateau.lm.backend import BLAS
from plateau.lm.model import Adapter, add_adapter, load
from plateau.prompts.tokens import open_tokens
from plateau.training import launch, outcome, preflight, scratch, shaping, stopping, trainer
from plateau.training.display import Display
from plateau.training.frequencies import unigram_loss
from plateau.training.ranks import RANK_VARIABLES, Ranks, join
from plateau.training.settings import Settings
from plateau.training.stopping import Rules

PARAMS = (
    "lr",
    "lr_schedule",
    "warmup",
    "rank",
    "scale",
    "dropout",
    "num_layers",
    "fine_tune_type",
    "batch_size",
    "grad_accumulation",
    "iters",
    "eval_every",
    "patience",
    "min_delta",
    "seed",
    "train.seed",
    "train.optimizer",
    "train.weight_decay",
    "train.max_grad_norm",
    "train.train_on_prompt",
    "train.max_tokens_per_batch",
    "train.grad_checkpoint",
    "train.alpha",
    "train.min_iters",
    "train.stopping_threshold",
    "train.divergence_threshold",
    "train.max_bad_steps",
    "train.ranks",
)
# They change no byte of the outputs. So DVC does not track them, and an interrupted run goes on when they change.
UNTRACKED = (
    "train.state_every",
    "train.hostfile",
    "evaluate.max_tokens",
    "evaluate.arms",
    "convert.template_date",
)


def main(system: System, params: Params) -> None:
    """Write adapters/checkpoints/, the evaluation points and the loss curve."""
    asked.check(system)
    wanted.check(system)
    if not RANK_VARIABLES & os.environ.keys():
        _ready(system, params)
    ranks, hostfile = params["train"]["ranks"], params["train"]["hostfile"]
    command = [sys.executable, "-m", "stages.train", str(system.root)]
    if RANK_VARIABLES & os.environ.keys() or (ranks == 1 and hostfile is None):
        _train(system, params, join(ranks))
    elif hostfile is not None:
        launch.hosts(command, hostfile, system.metrics("train"))
    else:
        launch.local(command, ranks)


def show_plan(system: System, params: Params) -> None:
    """Print what the run will cost, from the base model's config and the token files; no weights are needed."""
    asked.check(system)
    wanted.check(system)
    adapter = _adapter(params)
    model = preflight.from_config(system.path("models", "base", "config.json"), adapter)
    train, valid = (open_tokens(system.tokens(name)) for name in ("train", "valid"))
    truncated = preflight.truncated_rows(system)
    plan = preflight.plan(model, adapter, train, valid, _settings(params, vocabulary=2), truncated)
    say("\n".join(plan.lines()))
    _ready(system, params)


def _train(system: System, params: Params, ranks: Ranks) -> None:
    started = time.perf_counter()
    adapter = _adapter(params)
    files = [system.tokens("train"), system.tokens("valid"), *sorted(system.path("models", "base").iterdir())]
    name = _fingerprint(params, files)
    if ranks.rank == 0:
        scratch.sweep(name)
    data = trainer.with_probe(open_tokens(files[0]), open_tokens(files[1]), params["seed"])
    model, tokenizer = load(system.path("models", "base"))
    settings = _settings(params, tokenizer.vocab_size)
    add_adapter(model, adapter, settings.seed)
    plan = preflight.plan(model, adapter, data.train, data.valid, settings, preflight.truncated_rows(system))
    if ranks.rank == 0:
        say("\n".join(plan.lines()))
    with scratch.held(system.root, name, ranks.rank == 0) as folder:
        ranks.any(
            False
        )  # wait until rank 0 has the lock: before that an orphan may still write the state that every rank is to load
        training = trainer.Run(model, adapter, data, settings, folder, ranks)
        at_start, known = training.state.iteration, len(training.state.points)
        if known and ranks.rank == 0:
            say(f"going on from iteration {at_start}")
        with Display(settings, known, ranks.rank == 0) as display:
            reason = training.train(display.update, interruption())
        state = training.state
        if reason == "interrupted":
            raise PlateauError(f"stopped at iteration {state.iteration}; the next `dvc repro` goes on from there")
        floor = unigram_loss(data.train, data.valid, settings.train_on_prompt)
        parameters = plan.trainable_parameters, plan.total_parameters
        figures = outcome.figures(state, reason, *parameters, floor, shaping.digest(params))
        if ranks.rank == 0:
            outcome.write(system, folder, state, data.valid.names, figures)
            if state.iteration > at_start:
                seconds, speed = time.perf_counter() - started, display.tokens_per_second
                record(system, "train", {"seconds": seconds, "tokens_per_second": speed, "blas": BLAS})
            if reason not in stopping.BROKEN:
                scratch.finish(system, folder)
            say(figures.stop_summary)
    if reason in stopping.BROKEN and ranks.rank == 0:
        scratch.remove(folder)  # so that the next run starts anew
    outcome.refuse_broken(figures)


def _ready(system: System, params: Params) -> None:
    """Warn of what evaluation will meet; raises BadInputError for what it could not work with."""
    readiness.full_of_quantised(system, params["fine_tune_type"])
    options = params["evaluate"]
    readiness.check(system, options["max_tokens"], options["arms"], params["convert"]["template_date"])


def _fingerprint(params: Params, files: Sequence[Path]) -> str:
    tracked = {**params, "train": {key: value for key, value in params["train"].items() if f"train.{key}" in PARAMS}}
    return scratch.fingerprint({"params": tracked, "blas": BLAS}, files)


def _adapter(params: Params) -> Adapter:
    alpha = params["train"]["alpha"]
    scale = params["scale"] if alpha is None else alpha / params["rank"]
    if alpha is not None:
        say(f"alpha {alpha:g} at rank {params['rank']} is scale {scale:g}")
    return Adapter(params["fine_tune_type"], params["rank"], scale, params["dropout"], params["num_layers"])


def _settings(params: Params, vocabulary: int) -> Settings:
    train = params["train"]
    limits = {key: train[key] for key in ("min_iters", "stopping_threshold", "divergence_threshold")}
    top = ("lr", "lr_schedule", "warmup", "iters", "batch_size", "grad_accumulation", "eval_every")
    own = (
        "optimizer",
        "weight_decay",
        "max_grad_norm",
        "train_on_prompt",
        "max_tokens_per_batch",
        "grad_checkpoint",
        "max_bad_steps",
        "state_every",
    )
    return Settings(
        **{key: params[key] for key in top},
        seed=params["seed"] if train["seed"] is None else train["seed"],
        **{key: train[key] for key in own},
        uniform_loss=math.log(vocabulary),
        rules=Rules(patience=params["patience"], min_delta=params["min_delta"], **limits),
    )


if __name__ == "__main__":
    run(main, PARAMS, UNTRACKED, plan=show_plan)
