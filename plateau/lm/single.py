"""Generate one sequence at a time, for models whose cache mlx-lm cannot batch, such as llama4's chunked cache."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from plateau.lm.backend import mx, nn


@dataclass(frozen=True)
class Response:
    """One token of a sequence; the last token also says why the sequence ended, "stop" or "length"."""

    uid: int
    token: int
    finish_reason: str | None


def has_batches(model: nn.Module) -> bool:
    """Whether mlx-lm can batch the model's cache."""
    from mlx_lm.models.cache import make_prompt_cache

    return all(hasattr(cache, "merge") for cache in make_prompt_cache(model))


class SingleGenerator:
    """A substitute for the parts of mlx-lm's BatchGenerator that `generation` uses; runs prompts one after the other."""

    def __init__(
        self,
        model: nn.Module,
        stops: Sequence[int],
        stream: mx.Stream | None,
        max_tokens: int,
        sampler: Callable[[mx.array], mx.array],
    ) -> None:
        self._model, self._stops, self._stream = model, stops, stream
        self._max_tokens, self._sampler = max_tokens, sampler
        self._responses: Iterator[Response] = iter(())

    def insert(self, prompts: Sequence[Sequence[int]], logits_processors: Sequence[list[Any]] | None = None) -> None:
        """Add prompts (token ids), each with its logits processors."""
        processors = logits_processors or [[]] * len(prompts)
        self._responses = self._all(list(zip(prompts, processors, strict=True)))

    def next_generated(self) -> list[Response]:
        """A list with the next token; an empty list once all sequences have ended."""
        return [found for found in [next(self._responses, None)] if found is not None]

    def close(self) -> None:
        """Nothing to release."""

    def _all(self, rows: Sequence[tuple[Sequence[int], list[Any]]]) -> Iterator[Response]:
        from mlx_lm.generate import generate_step, generation_stream

        for uid, (prompt, processors) in enumerate(rows):
            steps = generate_step(
                mx.array(list(prompt)),
                self._model,
                self._stream or generation_stream,
                max_tokens=self._max_tokens,
                sampler=self._sampler,
                logits_processors=processors,
            )
            for count, (token, _) in enumerate(steps, 1):
                number = int(token)
                reason = "stop" if number in self._stops else "length" if count == self._max_tokens else None
                yield Response(uid, number, reason)
                if reason:
                    break
