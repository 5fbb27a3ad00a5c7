"""Compare runs: the params in which they differ, their figures, and which differences are significant on the same test rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from plateau.core.errors import BadInputError
from plateau.core.figures import Estimate, to_json, value_of
from plateau.data.fields import Field
from plateau.evaluation import predictions, scoring, stats
from plateau.metrics.compared import Compared
from plateau.metrics.evaluate import Arm, Evaluate
from plateau.metrics.evaluations import Point
from plateau.metrics.gates import Gates
from plateau.metrics.train import Train
from plateau.report import charts
from plateau.report.page import ANSWERS, Chart, Charts, Page, Section, Table
from plateau.report.text import flat, spaced

SAMPLES, CONFIDENCE = 1000, 0.95


@dataclass(frozen=True)
class Run:
    """One experiment: its params, its metrics files, its timings by stage, and its predictions."""

    name: str
    params: Mapping[str, Any]
    train: Train
    evaluate: Evaluate
    evaluations: Sequence[Point]
    gates: Gates
    speed: Mapping[str, Mapping[str, float]]
    table: pa.Table

    @property
    def adapter(self) -> Arm:
        """The figures of the adapter on the test split."""
        return self.evaluate.arm("adapter")

    def timing(self, stage: str, name: str) -> float | None:
        """A timing of one stage; None where it was not kept."""
        return self.speed.get(stage, {}).get(name)


FIGURES: Mapping[str, Callable[[Run], Any]] = {
    "answer of the gates": lambda run: run.gates.answer,
    "trainable parameters": lambda run: run.train.trainable_parameters,
    "share of all parameters": lambda run: run.train.trainable_share,
    "validation loss, base": lambda run: run.train.base_val_loss,
    "validation loss, best": lambda run: run.train.best_val_loss,
    "fall of the validation loss": lambda run: run.train.val_loss_reduction,
    "updates": lambda run: run.train.iterations,
    "best at update": lambda run: run.train.best_iteration,
    "updates to nine tenths of the fall": lambda run: _converged(run),
    "stopped because": lambda run: run.train.stop_reason,
    "trained tokens": lambda run: run.train.trained_tokens,
    "seconds of training": lambda run: run.timing("train", "seconds"),
    "tokens a second in training": lambda run: run.timing("train", "tokens_per_second"),
    "median latency of an answer, seconds": lambda run: run.timing("answers", "adapter_latency_p50_seconds"),
    "test loss": lambda run: value_of(run.adapter.loss),
    "test perplexity": lambda run: run.adapter.perplexity,
    "schema-valid outputs": lambda run: value_of(run.adapter.schema_valid),
    "score": lambda run: value_of(run.adapter.score),
}


@dataclass(frozen=True)
class Comparison:
    """Knobs and figures with one cell a run, paired differences against the first, and the advice."""

    names: Sequence[str]
    knobs: Sequence[Sequence[Any]]
    figures: Sequence[Sequence[Any]]
    pairs: Sequence[Mapping[str, Any]]
    curves: Sequence[Mapping[str, Any]]
    scores: Sequence[Mapping[str, Any]]
    advice: str


def compare(runs: Sequence[Run], target: Sequence[Field]) -> Comparison:
    """Compare runs on the test rows of all: those that pass their gates first, the one of the highest score leads.

    Raises BadInputError where the rows differ.
    """
    if len(runs) < 2:
        raise BadInputError(
            "nothing to compare: name two or more experiments, or run some with `dvc exp run -S lr=...`"
        )
    arms = {run.name: _adapter(run) for run in runs}
    rules = scoring.Rules(runs[0].evaluate.scales, runs[0].params.get("evaluate", {}).get("scores", {}))
    kept = [field for field in target if not rules.ignores(field)]
    scored = {
        name: [scoring.score(field, arm.golds, arm.parsed, rules) for field in kept] for name, arm in arms.items()
    }
    totals = {name: scoring.total(scored[name], len(arm.rows)) for name, arm in arms.items()}
    order = [
        (not _ships(run), -float(np.nanmean(totals[run.name])), _losses(arms[run.name]).sum(), run.name) for run in runs
    ]
    ordered = [run for _, run in sorted(zip(order, runs, strict=True), key=lambda pair: pair[0])]
    first = ordered[0].name
    pairs = []
    for run in ordered[1:]:
        _check_rows(run, next(one for one in runs if one.name == first), arms)
        results = _pair(arms[run.name], arms[first], totals[run.name], totals[first])
        results |= {
            one.field.name: _difference(one, other) for one, other in zip(scored[run.name], scored[first], strict=True)
        }
        pairs += [{"run": run.name, "against": first, "of": of, **to_json(result)} for of, result in results.items()]
    return Comparison(
        [run.name for run in ordered],
        _knobs(ordered),
        _figures(ordered, target),
        pairs,
        [
            {"run": run.name, "iteration": point.iteration, "val_loss": point.val_loss}
            for run in ordered
            for point in run.evaluations
        ],
        list(_scores(ordered, target)),
        _advice(ordered, pairs),
    )


def page(found: Comparison) -> Page:
    """A comparison for people."""
    drawn = []
    if any(point["val_loss"] is not None for point in found.curves):
        drawn.append(Chart("Validation loss of each run by update.", charts.run_curves(found.curves, found.names)))
    if found.scores:
        colours = dict(zip(found.names, charts.SERIES * len(found.names), strict=False))
        words = "Score of each field by run, 0 to 1, with intervals."
        drawn.append(Chart(words, charts.scores(found.scores, found.names, colours)))
    keys = ("run", "against", "of", "difference", "low", "high", "p_value", "result", "required_rows")
    cells = [[spaced(pair[key]) if key == "result" else pair[key] for key in keys] for pair in found.pairs]
    marks = ["" if pair["result"] == "not_told_apart" else "chosen" for pair in found.pairs]
    head = ["run", "against", "of", "difference", "low", "high", "p", "result", "rows needed"]
    real = f"Paired over the same test rows, with {CONFIDENCE:.0%} intervals; a loss is better where it is lower, a score where it is higher"
    knobs = Table("Knobs that differ", ["param", *found.names], found.knobs)
    figures = Table(
        "Losses in nats a supervised token; test figures are the adapter's", ["figure", *found.names], found.figures
    )
    return Page(
        title=f"Comparison of {', '.join(found.names)}",
        answer="",
        headline=f"{found.advice[:1].upper()}{found.advice[1:]}",
        lines=[],
        warnings=[],
        tiles=[],
        table=knobs,
        sections=[
            Section("What came of it", [*([Charts(drawn)] if drawn else []), figures]),
            Section("Which differences are real", [Table(real, head, cells, marks)]),
        ],
    )


def _ships(run: Run) -> bool:
    """Whether all gates of a run pass."""
    return run.gates.answer is None or run.gates.ships


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


def _check_rows(one: Run, other: Run, arms: Mapping[str, predictions.Arm]) -> None:
    """Raise BadInputError, with how many rows the two share, unless both were tested on the same rows with the same labels."""
    a, b = arms[one.name], arms[other.name]
    if list(a.targets) == list(b.targets) and np.array_equal(a.tokens, b.tokens) and np.array_equal(a.rows, b.rows):
        return
    labels, others = _labels(one), _labels(other)
    shared = labels.keys() & others.keys()
    relabelled = sum(labels[name] != others[name] for name in shared)
    raise BadInputError(
        f"the runs have different test rows, so their figures cannot be paired: {one.name} has {len(labels):,}, {other.name} "
        f"{len(others):,}, {len(shared):,} are in both, {relabelled:,} of these with another label; compare runs on the same data"
    )


def _labels(run: Run) -> dict[str, str]:
    """The label of each test row, by its id."""
    rows = run.table.select(["id", "gold", "split"]).to_pylist()
    return {row["id"]: row["gold"] for row in rows if row["split"] == "test"}


def _pair(
    one: predictions.Arm, other: predictions.Arm, score: stats.Floats, against: stats.Floats
) -> dict[str, Compared]:
    """Paired differences of test loss and score, first run minus second."""
    loss = stats.compare(_losses(one) - _losses(other), False, SAMPLES, CONFIDENCE, 0, one.tokens.astype(np.float64))
    difference = score - against
    return {"loss": loss, "score": stats.compare(difference[np.isfinite(difference)], True, SAMPLES, CONFIDENCE, 0)}


def _difference(one: scoring.Scored, other: scoring.Scored) -> Compared:
    """The paired difference of one field, on the rows in which both runs are scored."""
    difference = one.score - other.score
    return stats.compare(difference[np.isfinite(difference)], True, SAMPLES, CONFIDENCE, 0)


def _knobs(runs: Sequence[Run]) -> list[list[Any]]:
    """The params in which the runs differ."""
    values = [dict(flat(run.params)) for run in runs]
    names = dict.fromkeys(name for known in values for name in known)
    rows = [[name, *(known.get(name) for known in values)] for name in names]
    return [row for row in rows if any(cell != row[1] for cell in row[2:])]


def _figures(runs: Sequence[Run], target: Sequence[Field]) -> list[list[Any]]:
    """The figures of each run, the score of each field last."""
    whole = [[title, *(_figure(figure(run)) for run in runs)] for title, figure in FIGURES.items()]
    return whole + [[f"score of {field.name}", *(_estimate(run, field) for run in runs)] for field in target]


def _figure(value: Any) -> Any:
    return ANSWERS.get(value, spaced(value)) if isinstance(value, str) else value


def _estimate(run: Run, field: Field) -> Estimate:
    found = (run.adapter.fields or {}).get(field.name)
    return found.score if found else Estimate(None)


def _scores(runs: Sequence[Run], target: Sequence[Field]) -> list[dict[str, Any]]:
    """The score of each field and run with its interval, for a chart."""
    found = [(run.name, field.name, _estimate(run, field)) for run in runs for field in target]
    return [
        {"series": run, "name": field, "score": score.value, "low": score.low, "high": score.high}
        for run, field, score in found
        if score.low is not None
    ]


def _converged(run: Run) -> int | None:
    """The first evaluation point with nine tenths of the fall of the validation loss; None where it never fell."""
    known = [(point.iteration, point.val_loss) for point in run.evaluations if point.val_loss is not None]
    base, best = (known[0][1], min(loss for _, loss in known)) if known else (0.0, 0.0)
    return next((i for i, loss in known if best < base and loss <= base - 0.9 * (base - best)), None)


def _advice(runs: Sequence[Run], pairs: Sequence[Mapping[str, Any]]) -> str:
    """Which run to take: the leader, or the smallest of those that are not told apart from it; none where no gates pass."""
    worse = {pair["run"] for pair in pairs if pair["of"] in ("loss", "score") and pair["result"] == "worse"}
    able = [run for run in runs if _ships(run)]
    equal = [run for run in able or runs if run.name not in worse]
    names = ", ".join(run.name for run in equal)
    if not able:
        best = f"{names} is the best of them" if len(equal) == 1 else f"{names} are not told apart"
        return f"take none, for none passes its gates: keep the base model; {best}"
    smallest = min(equal, key=lambda run: (run.train.trainable_parameters or 0, runs.index(run)))
    if len(equal) > 1:
        return f"take {smallest.name}, which trains the fewest parameters: {names} are not told apart"
    barred = ", ".join(run.name for run in runs if run not in able and run.name not in worse)
    but = f", or does not pass its gates ({barred})" if barred else ""
    return f"take {names}: every other run is worse on the same test rows{but}"
