"""The causal language modelling loss: summed negative log-likelihood, in nats, of the supervised tokens alone."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plateau.lm.backend import ON_CPU, PARTS, mx, nn

STREAMS = [mx.new_stream(mx.cpu) for _ in range(PARTS)] if ON_CPU else [None]
HEAD_ROWS = 32  # supervised positions are padded to a multiple of this, so that few shapes occur


@dataclass(frozen=True)
class Part:
    """Rows of a batch that are computed together.

    ids [B, T] right-padded with 0; positions [P] flat indices into [B, T-1] of the states that predict a supervised token;
    targets [P]; weights [P] 1, or 0 for padding; row [P] the row of each position.
    """

    ids: mx.array
    positions: mx.array
    targets: mx.array
    weights: mx.array
    row: npt.NDArray[np.int64]


def part(rows: Sequence[npt.NDArray[np.int32]], starts: Sequence[int], pad_to: int = 1) -> Part:
    """Build one part from token id rows and the index of each row's first supervised token (at least 1)."""
    longest = max(len(row) for row in rows)
    width = 1 + pad_to * -(-(longest - 1) // pad_to)
    ids = np.zeros((len(rows), width), np.int32)
    supervised = np.zeros((len(rows), width - 1), bool)
    for i, (row, start) in enumerate(zip(rows, starts, strict=True)):
        ids[i, : len(row)] = row
        supervised[i, max(start, 1) - 1 : len(row) - 1] = True
    flat = np.flatnonzero(supervised)
    positions = np.zeros(HEAD_ROWS * -(-max(len(flat), 1) // HEAD_ROWS), np.int32)
    positions[: len(flat)] = flat
    weights = (np.arange(len(positions)) < len(flat)).astype(np.float32)
    targets = ids[:, 1:].reshape(-1)[positions]
    return Part(mx.array(ids), mx.array(positions), mx.array(targets), mx.array(weights), flat // (width - 1))


def parts(rows: Sequence[npt.NDArray[np.int32]], starts: Sequence[int]) -> list[Part]:
    """Cut a batch into the parts that this backend computes side by side."""
    count = min(len(STREAMS), len(rows))
    pad_to = 1 if ON_CPU else 32
    return [part(rows[i::count], starts[i::count], pad_to) for i in range(count)]


class CausalLM:
    """The loss of one model; where the model allows it, the output head computes logits of supervised positions only."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._splits = _splits_at_head(model)

    def token_losses(self, batch: Part) -> mx.array:
        """Negative log-likelihood [P] of each supervised token, 0 at padding."""
        inputs = batch.ids[:, :-1]
        states = self.model.model(inputs) if self._splits else self.model(inputs)
        picked = states.reshape(-1, states.shape[-1])[batch.positions]
        logits = _head(self.model, picked) if self._splits else picked
        losses: mx.array = cross_entropy(logits.astype(mx.float32), batch.targets) * batch.weights
        return losses

    def loss_sum(self, batch: Sequence[Part]) -> mx.array:
        """Summed loss of all parts, each on a stream of its own where the backend has more than one."""
        sums = []
        for stream, one in zip(STREAMS, batch, strict=False):
            with _on(stream):
                sums.append(self.token_losses(one).sum())
        return mx.stack(sums).sum()

    def row_losses(self, batch: Sequence[Part]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
        """Summed loss and number of supervised tokens of each row, in the order of the rows that `parts` was given."""
        losses = []
        for stream, one in zip(STREAMS, batch, strict=False):
            with _on(stream):
                losses.append(self.token_losses(one))
        mx.eval(losses)
        count = sum(one.ids.shape[0] for one in batch)
        sums, tokens = np.zeros(count), np.zeros(count, np.int32)
        for i, (one, loss) in enumerate(zip(batch, losses, strict=True)):
            values = np.array(loss).astype(np.float64)[: len(one.row)]
            rows = one.ids.shape[0]
            sums[i :: len(batch)] = np.bincount(one.row, values, rows)
            tokens[i :: len(batch)] = np.bincount(one.row, minlength=rows)
        return sums, tokens


def cross_entropy(logits: mx.array, targets: mx.array) -> mx.array:
    """Negative log-likelihood [N] of targets [N] under logits [N, V]."""
    if ON_CPU:
        from plateau.lm import cpu

        return cpu.cross_entropy(logits, targets)
    losses: mx.array = nn.losses.cross_entropy(logits, targets)
    return losses


@contextmanager
def fast_operations(model: nn.Module) -> Iterator[None]:
    """Use the backend's own fast operations inside the block, where there are any."""
    if not ON_CPU:
        yield
        return
    from plateau.lm import cpu

    with cpu.fast_operations(model):
        yield


def _splits_at_head(model: nn.Module) -> bool:
    """Whether the output head on the last hidden states gives exactly the model's logits; false for models with, say, soft-capping."""
    inner = getattr(model, "model", None)
    if inner is None or (getattr(model, "lm_head", None) is None and not hasattr(inner, "embed_tokens")):
        return False
    ids = mx.array([[1, 2, 3]])
    try:
        split = _head(model, inner(ids))
    except TypeError:  # it asks for more than ids
        return False
    whole = model(ids)
    return bool(whole.shape == split.shape and mx.array_equal(whole, split).item())


def _head(model: nn.Module, states: mx.array) -> mx.array:
    head = getattr(model, "lm_head", None)  # None too where the embedding serves
    logits: mx.array = head(states) if head is not None else model.model.embed_tokens.as_linear(states)
    return logits


def _on(stream: mx.Stream | None) -> AbstractContextManager[object]:
    return mx.stream(stream) if stream is not None else nullcontext()
