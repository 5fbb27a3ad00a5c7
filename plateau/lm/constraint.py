"""Decoding that can only write JSON of a schema: llguidance's matcher, one a row, behind mlx-lm's logits processors.

An output that would not be complete within its budget of tokens is closed in time. `needed` is the number of tokens that the
shortest way to the end takes from here. Once little more than that is left, nothing new is opened; once no more is left, the
shortest way is taken.
"""

import json
from collections.abc import Callable
from functools import cached_property
from typing import Any

import llguidance
import llguidance.hf
import numpy as np
from numpy.typing import NDArray

from plateau.core.errors import BadInputError
from plateau.data.schema import optional_parts
from plateau.lm.backend import mx

# As json.dumps writes, and so as the training targets are written.
_LAYOUT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_SLACK = 8  # tokens kept over the shortest way, for it can grow while a string or number is written
Allowed = NDArray[np.bool_]
Sampler = Callable[[mx.array], mx.array]


class Constraint:
    """A schema compiled for a tokenizer; `batch()` gives each row of a batch its own state.

    Raises BadInputError for a schema that llguidance cannot compile.
    """

    def __init__(self, tokenizer: Any, schema: Any, max_tokens: int) -> None:
        fast = getattr(tokenizer, "_tokenizer", tokenizer)
        ends = sorted(getattr(tokenizer, "eos_token_ids", None) or [fast.eos_token_id])
        self.vocabulary = llguidance.hf.from_tokenizer(fast, eos_token=ends)
        self.schema = schema
        self.max_tokens = max_tokens
        self.grammar = self._compiled(schema)
        self.end = int(self.vocabulary.eos_token)
        self.quote = _single_tokens(fast, '"')
        self.closers = [self.end, *_single_tokens(fast, '}]",:0')]
        if self.shortest > max_tokens:
            raise BadInputError(
                f"evaluate.max_tokens: {max_tokens} are fewer than the {self.shortest} or more of the shortest answer that the target schema allows"
            )

    def batch(self, sampler: Sampler, rows: int) -> tuple["Draws", list[list["Processor"]]]:
        """The sampler of a batch, and the logits processors of each of its rows."""
        draws = Draws(sampler)
        return draws, [[Processor(self, draws)] for _ in range(rows)]

    def _matcher(self, grammar: str) -> Any:
        """A matcher at the start of a grammar."""
        return llguidance.LLMatcher(self.vocabulary, grammar)

    def _compiled(self, schema: Any) -> str:
        grammar = str(llguidance.LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=_LAYOUT))
        if problem := llguidance.LLMatcher.validate_grammar(grammar, self.vocabulary):
            raise BadInputError(
                f"the target schema cannot constrain decoding: {problem}; leave out the constrained arms"
            )
        return grammar

    def allowed(self, matcher: Any) -> Allowed:
        """Which tokens [vocabulary] may come next."""
        bits = np.frombuffer(matcher.compute_bitmask(), np.uint8)
        return np.unpackbits(bits, count=self.vocabulary.vocab_size, bitorder="little").view(np.bool_)

    def only(self, token: int) -> Allowed:
        """That one token alone."""
        allowed = np.zeros(self.vocabulary.vocab_size, np.bool_)
        allowed[token] = True
        return allowed

    def closing(self, allowed: Allowed, in_string: bool) -> int:
        """The allowed token on the shortest way to the end; where all is content, the first of it."""
        wanted = self.quote if in_string else self.closers
        return next((token for token in wanted if allowed[token]), int(np.argmax(allowed)))

    def needed(self, matcher: Any, in_string: bool) -> int:
        """Tokens on the shortest way to the end from the matcher's state, the end of the text among them."""
        matcher, state, count = matcher.deep_copy(), Quoting(in_string), 0
        while not matcher.is_stopped() and count < self.max_tokens:
            forced = matcher.compute_ff_tokens() or [self.closing(self.allowed(matcher), state.inside)]
            if not matcher.consume_tokens(forced):
                break
            state.read(self.vocabulary.decode_bytes(forced))
            count += len(forced)
        return count + 1

    @cached_property
    def start(self) -> Any:
        """A matcher at the start of the schema, from which each row's is copied."""
        return self._matcher(self.grammar)

    @cached_property
    def shortest(self) -> int:
        """Tokens of the shortest output."""
        return self.needed(self.start, in_string=False)

    @cached_property
    def growth(self) -> int:
        """The longest of the shortest values that an output may, but need not, hold: an item, an optional property."""
        sizes = [len(key) + self._shortest(part) for key, part in optional_parts(self.schema)]
        return max(sizes, default=0) + _SLACK

    def _shortest(self, part: Any) -> int:
        """Tokens of the shortest value of a part of the schema; the definitions of the whole come along."""
        shared = {key: self.schema[key] for key in ("$defs", "definitions") if key in self.schema}
        try:
            return self.needed(self._matcher(self._compiled({**part, **shared})), in_string=False)
        except BadInputError:
            return _SLACK


