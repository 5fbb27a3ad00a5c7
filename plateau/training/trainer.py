"""The training loop: updates, evaluation points, checkpoints, early stopping. Everything that changes is in one State.

An iteration is one update of the weights, from `grad_accumulation` batches. The loss and the gradients are sums over supervised
tokens, divided by their number at the end, so that every token weighs the same however rows are batched or shared out.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NoReturn

import numpy as np
import numpy.typing as npt
from mlx.utils import tree_map

from plateau.core.errors import BadInputError
from plateau.core.numbers import perplexity, significant
from plateau.core.supervision import finishing
from plateau.lm import objectives
from plateau.lm.backend import mx, nn, optim
from plateau.lm.batches import Rows, epoch_batches, in_order
from plateau.lm.model import Adapter, recomputed
from plateau.metrics.evaluations import Point
from plateau.metrics.train import StopReason
from plateau.prompts.tokens import Tokens
from plateau.training import checkpoints, stopping
from plateau.training.checkpoints import State
from plateau.training.ranks import Ranks
from plateau.training.settings import Settings, make_optimizer

# A state is also saved when this long has passed, so that little is lost of a model whose updates take minutes: at least so
# many seconds, and so many times what writing one took.
SAVE_SECONDS, SAVE_TIMES = 30.0, 20.0


class InterruptedRun(Exception):  # noqa: N818 (no error)
    """The run was asked to stop during an update or an evaluation, which is abandoned."""


Reason = StopReason | Literal["interrupted"]


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


def evaluate(
    objective: objectives.CausalLM,
    tokens: Tokens,
    rows: Rows,
    batch_size: int,
    train_on_prompt: bool = False,
    ranks: Ranks = Ranks(),  # noqa: B008 (immutable)
    max_tokens: int | None = None,
    after_batch: Callable[[], None] = lambda: None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """Summed loss and supervised tokens of each of `rows`, all of them, in their order."""
    sums, counts = np.zeros(len(rows)), np.zeros(len(rows), np.int32)
    for batch in in_order(tokens.lengths[rows], batch_size, max_tokens):
        if len(own := ranks.share(batch)):
            sums[own], counts[own] = objective.row_losses(_parts(tokens, rows[own], train_on_prompt))
        tokens.release()
        after_batch()
    return ranks.sum_rows(sums), ranks.sum_rows(counts)


class Run:
    """One run in progress: the model and its adapter, the data, the optimizer, and the state in `folder`."""

    def __init__(
        self, model: nn.Module, adapter: Adapter, data: Data, settings: Settings, folder: Path, ranks: Ranks
    ) -> None:
        self.model, self.adapter, self.data, self.settings = model, adapter, data, settings
        self.folder, self.ranks = folder, ranks
        self.objective = objectives.CausalLM(model)
        self.gradient = nn.value_and_grad(model, self.objective.loss_sum)
        self.optimizer = make_optimizer(settings)
        self.optimizer.init(model.trainable_parameters())
        self.state = checkpoints.restore(folder, model, self.optimizer)
        self._clean = self.state  # the state before the update that is being computed
        self._save_by = time.monotonic() + SAVE_SECONDS
        self._interrupted: Callable[[], bool] = lambda: False

    def train(self, report: Callable[[State], None], interrupted: Callable[[], bool] = lambda: False) -> Reason:
        """Train until a rule stops the run; return the reason, a StopReason or "interrupted".

        `report` is called after every update and every evaluation point. Raises OSError when the disk is full; the last complete
        state stays. The state at the end is saved too, unless the run broke.
        """
        self._interrupted = interrupted
        updates = _updates(self.data.train, self.settings, self.state)
        reason: Reason | None = None
        with objectives.fast_operations(self.model), recomputed(self.model, self.settings.grad_checkpoint):
            while reason is None:
                try:
                    reason = self._go_on(updates, report)
                except InterruptedRun:
                    self.state, reason = self._clean, "interrupted"
        if reason not in stopping.BROKEN:
            self._save()
        return reason

    def _go_on(self, updates: Iterator[list[Rows]], report: Callable[[State], None]) -> Reason | None:
        """Evaluate if that is due, then make one update; return the reason to stop, if there is one."""
        self._clean = self.state.copy()
        if self._due():
            self._evaluate_point()
            report(self.state)
        if reason := self._stop_reason():
            return reason
        if self.ranks.any(self._interrupted()):
            return "interrupted"
        if self.state.iteration % self.settings.state_every == 0 or time.monotonic() > self._save_by:
            self._save()
        self._clean = self.state.copy()
        self._update(next(updates))
        report(self.state)
        return None

    def _give_way(self) -> None:
        """Stop between two batches if asked to, because an update of many large batches takes minutes."""
        if self._interrupted():
            raise InterruptedRun

    def _save(self) -> None:
        if self.ranks.rank == 0:
            started = time.monotonic()
            with finishing():
                checkpoints.save(self.folder, self.state, self.model, self.optimizer)
            ended = time.monotonic()
            self._save_by = ended + max(SAVE_SECONDS, SAVE_TIMES * (ended - started))

    def _due(self) -> bool:
        """Whether an evaluation point of the current weights is due and not yet made."""
        state = self.state
        done = bool(state.points) and state.points[-1].iteration == state.iteration
        return not done and (state.iteration % self.settings.eval_every == 0 or self._is_last())

    def _is_last(self) -> bool:
        return self.state.iteration >= self.settings.iters or self.state.skipped_steps >= self.settings.max_bad_steps

    def _stop_reason(self) -> StopReason | None:
        losses = stopping.losses_of(self.state.points)
        rules = _with_divergence(self.settings.rules, losses, self.settings.uniform_loss)
        iterations = [point.iteration for point in self.state.points]
        if self.state.skipped_steps >= self.settings.max_bad_steps:
            return "non_finite"
        reason = stopping.standing(losses, rules, iterations).reason
        if reason and reason.endswith("_threshold") and self.state.iteration == 0:
            _refuse_threshold(reason, rules, losses[0])
        return reason or ("max_iters" if self._is_last() else None)

    def _update(self, batches: list[Rows]) -> None:
        """Make one update; it is skipped and counted where the loss or the gradient is not finite."""
        self.model.train()
        mx.random.seed(_draw(self.settings.seed, self.state.iteration, self.ranks.rank))
        state, lengths = self.state, self.data.train.lengths
        total, count = mx.array(0.0), 0
        summed = tree_map(mx.zeros_like, self.model.trainable_parameters())
        for rows in batches:
            state.padded_tokens += len(rows) * int(lengths[rows].max())
            state.row_tokens += int(lengths[rows].sum())
            own = self.ranks.share(rows)
            if not len(own):
                continue
            parts = _parts(self.data.train, own, self.settings.train_on_prompt)
            loss, gradients = self.gradient(parts)
            total = total + loss
            summed = tree_map(mx.add, summed, gradients)
            mx.eval(total, summed)
            count += sum(len(part.row) for part in parts)
            self._give_way()
        loss_sum, tokens = self.ranks.sum([np.array(total).item(), count])
        self.data.train.release()
        mean = tree_map(lambda gradient: gradient / tokens, self.ranks.sum_gradients(summed))
        self._apply(mean, loss_sum, int(tokens))

    def _apply(self, gradients: object, loss_sum: float, tokens: int) -> None:
        state = self.state
        clipped, norm = optim.clip_grad_norm(gradients, self.settings.max_grad_norm)
        state.iteration += 1
        if not (math.isfinite(loss_sum) and math.isfinite(np.array(norm).item())):
            state.skipped_steps += 1
            return
        self.optimizer.update(self.model, clipped)
        mx.eval(self.model.trainable_parameters(), self.optimizer.state)
        state.loss_sum += loss_sum
        state.loss_tokens += tokens
        state.trained_tokens += tokens

    def _evaluate_point(self) -> None:
        """Evaluate the weights, save them where the loss is finite, and append the evaluation point to the state."""
        self.model.eval()
        sums, counts = self._losses(self.data.valid, np.arange(len(self.data.valid)))
        probe_sums, probe_counts = self._losses(self.data.train, self.data.probe)
        val_loss = float(sums.sum() / counts.sum())
        digest = self._checkpoint(sums, counts) if math.isfinite(val_loss) else None
        state = self.state
        state.points.append(
            Point(
                iteration=state.iteration,
                epoch=state.epoch,
                trained_tokens=state.trained_tokens,
                lr=significant(np.array(self.optimizer.learning_rate).item()),
                train_loss=significant(float(probe_sums.sum() / probe_counts.sum())),
                val_loss=significant(val_loss),
                val_perplexity=significant(perplexity(val_loss)),
                batch_loss=significant(state.loss_sum / state.loss_tokens) if state.loss_tokens else None,
                sha256=digest,
            )
        )
        state.loss_sum, state.loss_tokens = 0.0, 0

    def _losses(self, tokens: Tokens, rows: Rows) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
        settings = self.settings
        budget = settings.max_tokens_per_batch
        size, whole = 2 * settings.batch_size, settings.train_on_prompt
        return evaluate(self.objective, tokens, rows, size, whole, self.ranks, budget, self._give_way)

    def _checkpoint(self, sums: npt.NDArray[np.float64], counts: npt.NDArray[np.int32]) -> str | None:
        """Save the weights and each validation row's loss; the SHA-256 of the adapter."""
        if self.ranks.rank:
            return None
        return checkpoints.save_point(self.folder, self.state.iteration, self.model, self.adapter, (sums, counts))


