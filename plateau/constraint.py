"""Decoding that can only write JSON of a schema: llguidance's matcher as an mlx-lm logits processor, one a row."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import llguidance
import llguidance.hf
import llguidance.numpy as bitmasks
import numpy as np
from numpy.typing import NDArray

from plateau.backend import mx
from plateau.errors import BadInputError

# As json.dumps writes, and so as the training targets are written.
_LAYOUT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
# What ends a value soonest, tried in this order once the budget runs short.
_CLOSERS = ('"', "}", "]", ",", ":", "0")


class Constraint:
    """A schema compiled for a tokenizer; `processor()` gives each row its own state.

    An output that would not be complete within `max_tokens` is closed in time: from `reserve` tokens before the end on, the token
    that ends values soonest is taken. Raises BadInputError for a schema that llguidance cannot compile.
    """

    def __init__(self, tokenizer: Any, schema: Mapping[str, Any] | bool, max_tokens: int) -> None:
        fast = getattr(tokenizer, "_tokenizer", tokenizer)
        ends = sorted(getattr(tokenizer, "eos_token_ids", None) or [fast.eos_token_id])
        self.vocabulary = llguidance.hf.from_tokenizer(fast, eos_token=ends)
        self.grammar = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=_LAYOUT)
        if problem := llguidance.LLMatcher.validate_grammar(self.grammar, self.vocabulary):
            raise BadInputError(
                f"the target schema cannot constrain decoding: {problem}; leave out the constrained arms"
            )
        self.max_tokens = max_tokens
        self.closers = [self.vocabulary.eos_token, *_single_tokens(fast, _CLOSERS)]
        self.reserve = self._reserve()

    def processor(self) -> "Processor":
        """A logits processor for one row."""
        return Processor(self)

    def matcher(self) -> Any:
        """A matcher at the start of the grammar."""
        return llguidance.LLMatcher(self.vocabulary, self.grammar)

    def _reserve(self) -> int:
        """Tokens to keep for closing: twice those of the shortest output, and some for what is open."""
        matcher, mask, count = self.matcher(), Mask(self.vocabulary.vocab_size), 0
        while not matcher.is_stopped() and count < self.max_tokens:
            allowed = mask.allowed(matcher)
            closing = self.closing(allowed)
            if not matcher.consume_token(int(np.argmax(allowed)) if closing is None else closing):
                break
            count += 1
        return 2 * count + 16

    def closing(self, allowed: NDArray[np.bool_]) -> int | None:
        """The allowed token that ends values soonest; None where all that may come is content."""
        return next((token for token in self.closers if allowed[token]), None)


class Mask:
    """A bitmask over the vocabulary, kept to be filled again."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._bits = bitmasks.allocate_token_bitmask(1, size)

    def allowed(self, matcher: Any) -> NDArray[np.bool_]:
        """Which tokens [vocabulary] may come next."""
        bitmasks.fill_next_token_bitmask(matcher, self._bits, 0)
        return np.unpackbits(self._bits.view(np.uint8), bitorder="little")[: self.size].view(np.bool_)


class Processor:
    """The state of one row. The first call sees the prompt, each later one a token more (as mlx-lm's generators call)."""

    def __init__(self, constraint: Constraint) -> None:
        self._constraint = constraint
        self._matcher = constraint.matcher()
        self._mask = Mask(constraint.vocabulary.vocab_size)
        self._prompt: int | None = None

    def __call__(self, tokens: mx.array, logits: mx.array) -> mx.array:
        """Logits [1, V] with minus infinity wherever the grammar forbids the token."""
        if self._prompt is None:
            self._prompt = tokens.shape[0]
        elif not self._matcher.is_stopped():
            self._consume(tokens[-1:].tolist()[0])
        bias = np.full(logits.shape[-1], -np.inf, dtype=np.float32)
        bias[self._choices(tokens.shape[0] - self._prompt)] = 0.0
        return logits + mx.array(bias)

    def _consume(self, token: int) -> None:
        if not self._matcher.consume_token(token):
            raise RuntimeError(f"the grammar refused a token that it had allowed: {self._matcher.get_error()}")

    def _choices(self, written: int) -> Any:
        """Token ids, or a mask of them, that may come next."""
        constraint = self._constraint
        if self._matcher.is_stopped():  # complete: llguidance stops without asking for the end of the text
            return [constraint.vocabulary.eos_token]
        allowed = self._mask.allowed(self._matcher)
        if constraint.max_tokens - written <= constraint.reserve:
            closing = constraint.closing(allowed)
            return np.flatnonzero(allowed) if closing is None else [closing]
        return np.flatnonzero(allowed)


def _single_tokens(tokenizer: Any, texts: Sequence[str]) -> list[int]:
    """The token of each text that is one token."""
    encoded = [tokenizer.encode(text, add_special_tokens=False) for text in texts]
    return [ids[0] for ids in encoded if len(ids) == 1]