class Quoting:
    """Whether JSON text read so far ends inside a string."""

    def __init__(self, inside: bool = False) -> None:
        self.inside = inside
        self._escaped = False

    def read(self, text: bytes) -> None:
        """Go on by some text."""
        for byte in text:
            if self._escaped:
                self._escaped = False
            elif byte == 0x5C:
                self._escaped = self.inside
            elif byte == 0x22:
                self.inside = not self.inside


class Step:
    """One step of a batch: what each row may write, and what was drawn for it."""

    def __init__(self) -> None:
        self.allowed: list[Allowed] = []
        self.drawn = mx.array([], mx.int32)

    @cached_property
    def tokens(self) -> list[int]:
        """The token of each row."""
        return [int(token) for token in np.array(self.drawn)]

    def bias(self, shape: tuple[int, ...]) -> mx.array:
        """What is added to log-probabilities [rows, V]: minus infinity wherever the grammar forbids the token."""
        allowed = np.stack(self.allowed)
        bias = np.full(shape, -np.inf, np.float32)
        np.copyto(bias[:, : allowed.shape[1]], 0.0, where=allowed)
        return mx.array(bias)


class Draws:
    """The sampler of a batch: it forbids what the grammar forbids and keeps what it draws, once a step, cheaper than row by row.

    mlx-lm's generators call the processors of all rows in order, then the one sampler.
    """

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler
        self._step = Step()

    def __call__(self, logprobs: mx.array) -> mx.array:
        """Draw a token for each row of [rows, V]."""
        step, self._step = self._step, Step()
        step.drawn = self._sampler(logprobs + step.bias(logprobs.shape))
        return step.drawn

    def place(self, allowed: Allowed) -> tuple[Step, int]:
        """Let the next row of the step that is being taken write what is allowed; the step, and the row's number."""
        self._step.allowed.append(allowed)
        return self._step, len(self._step.allowed) - 1


class Processor:
    """The state of one row, called once before each token of it is drawn."""

    def __init__(self, constraint: Constraint, draws: Draws) -> None:
        self._constraint = constraint
        self._draws = draws
        self._place: tuple[Step, int] | None = None
        self._matcher = constraint.start.deep_copy()
        self._quoting = Quoting()
        self._left = constraint.max_tokens + 1
        self._way = constraint.max_tokens - constraint.shortest  # tokens left less the shortest way, when last measured
        self._look_at = self._next_look(constraint.max_tokens)  # tokens left at which it is measured next

    def __call__(self, _: mx.array, logits: mx.array) -> mx.array:
        """The logits [1, V] as they are: the sampler forbids, for all rows at once."""
        if self._place is not None and not self._matcher.is_stopped():
            step, row = self._place
            self._consume(step.tokens[row])
        self._left -= 1
        self._place = self._draws.place(self._choices())
        return logits

    def _consume(self, token: int) -> None:
        if not self._matcher.consume_token(token):
            raise RuntimeError(f"the grammar refused a token that it had allowed: {self._matcher.get_error()}")
        self._quoting.read(self._constraint.vocabulary.decode_bytes([token]))

    def _choices(self) -> Allowed:
        """Which tokens [vocabulary] may come next, leaving room to end in time."""
        constraint = self._constraint
        if self._matcher.is_stopped():  # complete: llguidance stops without asking for the end of the text
            return constraint.only(constraint.end)
        allowed = constraint.allowed(self._matcher)
        spare = self._spare()
        if spare <= _SLACK or (spare <= constraint.growth and not self._quoting.inside):
            return constraint.only(constraint.closing(allowed, self._quoting.inside))
        return allowed

    def _spare(self) -> int:
        """Tokens left over the shortest way to the end; measured again only when it may have become short."""
        constraint = self._constraint
        if self._left <= self._look_at:
            self._way = self._left - constraint.needed(self._matcher, self._quoting.inside)
            self._look_at = self._next_look(self._left)
        return self._way

    def _next_look(self, left: int) -> int:
        """Tokens left when the way may have become short: it grows by two tokens a token, or once by an optional value."""
        return left - max(1, (self._way - self._constraint.growth) // 3)


def _single_tokens(tokenizer: Any, characters: str) -> list[int]:
    """The token of each character that is one token."""
    encoded = [tokenizer.encode(character, add_special_tokens=False) for character in characters]
    return [ids[0] for ids in encoded if len(ids) == 1]
