"""The settings of a run: the params that it depends on, and the optimizer and learning rates that follow from them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from plateau.lm.backend import mx, optim
from plateau.training.stopping import Rules


@dataclass(frozen=True)
class Settings:
    """The params that a run depends on; names and units are those of params.yaml.

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
    rules: Rules
    grad_checkpoint: bool = False
    uniform_loss: float = math.inf


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
