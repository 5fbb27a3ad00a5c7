"""Makes the reference model: language modelling on transcripts, then lessons with the loss on their answers alone."""

import datetime as dt
import math
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from mlx.utils import tree_flatten, tree_map, tree_map_with_path

from plateau.core.files import write_json
from plateau.core.progress import say
from plateau.lm import objectives
from plateau.lm.backend import mx, nn, optim
from plateau.lm.batches import epoch_batches
from plateau.lm.model import save_arrays
from plateau.prompts import chat
from simulator.contacts import conversations
from simulator.teaching import forms, lessons, vocabulary

SEED = "reference"  # no seed of the data stage, "data 0" and so on, is ever equal to it
PERIOD = (dt.date(2022, 1, 1), dt.date(2023, 12, 31))
BATCH = 8
READING_STEPS = 300
LESSON_STEPS = {2: 800, 16: 1200}  # number of forms: steps; few at first, until the model looks for what they ask
PEAK_LR = 2.5e-3
WARMUP = 50
LAST_LR = 0.02  # of the peak
CONFIG: dict[str, Any] = {
    "model_type": "mistral",
    "architectures": ["MistralForCausalLM"],
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "intermediate_size": 384,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "hidden_act": "silu",
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "max_position_embeddings": 2048,
    "sliding_window": None,
    "tie_word_embeddings": True,
    "torch_dtype": "float32",
    "vocab_size": vocabulary.SIZE,
    "pad_token_id": 0,
    "eos_token_id": 1,
}

Row = tuple[npt.NDArray[np.int32], int]


def make(folder: Path) -> None:
    """Write the reference model's config, weights and tokenizer into `folder`."""
    draw = random.Random(SEED)  # noqa: S311 (a simulation, no secret)
    texts = conversations.simulate(4000, *PERIOD, f"{SEED} vocabulary")
    vocabulary.train((lessons.prompt(one, "") + vocabulary.sample(draw) for one in texts), folder)
    write_json(folder / "config.json", CONFIG)
    model = new_model()
    learn(model, phases(chat.load_tokenizer(folder), draw))
    save_arrays(folder / "model.safetensors", dict(tree_flatten(model.parameters())), {"format": "pt"})


def phases(tokenizer: Any, draw: random.Random) -> list[list[Row]]:
    """Rows of each phase of training: language modelling, where all of a row is supervised, then lessons with more and more forms."""
    words = forms.Words([tokenizer.decode([token]).strip() for token in range(len(tokenizer))], draw)
    invented = forms.draw_forms(max(LESSON_STEPS), words, draw)
    steps = [(READING_STEPS, len(invented)), *((steps, count) for count, steps in LESSON_STEPS.items())]
    told = list(conversations.simulate(BATCH * sum(number for number, _ in steps), *PERIOD, SEED))
    draw.shuffle(told)
    made: list[list[Row]] = []
    for number, count in steps:
        phase, told = told[: BATCH * number], told[BATCH * number :]
        taught = lessons.lessons(phase, invented[:count], words, draw)
        rendered = [chat.render(tokenizer, lesson.content, lesson.answer) for lesson in taught]
        made.append([(np.array(ids, np.int32), start if made else 1) for ids, start in rendered])
    return made


def new_model() -> nn.Module:
    """The untrained model; projections back into the residual stream start smaller."""
    from mlx_lm.models.llama import Model, ModelArgs

    def weight(name: str, array: mx.array) -> mx.array:
        if array.ndim < 2:
            return array
        inward = name.endswith(("o_proj.weight", "down_proj.weight"))
        deviation = 0.02 if "embed" in name else (0.4 if inward else 0.8) / math.sqrt(array.shape[1])
        return mx.random.normal(array.shape) * deviation

    mx.random.seed(7)
    model: nn.Module = Model(ModelArgs.from_dict({**CONFIG, "model_type": "llama"}))
    model.update(tree_map_with_path(weight, model.parameters()))
    mx.eval(model.parameters())
    return model


def learn(model: nn.Module, taught: Sequence[Sequence[Row]]) -> None:
    """Train on every row once, phase by phase, with AdamW and a cosine schedule."""
    objective = objectives.CausalLM(model)
    gradient = nn.value_and_grad(model, objective.loss_sum)
    batches = list(_batches(taught))
    optimizer = optim.AdamW(_schedule(len(batches)), betas=[0.9, 0.98], weight_decay=0.01)
    losses = []
    with objectives.fast_operations(model):
        for step, batch in enumerate(batches, 1):
            parts = objectives.parts([ids for ids, _ in batch], [start for _, start in batch])
            tokens = sum(len(part.row) for part in parts)
            loss, gradients = gradient(parts)
            mean, _ = optim.clip_grad_norm(tree_map(lambda g, n=tokens: g / n, gradients), 1.0)
            optimizer.update(model, mean)
            mx.eval(model.parameters(), optimizer.state)
            losses.append(loss.item() / tokens)
            if step % 100 == 0:
                say(f"step {step:,} of {len(batches):,}: loss {np.mean(losses[-100:]):.4f}")


def _schedule(steps: int) -> Any:
    rise = optim.linear_schedule(PEAK_LR / WARMUP, PEAK_LR, WARMUP)
    fall = optim.cosine_decay(PEAK_LR, steps - WARMUP, PEAK_LR * LAST_LR)
    return optim.join_schedules([rise, fall], [WARMUP])


def _batches(taught: Sequence[Sequence[Row]]) -> Iterator[list[Row]]:
    """Batches of rows of like length, phase by phase."""
    for number, phase in enumerate(taught):
        lengths = np.array([len(ids) for ids, _ in phase], np.int32)
        for batch in epoch_batches(lengths, 0, number, BATCH):
            yield [phase[i] for i in batch]
