"""Constrained decoding: outputs are JSON of a schema. One llguidance matcher per row, called through mlx-lm's logits processors.

Every output ends within its token budget, because `completion` finds the shortest completion of any unfinished text. While the budget
is ample, a row samples any token that the grammar allows. When the budget gets tight, a sampled token is kept only if the output can
still end within the budget after it; otherwise another is sampled. When only the shortest completion fits, the row writes that.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import llguidance
import llguidance.hf
import numpy as np
from numpy.typing import NDArray

from plateau.core.errors import BadInputError
from plateau.lm.backend import mx
from plateau.lm.completion import Completions, State
from plateau.lm.shape import shape

_MOST_DRAWS = 32  # resamplings of a row per step; after these it writes the shortest completion
Allowed = NDArray[np.bool_]
Sampler = Callable[[mx.array], mx.array]


class Constraint:
    """A schema compiled for a tokenizer; `batch()` gives each row of a batch its own state.

    An output ends with one of the tokens `ends`, by default those of mlx-lm's tokenizer. `shortest` is the length of the shortest
    output in tokens, end token included. `relaxed` names the keywords of the schema that decoding cannot enforce. Raises
    BadInputError for a schema that no text satisfies, and for a budget below the shortest output.
    """

    def __init__(self, tokenizer: Any, schema: Any, max_tokens: int, ends: Sequence[int] = ()) -> None:
        fast = getattr(tokenizer, "_tokenizer", tokenizer)
        self.vocabulary = llguidance.hf.from_tokenizer(fast, eos_token=list(ends) or sorted(tokenizer.eos_token_ids))
        self.max_tokens = max_tokens
        self.end = int(self.vocabulary.eos_token)
        try:
            grammar = shape(schema)
        except ValueError as error:
            raise BadInputError(f"the target schema cannot constrain decoding: {error}") from None
        self.relaxed = tuple(grammar.relaxed)
        self.completions = Completions(grammar, self.vocabulary.tokenize_bytes)
        if not self.completions.possible(grammar.start):
            raise BadInputError("the target schema allows no value, so that no output can satisfy it")
        self._grammar = self._checked(grammar.lark(self.completions.possible))
        self._bytes: dict[int, bytes] = {}
        if self.shortest > max_tokens:
            raise BadInputError(
                f"evaluate.max_tokens: {max_tokens} are fewer than the {self.shortest} of the shortest answer that the target schema allows"
            )

    def batch(self, sampler: Sampler, rows: int) -> tuple["Draws", list[list["Processor"]]]:
        """The sampler of a batch, and the logits processors of each of its rows."""
        draws = Draws(sampler)
        return draws, [[Processor(self, draws)] for _ in range(rows)]

    def _checked(self, lark: str) -> str:
        grammar = str(llguidance.LLMatcher.grammar_from_lark(lark))
        if problem := llguidance.LLMatcher.validate_grammar(grammar, self.vocabulary):
            raise BadInputError(f"the target schema cannot constrain decoding: {problem.strip().splitlines()[0]}")
        return grammar

    def allowed(self, matcher: Any) -> Allowed:
        """A mask [vocabulary] of the tokens that the matcher allows next."""
        bits = np.frombuffer(matcher.compute_bitmask(), np.uint8)
        return np.unpackbits(bits, count=self.vocabulary.vocab_size, bitorder="little").view(np.bool_)

    def only(self, token: int) -> Allowed:
        """A mask [vocabulary] that allows one token alone."""
        allowed = np.zeros(self.vocabulary.vocab_size, np.bool_)
        allowed[token] = True
        return allowed

    def text(self, token: int) -> bytes:
        """The bytes of a token."""
        if token not in self._bytes:
            self._bytes[token] = self.vocabulary.decode_bytes([token])
        return self._bytes[token]

    def way(self, state: State) -> list[int] | None:
        """The tokens of the shortest known completion, without the end token; None if there is none."""
        text = self.completions.completion(state)
        return None if text is None else list(self.vocabulary.tokenize_bytes(text))

    @cached_property
    def start(self) -> Any:
        """The matcher at the start of an output; each row gets a copy."""
        return llguidance.LLMatcher(self.vocabulary, self._grammar)

    @cached_property
    def shortest(self) -> int:
        """Length of the shortest output in tokens, end token included."""
        return len(self.way(self.completions.start) or ()) + 1


class Step:
    """One decoding step of a batch: the allowed tokens and the sampled token of each row."""

    def __init__(self) -> None:
        self.allowed: list[Allowed] = []
        self.tight: dict[int, Take] = {}
        self.drawn = mx.array([], mx.int32)

    @cached_property
    def tokens(self) -> list[int]:
        """The sampled token of each row."""
        return [int(token) for token in np.array(self.drawn)]

    def bias(self, shape: tuple[int, ...]) -> mx.array:
        """A bias to add to log-probabilities [rows, V]: minus infinity for each forbidden token, else 0."""
        allowed = np.stack(self.allowed)
        bias = np.full(shape, -np.inf, np.float32)
        np.copyto(bias[:, : allowed.shape[1]], 0.0, where=allowed)
        return mx.array(bias)


class Draws:
    """The sampler of a batch. It masks forbidden tokens for all rows at once, which is cheaper than row by row, and remembers the samples.

    At each step, mlx-lm's generators call the processors of all rows in order, then this sampler once.
    """

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler
        self._step = Step()

    def __call__(self, logprobs: mx.array) -> mx.array:
        """Sample a token for each row of [rows, V]."""
        step, self._step = self._step, Step()
        step.drawn = self._sampler(logprobs + step.bias(logprobs.shape))
        if step.tight:
            step.drawn = self._in_time(step, logprobs)
        return step.drawn

    def _in_time(self, step: Step, logprobs: mx.array) -> mx.array:
        """Resample the rows with a tight budget until their outputs can end in time; returns the tokens of all rows."""
        drawn = np.array(step.drawn)
        open_rows = {row: take for row, take in step.tight.items() if not take(int(drawn[row]))}
        for _ in range(_MOST_DRAWS):
            if not open_rows:
                break
            for row in open_rows:
                step.allowed[row][int(drawn[row])] = False
            again = np.array(self._sampler(logprobs + step.bias(logprobs.shape)))
            for row in list(open_rows):
                drawn[row] = again[row]
                if step.allowed[row][int(again[row])] and open_rows[row](int(again[row])):
                    del open_rows[row]
        for row, take in open_rows.items():
            drawn[row] = take(None)
        return mx.array(drawn)

    def place(self, allowed: Allowed, tight: "Take | None" = None) -> tuple[Step, int]:
        """Register the allowed tokens of the next row of the current step; returns the step and the row's number."""
        row = len(self._step.allowed)
        self._step.allowed.append(allowed)
        if tight is not None:
            self._step.tight[row] = tight
        return self._step, row


