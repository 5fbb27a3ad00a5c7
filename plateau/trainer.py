"""The training loop: updates, evaluation points, checkpoints, early stopping; all that changes is one State.

An iteration is one update of the weights, from `grad_accumulation` batches. The loss and the gradients are sums over supervised
tokens, divided by their number at the end, so that every token weighs the same however rows are batched or shared out.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from mlx import optimizers as optim
from mlx.utils import tree_map

from plateau import checkpoints, objectives, stopping
from plateau.backend import mx, nn
from plateau.batches import Rows, epoch_batches, in_order
from plateau.checkpoints import State
from plateau.files import sha256
from plateau.model import Adapter, save_adapter
from plateau.tokens import Tokens

Gradients = Any


@dataclass(frozen=True)
class Settings:
    """The params that shape a run; names and units are those of params.yaml.

    `uniform_loss` is ln(vocabulary size), the loss of guessing among all tokens alike.
    """

    lr: float
    lr_schedule: str
    warmup: int
    iters: int
    batch_size: int
    grad_accumulation: int
    eval_every: int
    seed: int
    optimizer: str
    weight_decay: float
    max_grad_norm: float
    train_on_prompt: bool
    max_tokens_per_batch: int | None
    max_bad_steps: int
    state_every: int
    rules: stopping.Rules
    uniform_loss: float = math.inf


@dataclass(frozen=True)
class Data:
    """Token files and the rows of the training probe: as many training rows as there are validation rows."""

    train: Tokens
    valid: Tokens
    probe: Rows


def with_probe(train: Tokens, valid: Tokens, seed: int) -> Data:
    """Draw the fixed probe of the training set."""
    rows = np.random.default_rng([seed, len(train)]).permutation(len(train))[: len(valid)]
    return Data(train, valid, np.sort(rows))


def schedule(settings: Settings) -> Callable[[mx.array], mx.array]:
    """Learning rate of each update: linear warm-up from lr / (warmup + 1), then constant, linear or cosine to 0 at iters."""
    rest = max(1, settings.iters - settings.warmup)
    shapes: dict[str, Callable[[], Callable[[mx.array], mx.array]]] = {
        "constant": lambda: lambda _: mx.array(settings.lr),
        "linear": lambda: optim.linear_schedule(settings.lr, 0.0, rest),
        "cosine": lambda: optim.cosine_decay(settings.lr, rest),
    }
    shape = shapes[settings.lr_schedule]()
    if settings.warmup == 0:
        return shape
    rise = optim.linear_schedule(settings.lr / (settings.warmup + 1), settings.lr, settings.warmup)
    joined: Callable[[mx.array], mx.array] = optim.join_schedules([rise, shape], [settings.warmup])
    return joined


def make_optimizer(settings: Settings) -> optim.Optimizer:
    """The optimizer of mlx by its name, Adam with bias correction; weight decay applies to adamw and muon."""
    lr = schedule(settings)
    if settings.optimizer == "adafactor":
        return optim.Adafactor(learning_rate=lr, relative_step=False, scale_parameter=False)
    if settings.optimizer == "adamw":
        return optim.AdamW(learning_rate=lr, weight_decay=settings.weight_decay, bias_correction=True)
    if settings.optimizer == "muon":
        return optim.Muon(learning_rate=lr, weight_decay=settings.weight_decay)
    return optim.Adam(learning_rate=lr, bias_correction=True)


def evaluate(
    objective: objectives.CausalLM, tokens: Tokens, rows: Rows, batch_size: int, train_on_prompt: bool = False
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """Summed loss and supervised tokens of each of `rows`, all of them, in their order."""
    sums, counts = np.zeros(len(rows)), np.zeros(len(rows), np.int32)
    for batch in in_order(tokens.lengths[rows], batch_size):
        sums[batch], counts[batch] = objective.row_losses(_parts(tokens, rows[batch], train_on_prompt))
    return sums, counts


def train(
    model: nn.Module,
    adapter: Adapter,
    data: Data,
    settings: Settings,
    folder: Path,
    report: Callable[[State], None],
    interrupted: Callable[[], bool] = lambda: False,
) -> tuple[State, str]:
    """Train until a rule stops it; the final state and the stop reason, one of stopping.REASONS or "interrupted".

    `folder` takes states and checkpoints; what is there already is gone on from. `report` is called after every update and every
    evaluation point. Raises OSError when the disk is full; the last complete state stays.
    """
    optimizer = make_optimizer(settings)
    optimizer.init(model.trainable_parameters())
    objective = objectives.CausalLM(model)
    state = checkpoints.restore(folder, model, optimizer)
    gradient = nn.value_and_grad(model, objective.loss_sum)
    batches = _batches(data.train, settings, state)
    with objectives.fast_operations(model):
        while True:
            if _due(state, settings):
                _evaluate_point(objective, adapter, data, settings, optimizer, folder, state)
                report(state)
            if reason := _stop_reason(state, settings):
                return state, reason
            if state.iteration % settings.state_every == 0:
                checkpoints.save(folder, state, model, optimizer)
            if interrupted():
                checkpoints.save(folder, state, model, optimizer)
                return state, "interrupted"
            model.train()
            _update(gradient, model, optimizer, data.train, settings, state, batches)
            report(state)


def _due(state: State, settings: Settings) -> bool:
    """Whether the weights as they are still lack an evaluation point that they should have."""
    done = bool(state.points) and state.points[-1]["iteration"] == state.iteration
    last = state.iteration >= settings.iters or state.skipped_steps >= settings.max_bad_steps
    return not done and (state.iteration % settings.eval_every == 0 or last)


def _stop_reason(state: State, settings: Settings) -> str | None:
    losses = [math.nan if p["val_loss"] is None else p["val_loss"] for p in state.points]
    rules = _with_divergence(settings.rules, losses, settings.uniform_loss)
    reason = stopping.standing(losses, rules, [p["iteration"] for p in state.points]).reason
    if state.skipped_steps >= settings.max_bad_steps:
        return "non_finite"
    return reason or ("max_iters" if state.iteration >= settings.iters else None)


def _with_divergence(rules: stopping.Rules, losses: list[float], uniform_loss: float) -> stopping.Rules:
    """Unless params say otherwise, a run has diverged once it predicts worse than guessing among all tokens alike."""
    if rules.divergence_threshold is not None or not losses:
        return rules
    return replace(rules, divergence_threshold=max(uniform_loss, 1.5 * losses[0] if losses[0] > uniform_loss else 0.0))


def _batches(tokens: Tokens, settings: Settings, state: State) -> Iterator[list[Rows]]:
    """The rows of each update, from where the state is; an epoch's last update takes the batches that are left."""
    while True:
        epoch = epoch_batches(
            tokens.lengths, settings.seed, state.epoch, settings.batch_size, settings.max_tokens_per_batch
        )
        while state.batch < len(epoch):
            rows = epoch[state.batch : state.batch + settings.grad_accumulation]
            state.batch += len(rows)
            yield rows
        state.epoch, state.batch = state.epoch + 1, 0


