"""Score checkpoints on the validation split by generating with each, for the selection policy `quality`."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from plateau.core.numbers import rounded
from plateau.core.progress import say
from plateau.core.system import System
from plateau.evaluation import samples, scoring
from plateau.lm import generation, model


def valid_scores(system: System, iterations: Iterable[int], params: Mapping[str, Any]) -> dict[int, float]:
    """The mean field score of each iteration's checkpoint on the whole validation split; `params` is the section evaluate."""
    split = samples.open_split(system, "valid", None)
    golds = [scoring.parse(target) for target in split.examples.targets]
    train = pq.read_table(system.split("train"), columns=["target"])["target"].to_pylist()
    rules = scoring.Rules.learnt(split.schema, [scoring.parse(target) for target in train], params["scores"])
    scores = {}
    for iteration in iterations:
        folder = system.path("adapters", "checkpoints", f"{iteration:07d}")
        network, tokenizer = model.load(system.path("models", "base"), folder)
        prompts = split.prompts(split.sampled)
        outputs = generation.generate(network, tokenizer, prompts, params["max_tokens"], params["batch_size"])
        parsed = [scoring.parse(output.text) for output in outputs]
        scored = scoring.scored(split.schema, golds, parsed, rules)
        scores[iteration] = rounded(float(np.nanmean(scoring.total(scored, len(golds)))))
        say(f"iteration {iteration}: score {scores[iteration]:.4f} on {len(golds)} validation rows")
    return scores