class Processor:
    """The state of one row, called once before each token of it is drawn."""

    def __init__(self, constraint: Constraint, draws: Draws) -> None:
        self._constraint = constraint
        self._draws = draws
        self._place: tuple[Step, int] | None = None
        self._matcher = constraint.start.deep_copy()
        self._state = constraint.completions.start
        self._left = constraint.max_tokens + 1
        self._way: list[int] | None = None  # the shortest known completion, kept while the budget is tight
        self._taken: tuple[State, list[int]] | None = None  # state and shortest completion after the sampled token

    def __call__(self, _: mx.array, logits: mx.array) -> mx.array:
        """Return the logits [1, V] unchanged; the sampler masks the forbidden tokens of all rows at once."""
        if self._place is not None and not self._matcher.is_stopped():
            step, row = self._place
            self._consume(step.tokens[row])
        self._left -= 1
        self._place = self._draws.place(*self._choices())
        return logits

    def _consume(self, token: int) -> None:
        if not self._matcher.consume_token(token):
            raise RuntimeError(f"the grammar refused a token that it had allowed: {self._matcher.get_error()}")
        if self._taken is not None:
            self._state, self._way = self._taken
        elif token not in self._constraint.vocabulary.eos_tokens:
            self._state = self._constraint.completions.read(self._state, self._constraint.text(token))
        self._taken = None

    def _choices(self) -> tuple[Allowed, "Take | None"]:
        """A mask [vocabulary] of the allowed tokens; and, if the budget is tight, the function that accepts or refuses a sampled token."""
        constraint = self._constraint
        if self._matcher.is_stopped():  # the JSON is complete: llguidance stops without asking for an end token
            return constraint.only(constraint.end), None
        allowed = constraint.allowed(self._matcher)
        if constraint.completions.cost(self._state) + constraint.completions.growth < self._left:
            self._way = None
            return allowed, None
        self._way = self._nearest(self._way)
        if self._way is None:
            return allowed, None
        if len(self._way) + 1 >= self._left:
            token = self._way[0] if self._way else constraint.end
            self.take(token)
            return constraint.only(token), None
        return allowed, self.take

    def _nearest(self, known: list[int] | None) -> list[int] | None:
        """The shorter of two completions: the one kept so far, and the one found from the current state."""
        found = self._constraint.way(self._state)
        ways = [way for way in (known, found) if way is not None]
        return min(ways, key=len, default=None)

    def take(self, token: int | None) -> Any:
        """Accept a token if the output can end in time after it; returns whether it can. For None, accept and return the next token of the shortest completion."""
        constraint = self._constraint
        way = self._way or []
        if token is None:
            token = way[0] if way else constraint.end
            self.take(token)
            return token
        if token in constraint.vocabulary.eos_tokens:
            self._taken = self._state, []
            return True
        state = constraint.completions.read(self._state, constraint.text(token))
        after = way[1:] if way and token == way[0] else self._constraint.way(state)
        if after is None or len(after) + 1 > self._left - 1:
            return False
        self._taken = state, after
        return True


Take = Callable[[int | None], Any]
