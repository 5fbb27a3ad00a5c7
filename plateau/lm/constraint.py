"""Decoding that can only write JSON of a schema: llguidance's matcher, one a row, behind mlx-lm's logits processors.

Every output ends within its budget of tokens. `completion` knows the shortest way to the end from every byte. As long as more is left
than one token can put off, a row draws what the grammar allows; then each token that is drawn is taken only if the end can still be
reached after it, else the next likely one; once only the shortest way is left, that is taken.
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

_MOST_DRAWS = 32  # of a token after which the end cannot be reached; then the shortest way is taken
Allowed = NDArray[np.bool_]
Sampler = Callable[[mx.array], mx.array]


class Constraint:
    """A schema compiled for a tokenizer; `batch()` gives each row of a batch its own state.

    An output ends with one of the tokens `ends`, by default those of mlx-lm's tokenizer. `shortest` is the number of tokens of the shortest output, its end among them; `relaxed` names what of the schema decoding cannot
    hold. Raises BadInputError for a schema that no text satisfies, and for a budget below the shortest output.
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
        """Which tokens [vocabulary] may come next."""
        bits = np.frombuffer(matcher.compute_bitmask(), np.uint8)
        return np.unpackbits(bits, count=self.vocabulary.vocab_size, bitorder="little").view(np.bool_)

    def only(self, token: int) -> Allowed:
        """That one token alone."""
        allowed = np.zeros(self.vocabulary.vocab_size, np.bool_)
        allowed[token] = True
        return allowed

    def text(self, token: int) -> bytes:
        """The bytes of a token."""
        if token not in self._bytes:
            self._bytes[token] = self.vocabulary.decode_bytes([token])
        return self._bytes[token]

    def way(self, state: State) -> list[int] | None:
        """The tokens of the shortest completion that is known, without the end; None where there is none."""
        text = self.completions.completion(state)
        return None if text is None else list(self.vocabulary.tokenize_bytes(text))

    @cached_property
    def start(self) -> Any:
        """A matcher at the start of the schema, from which each row's is copied."""
        return llguidance.LLMatcher(self.vocabulary, self._grammar)

    @cached_property
    def shortest(self) -> int:
        """Tokens of the shortest output, the end of the text among them."""
        return len(self.way(self.completions.start) or ()) + 1


class Step:
    """One step of a batch: what each row may write, and what was drawn for it."""

    def __init__(self) -> None:
        self.allowed: list[Allowed] = []
        self.tight: dict[int, Take] = {}
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
        if step.tight:
            step.drawn = self._in_time(step, logprobs)
        return step.drawn

    def _in_time(self, step: Step, logprobs: mx.array) -> mx.array:
        """What was drawn, for rows with little left drawn anew until the end can still be reached."""
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
        """Let the next row of the step that is being taken write what is allowed; the step, and the row's number."""
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
        self._way: list[int] | None = None  # to the end, kept while little is left
        self._taken: tuple[State, list[int]] | None = None  # state and way after the token that was drawn

    def __call__(self, _: mx.array, logits: mx.array) -> mx.array:
        """The logits [1, V] as they are: the sampler forbids, for all rows at once."""
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
        """Which tokens [vocabulary] may come next, and what decides on each where little is left."""
        constraint = self._constraint
        if self._matcher.is_stopped():  # complete: llguidance stops without asking for the end of the text
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
        """The shorter of the way that was kept and the one that is found from here."""
        found = self._constraint.way(self._state)
        ways = [way for way in (known, found) if way is not None]
        return min(ways, key=len, default=None)

    def take(self, token: int | None) -> Any:
        """Whether the end can be reached after a token, which is then counted on; without one, the next on the shortest way."""
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
