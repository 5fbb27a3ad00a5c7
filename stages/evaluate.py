"""evaluate: compute all figures from the recorded predictions on the held-out test split; no model runs."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from plateau.core import files
from plateau.core.figures import from_json, to_json
from plateau.core.params import Params
from plateau.core.progress import say
from plateau.core.stage import run
from plateau.core.system import SPLITS, System
from plateau.core.timings import record
from plateau.data import asked, fields
from plateau.data.fields import Field
from plateau.evaluation import (
    chosen,
    diagnostics,
    external_answers,
    figures,
    hashes,
    leaks,
    manifest,
    predictions,
    rows,
    scoring,
    scrutiny,
)
from plateau.evaluation.arms import BASELINES, PROBE
from plateau.metrics.drift import Drift
from plateau.metrics.evaluate import (
    AdapterEffect,
    Diagnostics,
    Evaluate,
    Leaks,
    Look,
    Overlap,
    TestInValid,
    ValidInTrain,
)
from plateau.splits import near

PARAMS = (
    "evaluate.bootstrap_samples",
    "evaluate.confidence",
    "evaluate.scores",
    "evaluate.price_input",
    "evaluate.price_output",
    "split.strategy",
    "split.group_by",
    "split.column",
    "seed",
)


def main(system: System, params: Params) -> None:
    """Write data/predictions.parquet, metrics/evaluate.json, metrics/confusion.json and adapters/evaluated.json."""
    asked.check(system)
    started = time.perf_counter()
    said = files.read_json(system.path("data", "answers.json"))
    path = system.path("data", "predictions.parquet")
    manifest.check_predictions(system)
    rows.write(path, [rows.read(path.with_name(f"{name}.parquet")) for name in manifest.PARTS])
    external_answers.append(path, rows.read(path.with_name(f"{manifest.EXTERNAL}.parquet")))
    table, schema = rows.read(path), fields.load_schema(system.schema("target"))
    leaves, known = fields.fields(schema), predictions.arms(table)
    prompts = {name: scrutiny.read_prompts(system, name) for name in SPLITS}
    settings, rules = _settings(params), _rules(schema, prompts["train"].targets, params)
    scored = figures.scored(known, schema, rules)
    resampled = scrutiny.Resampling(settings.samples, settings.confidence, settings.seed)
    measured = Evaluate(
        **vars(figures.figures(known, schema, settings, rules, scored)),
        adapter_effect=from_json(AdapterEffect, said["adapter_effect"], "data/answers.json: adapter_effect"),
        drift=_drift(system, table, settings),
        leaks=_leaks(system, leaves, prompts, params["split"]),
        diagnostics=_diagnostics(table, schema, rules, said["general_losses"], settings),
        scrutiny=scrutiny.scrutinise(
            leaves, prompts, _row_scores(table, schema, rules, known, scored), BASELINES, resampled
        ),
        look=_look(system),
    )
    files.write_json(system.metrics("evaluate"), to_json(measured))
    files.write_json(system.metrics("confusion"), to_json(figures.confusion(scored["adapter"])))
    manifest.write(system)
    record(system, "evaluate", {"seconds": time.perf_counter() - started})
    say(figures.summary(measured))


def _look(system: System) -> Look:
    """What is judged on what."""
    return Look(files.sha256(system.split("test")), files.sha256(system.path(*hashes.ADAPTER, "adapters.safetensors")))


def _settings(params: Params) -> figures.Settings:
    options = params["evaluate"]
    prices = (options["price_input"], options["price_output"])
    return figures.Settings(options["bootstrap_samples"], options["confidence"], params["seed"], *prices)


def _rules(schema: fields.Schema, train: Sequence[Any], params: Params) -> scoring.Rules:
    """The rules of scoring: the param evaluate.scores, and the scale of each number, learnt from the training split."""
    return scoring.Rules.learnt(schema, train, params["evaluate"]["scores"])


def _drift(system: System, table: pa.Table, settings: figures.Settings) -> Drift:
    """The adapter's loss on the training probe, on the validation split (as recorded when it was chosen) and on the test split."""
    probe, tested = (predictions.arms(table, split)["adapter"] for split in (PROBE, "test"))
    train, test = figures.row_losses(probe), figures.row_losses(tested)
    return figures.drift({"train": train, "valid": chosen.losses(system), "test": test}, settings)


def _leaks(system: System, leaves: Sequence[Field], read: Mapping[str, scrutiny.Prompts], options: Params) -> Leaks:
    """What of the test is known in training, and prompts that were rendered differently."""
    prompts = {name: read[name].texts for name in SPLITS}
    targets = {name: read[name].targets for name in SPLITS}
    group_by = options["group_by"]
    columns = ["start_utc", "turns", *([group_by] if group_by else [])]
    tables = {name: pq.read_table(system.split(name), columns=columns) for name in SPLITS}
    said = {name: near.texts_of(tables[name]["turns"].combine_chunks()) for name in SPLITS}

    def overlap(known: str, tested: str) -> Overlap:
        asked = (prompts[known], prompts[tested])
        return leaks.overlap(said[known], said[tested], leaks.NEAR, asked)

    return Leaks(
        test_in_train=overlap("train", "test"),
        valid_in_train=ValidInTrain(**vars(overlap("train", "valid"))),
        test_in_valid=TestInValid(**vars(overlap("valid", "test"))),
        repeated=leaks.repeated(prompts),
        answered=leaks.answered(leaves, prompts["test"], targets["test"]),
        split_strategy="column" if options["column"] else options["strategy"],
        later_rows=leaks.later_rows({name: tables[name]["start_utc"].to_pylist() for name in SPLITS}),
        shared_groups=leaks.shared_groups({n: tables[n][group_by].to_pylist() for n in SPLITS}) if group_by else 0,
        format_differences=leaks.format_differences(prompts),
        unseen_labels=leaks.unseen_labels(leaves, targets["train"], targets["test"]),
        untested_labels=leaks.untested_labels(leaves, targets["train"], targets["test"]),
    )


def _diagnostics(
    table: pa.Table, schema: fields.Schema, rules: scoring.Rules, general: dict[str, float], settings: figures.Settings
) -> Diagnostics:
    """What else the outputs say of the model."""
    leaves = rules.fields(schema)
    train, valid = predictions.arms(table, "train"), predictions.arms(table, "valid")
    return Diagnostics(
        memorisation=diagnostics.memorisation(train["adapter"], valid["adapter"], settings.confidence),
        difficulty=diagnostics.difficulty(leaves, train["base"], train["linear"].parsed, rules),
        forgetting=diagnostics.forgetting(general),
        stability=diagnostics.stability(table, leaves),
    )


def _row_scores(
    table: pa.Table,
    schema: fields.Schema,
    rules: scoring.Rules,
    test: Mapping[str, predictions.Arm],
    scored: Mapping[str, Sequence[scoring.Scored]],
) -> scrutiny.Scored:
    """The score of each row: of every arm on the test split, and of the adapter on the validation split."""
    valid = predictions.arms(table, "valid")["adapter"]
    in_valid = scoring.scored(schema, valid.golds, valid.parsed, rules)
    return scrutiny.Scored(
        {name: scoring.total(scored[name], len(arm.rows)) for name, arm in test.items()},
        test["adapter"].rows,
        scoring.total(in_valid, len(valid.rows)),
    )


if __name__ == "__main__":
    run(main, PARAMS)
