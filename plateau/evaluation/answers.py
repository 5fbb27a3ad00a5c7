"""Run the models for evaluation: losses on the whole split, outputs for a sample of rows, and a check that the adapter has an effect."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from plateau.core.errors import BadInputError
from plateau.core.progress import say
from plateau.evaluation import arms, general_text, provenance
from plateau.evaluation.chosen import RowLosses
from plateau.evaluation.prompting import Prompting
from plateau.evaluation.rows import rows_of
from plateau.evaluation.samples import Split, evenly_spaced
from plateau.lm import generation, model, objectives
from plateau.lm.backend import mx, nn
from plateau.prompts.tokens import Tokens
from plateau.training import trainer

_EFFECT_ROWS = 8
_LATENCY_ROWS = 5
# An adapter counts as without effect if it moves no logit by more than this share of the largest one.
_NO_EFFECT = 1e-6


@dataclass(frozen=True)
class Settings:
    """How models are asked: the params of section evaluate, and two others. Each stability row gets `num_generations` outputs at `temperature`."""

    arms: Sequence[str]
    batch_size: int
    max_tokens: int
    train_on_prompt: bool
    num_generations: int = 1
    temperature: float = 0.7
    stability_samples: int = 0
    seed: int = 0


@dataclass
class Run:
    """The results of running arms: predictions, speeds, the adapter's effect on logits, and losses on general text."""

    tables: list[pa.Table] = field(default_factory=list)
    speeds: dict[str, float] = field(default_factory=dict)
    effect: dict[str, Any] = field(default_factory=dict)
    general: dict[str, float] = field(default_factory=dict)


def opponents(base: Path, splits: Mapping[str, Split], prompting: Prompting, settings: Settings) -> Run:
    """Predict the test split with every arm of the base model that is asked for, and the sampled training rows."""
    found = Run()
    network, tokenizer = model.load(base)
    _run_arms("base", network, tokenizer, splits["test"], settings, found, prompting)
    _write_out(arms.entry("base"), network, tokenizer, splits["train"], settings, found)
    return found


def adapted(
    base: Path, adapter: Path, splits: Mapping[str, Split], settings: Settings, recorded: RowLosses
) -> tuple[nn.Module, Any, Run]:
    """Load the base model with the adapter; return it with its tokenizer, and a run that holds the adapter's effect.

    Raises BadInputError when the adapter belongs to another model, changes nothing, or does not have the validation losses
    `recorded`.
    """
    test, valid = splits["test"], splits["valid"]
    network, tokenizer = model.load(base)
    before, general = _logits(network, test), general_loss(network, tokenizer)
    network, tokenizer = model.load(base, adapter)
    effect = effect_on(before, _logits(network, test))
    provenance.check_losses(recorded, valid.sampled, losses(network, valid.tokens, settings, valid.sampled)[0])
    return (
        network,
        tokenizer,
        Run(effect=effect, general={"base": general, "adapter": general_loss(network, tokenizer)}),
    )


def answers(network: nn.Module, tokenizer: Any, splits: Mapping[str, Split], settings: Settings, found: Run) -> None:
    """Predict the test split with every arm of the adapter that is asked for, and the sampled rows of train and valid.

    The training probe (the rows of train whose loss training recorded at each evaluation point) gets losses only.
    """
    test = splits["test"]
    _run_arms("adapter", network, tokenizer, test, settings, found)
    for name in ("train", "valid"):
        _write_out(arms.entry("adapter"), network, tokenizer, splits[name], settings, found)
    found.tables.append(_on_probe(network, splits["train"], splits["valid"].tokens, settings))
    _sample(network, tokenizer, test, settings, found)


def fused(
    base: Path, adapter: Path, network: nn.Module, tokenizer: Any, test: Split, settings: Settings, found: Run
) -> None:
    """Predict with what stock `mlx_lm.fuse` would deploy; the adapter is merged into `network`.

    Where the base is quantised, `mlx_lm.fuse` quantises the merged weights again, which changes them; the effect of both steps is recorded.
    """
    if not any(arm.model == "fused" and arm.name in settings.arms for arm in arms.RUN):
        return
    before, bits = _logits(network, test), model.quantised_bits(base)
    model.fuse(network)
    difference = float(np.abs(_logits(network, test) - before).max())
    if bits is not None:
        found.effect |= {"fused_bits": bits, "fused_dequantized_logit_difference": difference}
        network = model.load_fused(base, adapter)
        difference = float(np.abs(_logits(network, test) - before).max())
        say(
            f"fused: mlx_lm.fuse quantises to {bits} bits again, which moves a logit by up to {difference:.3g}, and "
            f"{found.effect['fused_dequantized_logit_difference']:.3g} with --dequantize; the arm fused is the former"
        )
    found.effect["fused_logit_difference"] = difference
    _run_arms("fused", network, tokenizer, test, settings, found)


