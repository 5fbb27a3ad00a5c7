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
    supervised_tokens: Annotated[Count, "tokens of the completions, which the loss covers"]
    tokens_mean: Annotated[Tokens, "mean tokens of an example"]
    tokens_p50: Annotated[Tokens, "median tokens of an example"]
    tokens_p95: Annotated[Tokens, "95th percentile of the tokens of an example"]
    tokens_max: Annotated[Count, "tokens of the longest example"]
    completion_tokens_max: Annotated[Count, "tokens of the longest completion; evaluate.max_tokens must not be less"]
    truncated: Annotated[Count, "examples that lost turns or part of one to max_seq_length"]
    dropped_turns: Annotated[Count, "turns lost to max_seq_length"]
    neutralised: Annotated[Count, "examples in whose text a special token of the tokenizer was broken up"]
    truncated_rows: Annotated[Sequence[Count], "numbers, from 0, of the first rows that lost turns or part of one"]


@dataclass(frozen=True)
class Convert:
    """Prompts and tokens."""

    train: Annotated[Lengths, "figures of train"]
    valid: Annotated[Lengths, "figures of valid"]
    test: Annotated[Lengths, "figures of test"]
