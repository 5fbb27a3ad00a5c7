"""opponents: generate with the base model on the test split. The stage does not depend on the adapter, so another learning rate leaves it up to date."""

import time

from plateau.core import timings
from plateau.core.params import Params
from plateau.core.stage import run
from plateau.core.system import System
from plateau.evaluation import answers, hashes, plan, prompting, provenance, rows, samples
from plateau.lm.backend import BLAS

PARAMS = (
    "evaluate.arms",
    "evaluate.num_samples",
    "evaluate.diagnostic_rows",
    "evaluate.batch_size",
    "evaluate.max_tokens",
    "evaluate.instruction",
    "evaluate.few_shot",
    "train.train_on_prompt",
    "convert.template_date",
)


def main(system: System, params: Params) -> None:
    """Write data/opponents.parquet."""
    started = time.perf_counter()
    options, whole = params["evaluate"], params["train"]["train_on_prompt"]
    splits = samples.open_splits(system, options["num_samples"], options["diagnostic_rows"], whole)
    base = system.path("models", "base")
    provenance.check_prompts(system, base, params["convert"]["template_date"])
    settings = answers.Settings(options["arms"], options["batch_size"], options["max_tokens"], whole)
    asking = prompting.prepare(system, options["instruction"], options["few_shot"], params["convert"]["template_date"])
    found = answers.opponents(base, splits, asking, settings)
    rows.write(system.path("data", "opponents.parquet"), found.tables, hashes.asked(system, "opponents"))
    timings.record(system, "opponents", {"seconds": time.perf_counter() - started, "blas": BLAS, **found.speeds})


def show_plan(system: System, params: Params) -> None:
    """Print how many tokens and minutes generation will take, by arm; no model is loaded."""
    options = params["evaluate"]
    wanted = (options["num_samples"], options["diagnostic_rows"])
    plan.show(system, "opponents", ("base",), options["arms"], wanted, options["max_tokens"])


if __name__ == "__main__":
    run(main, PARAMS, plan=show_plan)
