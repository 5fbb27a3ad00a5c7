"""Estimate what a run will cost before it starts: parameters, tokens, padding, memory; and warn of settings that look wrong."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mlx.utils import tree_flatten

from plateau.core.figures import from_json
from plateau.core.files import read_json
from plateau.core.system import System
from plateau.lm.backend import mx, nn
from plateau.lm.batches import epoch_batches, padding_waste
from plateau.lm.model import Adapter, add_adapter, count_parameters, unadapted, whole
from plateau.metrics.convert import Convert
from plateau.prompts.tokens import Tokens
from plateau.training.settings import Settings

# Learning rates outside these bounds are seldom meant; full fine-tuning needs lower ones.
USUAL_LR = {"lora": (1e-6, 1e-2), "dora": (1e-6, 1e-2), "full": (1e-7, 1e-3)}
FEW_VALIDATION_ROWS = 100
# Bytes of float32 activations that one layer keeps for the backward pass, in multiples of tokens x hidden size.
ACTIVATIONS = 4 * 20
RECOMPUTED = 4 * 2
OVERHEAD = 2  # an evaluation's time in multiples of that of its matrix products: measured on the reference model


@dataclass(frozen=True)
class Plan:
    """Figures of a run to come. Sizes in bytes, times in seconds, `padding_waste` a share of the tokens computed."""

    trainable_parameters: int
    total_parameters: int
    adapter_bytes: int
    memory_bytes: int
    evaluation_seconds: float
    rows: int
    tokens_an_epoch: int
    supervised_tokens_an_epoch: int
    updates_an_epoch: int
    padding_waste: float
    warnings: tuple[str, ...]

    def lines(self) -> list[str]:
        """The plan for people, a line each."""
        share = self.trainable_parameters / self.total_parameters
        return [
            f"trainable parameters {self.trainable_parameters:,} of {self.total_parameters:,} ({share:.3%})",
            f"adapter {_size(self.adapter_bytes)}, memory about {_size(self.memory_bytes)}, "
            f"an evaluation about {self.evaluation_seconds:.2g} s",
            f"an epoch: {self.rows:,} rows, {self.updates_an_epoch:,} updates, {self.tokens_an_epoch:,} tokens, "
            f"{self.supervised_tokens_an_epoch:,} supervised, padding {self.padding_waste:.1%}",
            *(f"warning: {warning}" for warning in self.warnings),
        ]


def plan(
    model: nn.Module, adapter: Adapter, train: Tokens, valid: Tokens, settings: Settings, truncated: Sequence[str] = ()
) -> Plan:
    """The plan of a run, from the model with its adapter added; no weight is computed. `truncated` joins the warnings."""
    batches = epoch_batches(train.lengths, settings.seed, 0, settings.batch_size, settings.max_tokens_per_batch)
    trainable, total = count_parameters(model)
    supervised, asked = (
        rows.lengths - (1 if settings.train_on_prompt else rows.completion_start) for rows in (train, valid)
    )
    updates = -(-len(batches) // settings.grad_accumulation)
    tokens_a_batch = max(len(rows) * int(train.lengths[rows].max()) for rows in batches)
    return Plan(
        trainable_parameters=trainable,
        total_parameters=total,
        adapter_bytes=4 * trainable,
        memory_bytes=_memory(model, trainable, tokens_a_batch, settings.grad_checkpoint),
        evaluation_seconds=2 * _forward_seconds(model, total, int(valid.lengths.sum()), int(asked.sum())),
        rows=len(train),
        tokens_an_epoch=int(train.lengths.sum()),
        supervised_tokens_an_epoch=int(supervised.sum()),
        updates_an_epoch=updates,
        padding_waste=padding_waste(train.lengths, batches),
        warnings=(*_left_out(model, adapter), *_warnings(adapter, settings, updates, len(valid)), *truncated),
    )


def truncated_rows(system: System) -> list[str]:
    """Which rows of the splits that training reads were cut by convert: file, count and the first rows."""
    if not system.metrics("convert").exists():  # token files that convert did not write
        return []
    path = system.metrics("convert")
    known = from_json(Convert, read_json(path), str(path))
    return [
        f"{system.split(name)}: {found.truncated:,} rows lost turns to max_seq_length, "
        f"among them row {', '.join(map(str, found.truncated_rows))}"
        for name, found in (("train", known.train), ("valid", known.valid))
        if found.truncated
    ]


def from_config(path: Path, adapter: Adapter) -> nn.Module:
    """The model that a config.json describes, with the adapter added and no weights; for counting only."""
    from mlx_lm.utils import _get_classes

    kind, arguments = _get_classes(read_json(path))
    model: nn.Module = whole(kind(arguments.from_dict(read_json(path))))
    add_adapter(model, adapter, 0, compute=False)
    return model


def _memory(model: nn.Module, trainable: int, tokens: int, grad_checkpoint: bool) -> int:
    """Weights, gradients and two moments of what is trained, and the activations of the largest batch."""
    weights = sum(array.nbytes for _, array in tree_flatten(model.parameters()))
    kept = (RECOMPUTED if grad_checkpoint else ACTIVATIONS) * tokens * _hidden(model) * len(model.layers)
    return int(weights + 3 * 4 * trainable + kept)


def _forward_seconds(model: nn.Module, parameters: int, tokens: int, supervised: int) -> float:
    """Seconds of a forward pass, from its matrix products and the speed of one here; the head only at supervised tokens."""
    outer = [rows * width for rows, width in _vocabulary_tables(model)]
    operations = (parameters - sum(outer)) * tokens + max(outer, default=0) * supervised
    return float(OVERHEAD * operations / _products_a_second())


def _hidden(model: nn.Module) -> int:
    """The model's hidden size: the width of its token embedding."""
    return max((width for _, width in _vocabulary_tables(model)), default=0)