def _with_divergence(rules: stopping.Rules, losses: list[float], uniform_loss: float) -> stopping.Rules:
    """By default a run has diverged once its loss is above that of guessing among all tokens with equal chance."""
    if rules.divergence_threshold is not None or not losses:
        return rules
    return replace(rules, divergence_threshold=max(uniform_loss, 1.5 * losses[0] if losses[0] > uniform_loss else 0.0))


def _updates(tokens: Tokens, settings: Settings, state: State) -> Iterator[list[Rows]]:
    """The batches of each update, from where the state is; an epoch's last update takes the batches that are left."""
    while True:
        epoch = epoch_batches(
            tokens.lengths, settings.seed, state.epoch, settings.batch_size, settings.max_tokens_per_batch
        )
        while state.batch < len(epoch):
            rows = epoch[state.batch : state.batch + settings.grad_accumulation]
            state.batch += len(rows)
            yield rows
        state.epoch, state.batch = state.epoch + 1, 0


def _draw(seed: int, iteration: int, rank: int) -> int:
    """The random seed of one update on one rank. Dropout does not depend on earlier updates, so a continued run draws the same."""
    return int(np.random.SeedSequence([seed, iteration, rank]).generate_state(1)[0])


def _parts(tokens: Tokens, rows: Rows, train_on_prompt: bool) -> list[objectives.Part]:
    ids = [tokens.ids(int(row)) for row in rows]
    return objectives.parts(ids, [1 if train_on_prompt else int(tokens.completion_start[row]) for row in rows])


def _refuse_threshold(name: str, rules: stopping.Rules, loss: float) -> NoReturn:
    """Raise BadInputError for a threshold that would stop the run before its first update."""
    threshold = rules.stopping_threshold if name == "stopping_threshold" else rules.divergence_threshold
    side = "less" if name == "stopping_threshold" else "more"
    raise BadInputError(
        f"train.{name}: {threshold:g} would stop before the first update, for the base model's validation loss is {loss:.4g}; "
        f"it must be {side} than that, or null"
    )
