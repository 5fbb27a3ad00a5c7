"""evaluate: what the base and the chosen adapter do on the held-out test split, against honest baselines."""

import json
import time

import pyarrow as pa
import pyarrow.parquet as pq

from plateau import arms, baselines, best, evaluation, fields, files, predictions, scoring
from plateau.params import Params
from plateau.progress import say
from plateau.speed import record
from plateau.stage import run
from plateau.system import System

PARAMS = ("evaluate", "train.train_on_prompt", "seed")


def main(system: System, params: Params) -> None:
    """Write data/predictions.parquet, metrics/evaluate.json and metrics/confusion.json."""
    started = time.perf_counter()
    options = params["evaluate"]
    test = arms.open_split(system, "test", options["num_samples"])
    settings = arms.Settings(
        options["arms"], options["batch_size"], options["max_tokens"], params["train"]["train_on_prompt"]
    )
    adapter = system.path("adapters", "best")
    table, effect, speeds = arms.run(system.path("models", "base"), adapter, test, settings)
    best.check(system)
    table = pa.concat_tables([table, *_baselines(system, test)])
    with files.replacing(system.path("data", "predictions.parquet")) as temporary:
        pq.write_table(table, temporary)
    prices = (options["price_input"], options["price_output"])
    figured = evaluation.Settings(options["bootstrap_samples"], options["confidence"], params["seed"], *prices)
    figures = evaluation.figures(table, test.schema, figured)
    drift = evaluation.drift(best.chosen_losses(system), evaluation.adapter_losses(table), figured)
    files.write_json(system.metrics("evaluate"), {**figures, "adapter_effect": effect, "drift": drift})
    files.write_json(system.metrics("confusion"), evaluation.confusion(table, test.schema))
    record(system, "evaluate", {"seconds": time.perf_counter() - started, **speeds})
    say(evaluation.summary(figures))


def _baselines(system: System, test: arms.Split) -> list[pa.Table]:
    """Predictions of the baselines for the rows that are generated for."""
    known = arms.open_split(system, "train", None)
    targets = [scoring.parse(target) for target in known.examples.targets]
    leaves = fields.fields(test.schema)
    texts, asked = (baselines.prompts(system.path("data", "mlx", f"{name}.jsonl")) for name in ("train", "test"))
    wanted = [asked[row] for row in test.sampled]
    found = {
        "majority": baselines.majority(leaves, targets, len(wanted)),
        "linear": baselines.linear(leaves, texts, targets, wanted),
    }
    return [
        predictions.rows_of(test.examples, name, None, test.sampled, [json.dumps(t) for t in made], [0] * len(made))
        for name, made in found.items()
    ]


if __name__ == "__main__":
    run(main, PARAMS)
