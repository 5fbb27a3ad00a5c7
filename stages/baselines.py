"""baselines: predict the test split without a language model, by a constant answer and by a linear model on word counts."""

import json
import time

import pyarrow as pa

from plateau.core.params import Params
from plateau.core.stage import run
from plateau.core.system import SPLITS, System
from plateau.core.timings import record
from plateau.evaluation import baselines, hashes, rows, samples, scoring
from plateau.evaluation.arms import entry

PARAMS = ("evaluate.num_samples", "evaluate.diagnostic_rows")


def main(system: System, params: Params) -> None:
    """Write data/baselines.parquet."""
    started = time.perf_counter()
    options = params["evaluate"]
    splits = samples.open_splits(system, options["num_samples"], options["diagnostic_rows"])
    prompts = {name: samples.prompts(system.path("data", "mlx", f"{name}.jsonl")) for name in SPLITS}
    rows.write(
        system.path("data", "baselines.parquet"),
        _predictions(splits["train"], splits["test"], prompts),
        hashes.asked(system, "baselines"),
    )
    record(system, "baselines", {"seconds": time.perf_counter() - started})


def _predictions(train: samples.Split, test: samples.Split, prompts: dict[str, list[str]]) -> list[pa.Table]:
    """Both baselines' predictions for the sampled test rows, and the linear model's for the sampled training rows."""
    kinds = scoring.PLAIN.kinds(test.schema)
    targets = [scoring.parse(target) for target in train.examples.targets]
    asked = [prompts["test"][row] for row in test.sampled]
    return [
        _rows(test, "majority", baselines.majority(kinds, targets, len(asked))),
        _rows(test, "linear", baselines.linear(kinds, prompts["train"], targets, asked)),
        _rows(train, "linear", _held_out(train, prompts["train"])),
    ]


def _rows(split: samples.Split, arm: str, made: list[baselines.Target]) -> pa.Table:
    """Turn targets for the sampled rows of a split into rows of predictions."""
    texts = [json.dumps(target) for target in made]
    return rows.rows_of(split.examples, entry(arm), split.name, None, split.sampled, texts, [0] * len(made))


def _held_out(train: samples.Split, prompts: list[str]) -> list[baselines.Target]:
    """Predict the sampled training rows with a linear model that was fitted on the other training rows."""
    asked = set(train.sampled.tolist())
    others = [row for row in range(len(prompts)) if row not in asked]
    if not others:
        return [{} for _ in asked]
    targets = [scoring.parse(train.examples.targets[row]) for row in others]
    return baselines.linear(
        scoring.PLAIN.kinds(train.schema),
        [prompts[row] for row in others],
        targets,
        [prompts[row] for row in sorted(asked)],
    )


if __name__ == "__main__":
    run(main, PARAMS)