def _run_arms(
    model_name: str,
    network: nn.Module,
    tokenizer: Any,
    test: Split,
    settings: Settings,
    found: Run,
    prompting: Prompting | None = None,
) -> None:
    """Predict with those arms of a model that are asked for. Losses are measured without constraint, on the prompt that the adapter is trained on."""
    for arm in arms.RUN:
        if arm.model != model_name or arm.name not in settings.arms:
            continue
        loss_sum = None if arm.constrained or arm.prompt else losses(network, test.tokens, settings)[0]
        split = prompting.split(test, arm) if prompting and arm.prompt else test
        start = time.perf_counter()
        written = _write_out(arm, network, tokenizer, split, settings, found, loss_sum)
        seconds = time.perf_counter() - start
        prompts = split.prompts(split.sampled[:_LATENCY_ROWS])
        schema = test.schema if arm.constrained else None
        alone = generation.latencies(network, tokenizer, prompts, settings.max_tokens, schema)
        found.speeds[f"{arm.name}_tokens_per_second"] = written / seconds
        found.speeds[f"{arm.name}_latency_p50_seconds"] = generation.percentile(alone, 0.5)
        found.speeds[f"{arm.name}_latency_p95_seconds"] = generation.percentile(alone, 0.95)
        say(f"{arm.name}: {len(test.sampled)} outputs, {written:,} tokens in {seconds:.1f} s")


def _write_out(
    arm: arms.Entry,
    network: nn.Module,
    tokenizer: Any,
    split: Split,
    settings: Settings,
    found: Run,
    loss_sum: NDArray[np.float64] | None = None,
) -> int:
    """Generate for a split's sampled rows and append them as predictions; return the number of tokens written."""
    prompts, schema = split.prompts(split.sampled), split.schema if arm.constrained else None
    outputs = generation.generate(network, tokenizer, prompts, settings.max_tokens, settings.batch_size, schema)
    texts, counts = [output.text for output in outputs], [output.tokens for output in outputs]
    ended = [output.ended for output in outputs]
    found.tables.append(rows_of(split.examples, arm, split.name, loss_sum, split.sampled, texts, counts, ended=ended))
    return sum(counts)


def _on_probe(network: nn.Module, train: Split, valid: Tokens, settings: Settings) -> pa.Table:
    """Losses of the adapter on the training probe."""
    rows = trainer.with_probe(train.tokens, valid, settings.seed).probe
    loss_sum = losses(network, train.tokens, settings, rows)[0]
    return rows_of(train.examples.only(rows), arms.entry("adapter"), arms.PROBE, loss_sum, rows[:0], [], [])


def _sample(network: nn.Module, tokenizer: Any, test: Split, settings: Settings, found: Run) -> None:
    """Append several outputs a row, drawn at `temperature`, where more than one is asked for."""
    if settings.num_generations < 2:
        return
    rows = test.sampled[evenly_spaced(len(test.sampled), settings.stability_samples)]
    for number in range(1, settings.num_generations + 1):
        seed = settings.seed + number
        prompts, limits = test.prompts(rows), (settings.max_tokens, settings.batch_size)
        outputs = generation.generate(network, tokenizer, prompts, *limits, None, settings.temperature, seed)
        texts, counts = [output.text for output in outputs], [output.tokens for output in outputs]
        found.tables.append(rows_of(test.examples, arms.entry("adapter"), test.name, None, rows, texts, counts, number))


def general_loss(network: nn.Module, tokenizer: Any) -> float:
    """Loss on general English, nats a token."""
    rows = [np.array(tokenizer.encode(sentence), dtype=np.int32) for sentence in general_text.SENTENCES]
    sums, counts = objectives.CausalLM(network).row_losses(objectives.parts(rows, [1] * len(rows)))
    return float(sums.sum() / counts.sum())


def losses(
    network: nn.Module, tokens: Tokens, settings: Settings, rows: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Summed loss and supervised tokens of each row of a token file, or of `rows` of it, supervised as in training.

    A batch has a quarter of the rows that are decoded together, because whole sequences need more memory than single tokens.
    """
    rows = np.arange(len(tokens)) if rows is None else rows
    objective = objectives.CausalLM(network)
    with objectives.fast_operations(network):
        return trainer.evaluate(objective, tokens, rows, max(1, settings.batch_size // 4), settings.train_on_prompt)


def _logits(network: nn.Module, split: Split) -> NDArray[np.float32]:
    """Logits [rows, V] of the first token of some completions."""
    rows = evenly_spaced(len(split.tokens), _EFFECT_ROWS)
    prompts = split.prompts(rows)
    return np.stack([np.array(network(mx.array([ids]))[0, -1].astype(mx.float32)) for ids in prompts])


def effect_on(before: NDArray[np.float32], after: NDArray[np.float32]) -> dict[str, Any]:
    """Measure how far an adapter moves the logits [rows, V]; raises BadInputError where it moves none, or makes them NaN."""
    if not np.isfinite(after).all():
        raise BadInputError("adapters/best: the adapter makes the logits NaN or infinite; run `dvc repro -f train`")
    difference = float(np.abs(after - before).max())
    if difference <= _NO_EFFECT * float(np.abs(before).max()):
        raise BadInputError(
            "adapters/best: the adapter changes no logit of the base model: it was not applied, or never trained; "
            "check that models/base is the model it was trained on, and run `dvc repro -f train`"
        )
    changed = float(np.mean(after.argmax(axis=-1) != before.argmax(axis=-1)))
    return {"max_logit_difference": difference, "first_token_changed": changed}