def _update(
    gradient: Callable[..., tuple[mx.array, Gradients]],
    model: nn.Module,
    optimizer: optim.Optimizer,
    tokens: Tokens,
    settings: Settings,
    state: State,
    batches: Iterator[list[Rows]],
) -> None:
    """One update; where the loss or the gradient is not finite it is skipped and counted."""
    total, summed, count = mx.array(0.0), None, 0
    for rows in next(batches):
        parts = _parts(tokens, rows, settings.train_on_prompt)
        loss, gradients = gradient(parts)
        total = total + loss
        summed = gradients if summed is None else tree_map(mx.add, summed, gradients)
        mx.eval(total, summed)
        count += sum(len(part.row) for part in parts)
        state.padded_tokens += len(rows) * int(tokens.lengths[rows].max())
        state.row_tokens += int(tokens.lengths[rows].sum())
    mean = tree_map(lambda g: g / count, summed)
    clipped, norm = optim.clip_grad_norm(mean, settings.max_grad_norm)
    state.iteration += 1
    loss, length = np.array(total).item(), np.array(norm).item()
    if math.isfinite(loss) and math.isfinite(length):
        optimizer.update(model, clipped)
        mx.eval(model.trainable_parameters(), optimizer.state)
        state.loss_sum += loss
        state.loss_tokens += count
        state.trained_tokens += count
    else:
        state.skipped_steps += 1


def _evaluate_point(
    objective: objectives.CausalLM,
    adapter: Adapter,
    data: Data,
    settings: Settings,
    optimizer: optim.Optimizer,
    folder: Path,
    state: State,
) -> None:
    """Evaluate the weights, save them where the loss is finite, and append the evaluation point to the state."""
    name = f"{state.iteration:07d}"
    objective.model.eval()
    batch_size = 2 * settings.batch_size
    every = np.arange(len(data.valid))
    sums, counts = evaluate(objective, data.valid, every, batch_size, settings.train_on_prompt)
    probe_sums, probe_counts = evaluate(objective, data.train, data.probe, batch_size, settings.train_on_prompt)
    val_loss, train_loss = float(sums.sum() / counts.sum()), float(probe_sums.sum() / probe_counts.sum())
    digest = None
    if math.isfinite(val_loss):
        save_adapter(objective.model, adapter, folder / "checkpoints" / name)
        digest = sha256(folder / "checkpoints" / name / "adapters.safetensors")
    np.savez(folder / f"losses-{name}.npz", loss_sum=sums, tokens=counts)
    state.points.append(
        {
            "iteration": state.iteration,
            "epoch": state.epoch,
            "trained_tokens": state.trained_tokens,
            "lr": _rounded(optimizer.learning_rate.item()),
            "train_loss": _rounded(train_loss),
            "val_loss": _rounded(val_loss),
            "val_perplexity": _rounded(math.exp(min(val_loss, 700.0))),
            "batch_loss": _rounded(state.loss_sum / state.loss_tokens) if state.loss_tokens else None,
            "sha256": digest,
        }
    )
    state.loss_sum, state.loss_tokens = 0.0, 0


def _rounded(value: float) -> float | None:
    """Nine significant digits, so that files are stable and readable; None where the figure is not finite."""
    return float(f"{value:.9g}") if math.isfinite(value) else None


def _parts(tokens: Tokens, rows: Rows, train_on_prompt: bool) -> list[objectives.Part]:
    ids = [tokens.ids(int(row)) for row in rows]
    return objectives.parts(ids, [1 if train_on_prompt else int(tokens.completion_start[row]) for row in rows])