def _vocabulary_tables(model: nn.Module) -> list[tuple[int, int]]:
    """Rows and columns of the matrices with a row a token of the vocabulary, embedding and head, whatever the model calls them."""
    embedding, dense = (nn.Embedding, nn.QuantizedEmbedding), (nn.Linear, nn.QuantizedLinear)
    modules = [module for _, module in model.named_modules()]
    tables = [_table(module) for module in modules if isinstance(module, embedding)]
    vocabulary = max((rows for rows, _ in tables), default=0)
    heads = [_table(module) for module in modules if isinstance(module, dense)]
    return [table for table in tables + heads if table[0] == vocabulary]


def _table(module: nn.Module) -> tuple[int, int]:
    """Rows and columns of a module's matrix; a quantised one counts as what it stands for."""
    rows, columns = module.weight.shape
    return int(rows), int(columns * 32 // module.bits if hasattr(module, "bits") else columns)


def _products_a_second(size: int = 1024) -> float:
    """How many numbers a square matrix product multiplies and adds in a second, the best of a few."""
    square = mx.ones((size, size))
    seconds = []
    for _ in range(4):
        started = time.perf_counter()
        mx.eval(square @ square)
        seconds.append(time.perf_counter() - started)
    return float(size**3) / min(seconds)


def _left_out(model: nn.Module, adapter: Adapter) -> list[str]:
    """What mlx-lm would adapt and cannot use or load then."""
    names = unadapted(model) if adapter.fine_tune_type != "full" else []
    return [f"no adapter on {', '.join(names)}, for mlx-lm cannot work with one there"] if names else []


def _warnings(adapter: Adapter, settings: Settings, updates: int, valid_rows: int) -> list[str]:
    low, high = USUAL_LR[adapter.fine_tune_type]
    found = []
    if not low <= settings.lr <= high:
        found.append(f"lr {settings.lr:g} is outside the usual {low:g} to {high:g} of {adapter.fine_tune_type}")
    if valid_rows < FEW_VALIDATION_ROWS:
        found.append(
            f"{valid_rows} validation rows tell small improvements from chance badly; take {FEW_VALIDATION_ROWS}"
        )
    if settings.eval_every > updates:
        epochs = settings.eval_every / updates
        found.append(f"eval_every {settings.eval_every} is {epochs:.1f} epochs: overfitting may come and go unseen")
    if settings.iters <= settings.warmup:
        found.append(f"warmup {settings.warmup} is not shorter than iters {settings.iters}: lr is never reached")
    return found


def _size(count: int) -> str:
    """A number of bytes in words."""
    power = min(3, int(np.log2(max(count, 1)) // 10))
    return f"{count / 1024**power:.1f} {('bytes', 'KiB', 'MiB', 'GiB')[power]}"
