"""evaluate: what the base and the chosen adapter do on the held-out test split, against honest baselines."""

import json
import time

import pyarrow as pa
import pyarrow.parquet as pq

from plateau.core import files
from plateau.core.params import Params
from plateau.core.progress import say
from plateau.core.stage import run
from plateau.core.system import SPLITS, System
from plateau.core.timings import record
from plateau.data import fields
from plateau.decision import best
from plateau.evaluation import (
    answers,
    baselines,
    diagnostics,
    figures,
    leaks,
    predictions,
    provenance,
    samples,
    scoring,
)
from plateau.evaluation.arms import PROBE, entry
from plateau.splits import near

PARAMS = ("evaluate", "split.strategy", "split.group_by", "split.near_duplicates", "train.train_on_prompt", "seed")


def main(system: System, params: Params) -> None:
    """Write data/predictions.parquet, metrics/evaluate.json and metrics/confusion.json."""
    started = time.perf_counter()
    options = params["evaluate"]
    few = options["diagnostic_rows"]
    whole = params["train"]["train_on_prompt"]
    splits = {name: samples.open_split(system, name, few, whole) for name in ("train", "valid")}
    splits["test"] = samples.open_split(system, "test", options["num_samples"], whole)
    provenance.check_prompts(system)
    recorded, folders = best.chosen_losses(system), (system.path("models", "base"), system.path("adapters", "best"))
    found = answers.run(*folders, splits, _run_settings(params), recorded)
    best.check(system)
    prompts = {name: baselines.prompts(system.path("data", "mlx", f"{name}.jsonl")) for name in SPLITS}
    table = pa.concat_tables([*found.tables, *_baselines(splits, prompts)])
    with files.replacing(system.path("data", "predictions.parquet")) as temporary:
        pq.write_table(table, temporary)
    prices = (options["price_input"], options["price_output"])
    settings = figures.Settings(options["bootstrap_samples"], options["confidence"], params["seed"], *prices)
    known, schema = predictions.arms(table), splits["test"].schema
    measured = figures.figures(known, schema, settings)
    measured["adapter_effect"] = found.effect
    train = figures.row_losses(predictions.arms(table, PROBE)["adapter"])
    test = figures.row_losses(known["adapter"])
    measured["drift"] = figures.drift({"train": train, "valid": recorded, "test": test}, settings)
    measured["leaks"] = _leaks(system, splits, prompts, params["split"])
    measured["diagnostics"] = _diagnostics(table, found, splits, prompts["train"], settings)
    files.write_json(system.metrics("evaluate"), measured)
    files.write_json(system.metrics("confusion"), figures.confusion(known["adapter"], schema))
    record(system, "evaluate", {"seconds": time.perf_counter() - started, **found.speeds})
    say(figures.summary(measured))


def _run_settings(params: Params) -> answers.Settings:
    names = ("arms", "batch_size", "max_tokens", "num_generations", "temperature", "stability_samples")
    chosen = {name: params["evaluate"][name] for name in names}
    return answers.Settings(**chosen, train_on_prompt=params["train"]["train_on_prompt"], seed=params["seed"])


def _baselines(splits: dict[str, samples.Split], prompts: dict[str, list[str]]) -> list[pa.Table]:
    """Predictions of the baselines for the test rows that are generated for."""
    test = splits["test"]
    leaves = fields.fields(test.schema)
    targets = [scoring.parse(target) for target in splits["train"].examples.targets]
    asked = [prompts["test"][row] for row in test.sampled]
    found = {
        "majority": baselines.majority(leaves, targets, len(asked)),
        "linear": baselines.linear(leaves, prompts["train"], targets, asked),
    }
    return [
        predictions.rows_of(
            test.examples, entry(name), test.name, None, test.sampled, [json.dumps(t) for t in made], [0] * len(made)
        )
        for name, made in found.items()
    ]


def _leaks(
    system: System, splits: dict[str, samples.Split], prompts: dict[str, list[str]], options: Params
) -> dict[str, object]:
    """What of the test is known in training, and prompts that were rendered differently."""
    group_by = options["group_by"]
    columns = ["start_utc", "turns", *([group_by] if group_by else [])]
    tables = {name: pq.read_table(system.split(name), columns=columns) for name in SPLITS}
    targets = {name: [scoring.parse(target) for target in splits[name].examples.targets] for name in SPLITS}
    said = {name: near.texts_of(tables[name]["turns"].combine_chunks()) for name in SPLITS}
    leaves = fields.fields(splits["test"].schema)

    def overlap(known: str, tested: str) -> dict[str, object]:
        asked = (prompts[known], prompts[tested])
        return leaks.overlap(said[known], said[tested], options["near_duplicates"], asked)

    return {
        **overlap("train", "test"),
        "valid_in_train": overlap("train", "valid"),
        "test_in_valid": overlap("valid", "test"),
        "repeated": leaks.repeated(prompts),
        "answered": leaks.answered(leaves, prompts["test"], targets["test"]),
        "split_strategy": options["strategy"],
        "later_rows": leaks.later_rows({name: tables[name]["start_utc"].to_pylist() for name in SPLITS}),
        "shared_groups": leaks.shared_groups({n: tables[n][group_by].to_pylist() for n in SPLITS}) if group_by else 0,
        "format_differences": leaks.format_differences(prompts),
        "unseen_labels": leaks.unseen_labels(leaves, targets["train"], targets["test"]),
        "untested_labels": leaks.untested_labels(leaves, targets["train"], targets["test"]),
    }


def _diagnostics(
    table: pa.Table,
    found: answers.Run,
    splits: dict[str, samples.Split],
    train_prompts: list[str],
    settings: figures.Settings,
) -> dict[str, object]:
    """What else the outputs say of the model."""
    leaves = fields.fields(splits["test"].schema)
    on_train, on_valid = predictions.arms(table, "train"), predictions.arms(table, "valid")
    return {
        "memorisation": diagnostics.memorisation(on_train["adapter"], on_valid["adapter"], settings.confidence),
        "difficulty": diagnostics.difficulty(leaves, on_train["base"], _held_out(splits["train"], train_prompts)),
        "forgetting": diagnostics.forgetting(found.general),
        "stability": diagnostics.stability(table, leaves),
    }


def _held_out(train: samples.Split, prompts: list[str]) -> list[baselines.Target]:
    """What a linear model says of the sampled training rows, fitted on the others."""
    asked = set(train.sampled.tolist())
    others = [row for row in range(len(prompts)) if row not in asked]
    if not others:
        return [{} for _ in asked]
    targets = [scoring.parse(train.examples.targets[row]) for row in others]
    return baselines.linear(
        fields.fields(train.schema), [prompts[row] for row in others], targets, [prompts[row] for row in sorted(asked)]
    )


if __name__ == "__main__":
    run(main, PARAMS)
