"""answers: generate with the chosen adapter on the test split, free, held to the schema, and merged into the base model; measure its losses."""

import time

from plateau.core import files, timings
from plateau.core.numbers import significant
from plateau.core.params import Params
from plateau.core.stage import run
from plateau.core.system import System
from plateau.evaluation import answers, chosen, hashes, plan, provenance, rows, samples
from plateau.lm.backend import BLAS

PARAMS = (
    "evaluate.arms",
    "evaluate.num_samples",
    "evaluate.diagnostic_rows",
    "evaluate.batch_size",
    "evaluate.max_tokens",
    "evaluate.num_generations",
    "evaluate.temperature",
    "evaluate.stability_samples",
    "train.train_on_prompt",
    "convert.template_date",
    "seed",
)


def main(system: System, params: Params) -> None:
    """Write data/answers.parquet, and data/answers.json with the adapter's effect and the losses on general text."""
    started = time.perf_counter()
    options, whole = params["evaluate"], params["train"]["train_on_prompt"]
    splits = samples.open_splits(system, options["num_samples"], options["diagnostic_rows"], whole)
    base, adapter = system.path("models", "base"), system.path("adapters", "best")
    provenance.check_prompts(system, base, params["convert"]["template_date"])
    provenance.check_prompts(system, adapter, params["convert"]["template_date"])
    settings, recorded = _settings(params), chosen.losses(system)
    network, tokenizer, found = answers.adapted(base, adapter, splits, settings, recorded)
    chosen.check(system)
    hashes.check_adapter(system)
    answers.answers(network, tokenizer, splits, settings, found)
    answers.fused(base, adapter, network, tokenizer, splits["test"], settings, found)
    rows.write(system.path("data", "answers.parquet"), found.tables, hashes.asked(system, "answers"))
    measured = {"adapter_effect": found.effect, "general_losses": found.general}
    written = {key: {name: significant(value) for name, value in one.items()} for key, one in measured.items()}
    files.write_json(system.path("data", "answers.json"), written)
    timings.record(system, "answers", {"seconds": time.perf_counter() - started, "blas": BLAS, **found.speeds})


def _settings(params: Params) -> answers.Settings:
    names = ("arms", "batch_size", "max_tokens", "num_generations", "temperature", "stability_samples")
    chosen = {name: params["evaluate"][name] for name in names}
    return answers.Settings(**chosen, train_on_prompt=params["train"]["train_on_prompt"], seed=params["seed"])


def show_plan(system: System, params: Params) -> None:
    """Print how many tokens and minutes generation will take, by arm; no model is loaded."""
    options = params["evaluate"]
    wanted = (options["num_samples"], options["diagnostic_rows"])
    plan.show(system, "answers", ("adapter", "fused"), options["arms"], wanted, options["max_tokens"])


if __name__ == "__main__":
    run(main, PARAMS, plan=show_plan)
