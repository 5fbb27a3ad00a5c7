"""The loss of predicting tokens by their frequencies. A model that has learnt at least the form of the completions is below it."""

import numpy as np
import numpy.typing as npt

from plateau.prompts.tokens import Tokens

MOST_ROWS = 10_000


def unigram_loss(train: Tokens, valid: Tokens, train_on_prompt: bool) -> float:
    """Mean loss, nats a supervised token of `valid`, of the token frequencies in `train`, unseen tokens sharing one count.

    Of each split at most 10,000 rows, evenly spread, are read.
    """
    seen, asked = _supervised(train, train_on_prompt), _supervised(valid, train_on_prompt)
    size = int(max(seen.max(), asked.max())) + 1
    counts = np.bincount(seen, minlength=size)
    return float(-np.log((counts[asked] + 1 / size) / (len(seen) + 1)).mean())


def _supervised(tokens: Tokens, train_on_prompt: bool) -> npt.NDArray[np.int32]:
    parts = []
    for row in np.unique(np.linspace(0, len(tokens) - 1, min(len(tokens), MOST_ROWS)).astype(int)):
        parts.append(tokens.ids(row)[1 if train_on_prompt else tokens.completion_start[row] :].copy())
        tokens.release()
    return np.concatenate(parts)
