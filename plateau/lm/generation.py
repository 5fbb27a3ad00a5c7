"""Batched generation with mlx-lm's batch generator: greedy by default, constrained to a JSON Schema if one is given."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plateau.lm.backend import mx, nn
from plateau.lm.objectives import STREAMS, fast_operations
from plateau.lm.single import SingleGenerator, has_batches
from plateau.prompts import chat

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Output:
    """The output for one prompt: the text without the end token, the number of tokens, and whether the model ended it by itself."""

    text: str
    tokens: int
    ended: bool


def generate(
    model: nn.Module,
    tokenizer: Any,
    prompts: Sequence[Sequence[int]],
    max_tokens: int,
    batch_size: int,
    schema: Schema | None = None,
    temperature: float = 0.0,
    seed: int = 0,
) -> list[Output]:
    """Continue each prompt (token ids) by at most `max_tokens`, in the order given.

    Greedy at temperature 0, else sampled with `seed`. With `schema`, every finished output is JSON of the schema.
    `tokenizer` is mlx-lm's. Raises BadInputError for a schema that decoding cannot follow.
    """
    from mlx_lm.sample_utils import make_sampler

    if not prompts:
        return []
    mx.random.seed(seed)
    order = sorted(range(len(prompts)), key=lambda i: (-len(prompts[i]), i))
    sampler = make_sampler(temp=temperature)
    shares = [order[i :: len(STREAMS)] for i in range(min(len(STREAMS), len(order)))]
    at_once = -(-batch_size // len(shares))
    stops = ends(tokenizer)
    constraint = _constraint(tokenizer, schema, max_tokens, stops)
    generators = []
    try:
        for stream, share in zip(STREAMS, shares, strict=False):
            draw, processors = (sampler, None) if constraint is None else constraint.batch(sampler, len(share))
            generators.append(_generator(model, stops, stream, max_tokens, at_once, draw))
            generators[-1].insert([list(prompts[i]) for i in share], logits_processors=processors)
        with fast_operations(model):
            finished = _run(generators)
    finally:
        for generator in generators:
            generator.close()
    numbers = [(part, uid) for part, share in enumerate(shares) for uid in range(len(share))]
    by_prompt = dict(zip([i for share in shares for i in share], numbers, strict=True))
    return [_output(tokenizer, *finished[by_prompt[i]]) for i in range(len(prompts))]


def _generator(
    model: nn.Module, stops: list[int], stream: mx.Stream | None, max_tokens: int, batch_size: int, sampler: Any
) -> Any:
    """mlx-lm's batch generator on the given stream; on mlx-lm's default stream for None."""
    from mlx_lm.generate import BatchGenerator

    if not has_batches(model):
        return SingleGenerator(model, stops, stream, max_tokens, sampler)
    return BatchGenerator(
        model,
        max_tokens=max_tokens,
        stop_tokens=[[token] for token in stops],
        sampler=sampler,
        completion_batch_size=batch_size,
        prefill_batch_size=batch_size,
        stream=stream,
    )


def ends(tokenizer: Any) -> list[int]:
    """The tokens that end an output: the end tokens of mlx-lm's tokenizer, and the token with which the chat template ends an answer."""
    stop, _ = chat.ending(tokenizer._tokenizer) if tokenizer.chat_template else (None, 0)
    return sorted(tokenizer.eos_token_ids | ({stop} - {None}))


def _constraint(tokenizer: Any, schema: Schema | None, max_tokens: int, stops: list[int]) -> Any:
    """The constraint for a schema; None without a schema."""
    if schema is None:
        return None
    from plateau.lm.constraint import Constraint  # imports llguidance, which is needed only here

    return Constraint(tokenizer, schema, max_tokens, stops)


def _run(generators: Sequence[Any]) -> dict[tuple[int, int], tuple[list[int], bool]]:
    """The tokens of every sequence, by generator and sequence number, and whether the sequence ended by itself.

    The generators take turns: while the results of one are read, the others compute their next steps on their own streams.
    """
    tokens: dict[tuple[int, int], list[int]] = {}
    ended: dict[tuple[int, int], bool] = {}
    running = dict(enumerate(generators))
    while running:
        for part, generator in list(running.items()):
            responses = generator.next_generated()
            if not responses:
                del running[part]
            for response in responses:
                written = tokens.setdefault((part, response.uid), [])
                if response.finish_reason != "stop":
                    written.append(response.token)
                ended[part, response.uid] = response.finish_reason == "stop"
    return {key: (tokens[key], ended[key]) for key in tokens}


def _output(tokenizer: Any, ids: list[int], ended: bool) -> Output:
    return Output(tokenizer.decode(ids), len(ids) + ended, ended)


def latencies(
    model: nn.Module, tokenizer: Any, prompts: Sequence[Sequence[int]], max_tokens: int, schema: Schema | None = None
) -> list[float]:
    """Seconds that each prompt takes when generated alone, as a single caller of a server would see; sorted."""
    seconds = []
    for prompt in prompts:
        start = time.perf_counter()
        generate(model, tokenizer, [prompt], max_tokens, 1, schema)
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the sorted values such that at least `share` of the values are not larger."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
