"""metrics/convert.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from plateau.core.figures import Count, Decimals, Limits

Tokens = Annotated[float, Limits(0), Decimals(3)]


@dataclass(frozen=True)
class Lengths:
    """figures of one split"""

    rows: Annotated[Count, "examples"]
    tokens: Annotated[Count, "tokens, prompts included"]
    supervised_tokens: Annotated[Count, "tokens of the completions; only these count in the loss"]
    tokens_mean: Annotated[Tokens, "mean number of tokens per example"]
    tokens_p50: Annotated[Tokens, "median number of tokens per example"]
    tokens_p95: Annotated[Tokens, "95th percentile of the number of tokens per example"]
    tokens_max: Annotated[Count, "tokens of the longest example"]
    completion_tokens_max: Annotated[Count, "tokens of the longest completion; evaluate.max_tokens must not be less"]
    truncated: Annotated[
        Count, "examples that were cut to max_seq_length: whole turns, or part of a turn, were dropped"
    ]
    dropped_turns: Annotated[Count, "turns that were dropped to fit max_seq_length"]
    neutralised: Annotated[Count, "examples whose text contained a special token of the tokenizer, which was broken up"]
    truncated_rows: Annotated[Sequence[Count], "row numbers, from 0, of the first examples that were cut"]


@dataclass(frozen=True)
class Convert:
    """Prompts and tokens."""

    train: Annotated[Lengths, "figures of train"]
    valid: Annotated[Lengths, "figures of valid"]
    test: Annotated[Lengths, "figures of test"]
