"""Runs side by side: what differs in their knobs, what came of it, and which differences are real on the same test rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from plateau import predictions, scoring, stats
from plateau.errors import BadInputError
from plateau.fields import Field
from plateau.gates import find
from plateau.text import flat

SAMPLES, CONFIDENCE = 1000, 0.95
FIGURES = {
    "trainable parameters": ("train", "trainable_parameters"),
    "share of all parameters": ("train", "trainable_share"),
    "updates": ("train", "iterations"),
    "best at update": ("train", "best_iteration"),
    "stopped because": ("train", "stop_reason"),
    "trained tokens": ("train", "trained_tokens"),
    "validation loss, base": ("train", "base_val_loss"),
    "validation loss, best": ("train", "best_val_loss"),
    "fall of the validation loss": ("train", "val_loss_reduction"),
    "test loss": ("evaluate", "arms", "adapter", "loss"),
    "test perplexity": ("evaluate", "arms", "adapter", "perplexity"),
    "schema-valid outputs": ("evaluate", "arms", "adapter", "schema_valid"),
    "score": ("evaluate", "arms", "adapter", "score"),
}


@dataclass(frozen=True)
class Run:
    """One experiment: its params, its metrics files by name, and its predictions."""

    name: str
    params: Mapping[str, Any]
    metrics: Mapping[str, Any]
    table: pa.Table


@dataclass(frozen=True)
class Comparison:
    """Knobs and figures with one cell a run, paired differences against the first, and the advice."""

    names: Sequence[str]
    knobs: Sequence[Sequence[Any]]
    figures: Sequence[Sequence[Any]]
    pairs: Sequence[Mapping[str, Any]]
    advice: str


def compare(runs: Sequence[Run], target: Sequence[Field]) -> Comparison:
    """Compare runs on the test rows of all; the one of the highest score leads. BadInputError where the rows differ."""
    if len(runs) < 2:
        raise BadInputError(
            "nothing to compare: name two or more experiments, or run some with `dvc exp run -S lr=...`"
        )
    arms = {run.name: _adapter(run) for run in runs}
    totals = {name: _totals(arm, target) for name, arm in arms.items()}
    ordered = sorted(
        runs, key=lambda run: (-float(np.nanmean(totals[run.name])), _losses(arms[run.name]).sum(), run.name)
    )
    first = ordered[0].name
    pairs = [
        {"run": run.name, "against": first, "of": of, **result}
        for run in ordered[1:]
        for of, result in _pair(arms[run.name], arms[first], totals[run.name], totals[first]).items()
    ]
    names = [run.name for run in ordered]
    return Comparison(names, _knobs(ordered), _figures(ordered, target), pairs, _advice(ordered, pairs))


def _adapter(run: Run) -> predictions.Arm:
    arms = predictions.arms(run.table)
    if "adapter" not in arms or arms["adapter"].loss_sum is None:
        raise BadInputError(
            f"{run.name}: its predictions hold no losses of the adapter; run `dvc repro evaluate` there"
        )
    return arms["adapter"]


def _losses(arm: predictions.Arm) -> stats.Floats:
    assert arm.loss_sum is not None
    return arm.loss_sum


def _totals(arm: predictions.Arm, target: Sequence[Field]) -> stats.Floats:
    scored = [scoring.score(field, arm.golds, arm.parsed) for field in target]
    return scoring.total(scored, len(arm.rows))


def _pair(
    one: predictions.Arm, other: predictions.Arm, score: stats.Floats, against: stats.Floats
) -> dict[str, dict[str, Any]]:
    """Paired differences of test loss and score, the first minus the second."""
    same_rows = list(one.targets) == list(other.targets) and np.array_equal(one.tokens, other.tokens)
    if not same_rows or not np.array_equal(one.rows, other.rows):
        raise BadInputError(
            "the runs have different test rows, so their figures cannot be paired; compare runs of one split"
        )
    loss = stats.compare(_losses(one) - _losses(other), False, SAMPLES, CONFIDENCE, 0, one.tokens.astype(np.float64))
    difference = score - against
    return {"loss": loss, "score": stats.compare(difference[np.isfinite(difference)], True, SAMPLES, CONFIDENCE, 0)}


def _knobs(runs: Sequence[Run]) -> list[list[Any]]:
    """The params in which the runs differ."""
    values = [dict(flat(run.params)) for run in runs]
    names = dict.fromkeys(name for known in values for name in known)
    rows = [[name, *(known.get(name) for known in values)] for name in names]
    return [row for row in rows if any(cell != row[1] for cell in row[2:])]


def _figures(runs: Sequence[Run], target: Sequence[Field]) -> list[list[Any]]:
    """What came of each run, the score of each field last."""
    whole = [[title, *(find(run.metrics, *keys) for run in runs)] for title, keys in FIGURES.items()]
    place = ("evaluate", "arms", "adapter", "fields")
    return whole + [
        [f"score of {field.name}", *(find(run.metrics, *place, field.name, "score") for run in runs)]
        for field in target
    ]


def _advice(runs: Sequence[Run], pairs: Sequence[Mapping[str, Any]]) -> str:
    """Which run to take: the leader, or the smallest of those that are not told apart from it."""
    leader = runs[0].name
    worse = {pair["run"] for pair in pairs if pair["result"] == "worse"}
    equal = [run for run in runs if run.name not in worse]
    if len(equal) == 1:
        return f"take {leader}: every other run is worse on the same test rows"
    smallest = min(equal, key=lambda run: (find(run.metrics, "train", "trainable_parameters") or 0, runs.index(run)))
    names = ", ".join(run.name for run in equal)
    return f"{names} are not told apart; take {smallest.name}, which trains the fewest parameters of them"
