"""The figures of metrics/evaluate.json, from predictions alone: arms, intervals and paired comparisons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plateau.core.figures import Estimate, value_of
from plateau.core.numbers import significant
from plateau.data import fields
from plateau.data.fields import UNUSABLE
from plateau.evaluation import field_figures, scoring, stats
from plateau.evaluation.arms import BASELINES, PAIRS
from plateau.evaluation.external import is_external
from plateau.evaluation.label_noise import wilson
from plateau.evaluation.predictions import Arm
from plateau.evaluation.scoring import PLAIN, Rules, Scored
from plateau.evaluation.stats import Floats
from plateau.lm.shape import relaxed
from plateau.metrics import evaluate as metrics
from plateau.metrics.compared import Compared
from plateau.metrics.drift import Drift
from plateau.metrics.evaluate import Comparison, Scores
from plateau.metrics.plots import Answer

Figures = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """How figures are computed: the number, coverage and seed of bootstrap resamples, and prices of a million tokens (None for unknown)."""

    samples: int
    confidence: float
    seed: int
    price_input: float | None = None
    price_output: float | None = None


def scored(arms: Mapping[str, Arm], schema: Any, rules: Rules = PLAIN) -> dict[str, list[Scored]]:
    """The scores of each arm, field by field."""
    return {name: scoring.scored(schema, arm.golds, arm.parsed, rules) for name, arm in arms.items()}


def figures(
    arms: Mapping[str, Arm],
    schema: Any,
    settings: Settings,
    rules: Rules = PLAIN,
    known: Mapping[str, Sequence[Scored]] | None = None,
) -> Scores:
    """Every figure that predictions, the target schema and the rules of scoring determine; `known` are the scores, if made before."""
    found = known or scored(arms, schema, rules)
    validator = fields.validator(schema)
    compared = {
        f"{one}_vs_{other}": comparison(arms[one], arms[other], found[one], found[other], settings)
        for one, other in PAIRS
        if one in arms and other in arms
    }
    for other in filter(is_external, arms):
        own = arms["adapter"].among(arms[other])
        known_of = scoring.scored(schema, own.golds, own.parsed, rules)
        compared[f"adapter_vs_{other}"] = comparison(own, arms[other], known_of, found[other], settings)
    against = {other: compared.get(f"adapter_vs_{other}", Comparison()) for other in ("base", *BASELINES)}
    fields_against_base = (against["base"].fields or {}).values()
    worse = sum(one.result == "worse" for one in fields_against_base) if fields_against_base else None
    scores = {name: against[name].score for name in BASELINES}
    return Scores(
        rows=len(arms["adapter"].tokens),
        generated=len(arms["adapter"].rows),
        loss_reduction=_reduction(arms.get("base"), arms["adapter"]),
        fields_worse_than_base=worse,
        most_invented=_most_invented(found["adapter"], settings.confidence),
        baselines_not_beaten=[name for name, score in scores.items() if not score or score.result != "better"],
        scales=dict(rules.scales),
        relaxed=relaxed(schema),
        arms={name: arm_figures(arm, found[name], validator, settings) for name, arm in arms.items()},
        comparisons=compared,
    )


def _most_invented(scored: Sequence[Scored], confidence: float) -> float:
    """The largest share of a field's rows without a true value that have an answer: the lower end of Wilson's interval."""
    empty = [(one.invented, len(one.rows) - one.present) for one in scored]
    return _known(max((wilson(hits, rows, confidence)[0] for hits, rows in empty if rows), default=0.0))


def arm_figures(arm: Arm, scored: Sequence[Scored], validator: Any, settings: Settings) -> metrics.Arm:
    """The figures of one arm: losses where it has its own, and what its outputs are worth."""
    return metrics.Arm(
        **(_losses(arm, settings) if arm.loss_sum is not None else {}),
        **(_outputs(arm, validator, settings) if len(arm.rows) and arm.name not in BASELINES else {}),
        **(_scores(arm, scored, settings) if len(arm.rows) else {}),
    )


def _estimated(statistic: stats.Statistic, rows: int, settings: Settings) -> Estimate:
    return stats.estimate(statistic, rows, settings.samples, settings.confidence, settings.seed)


def _losses(arm: Arm, settings: Settings) -> Figures:
    """Token-weighted loss and perplexity, and the distribution of the examples' own perplexities; NaN where undefined."""
    assert arm.loss_sum is not None
    tokens = arm.tokens.astype(np.float64)
    each = perplexity(arm.loss_sum / tokens)
    return {
        "loss": _estimated(stats.ratio_of(arm.loss_sum, tokens), len(tokens), settings),
        "perplexity": _known(perplexity(arm.loss_sum.sum() / tokens.sum())),
        "example_perplexity_mean": _known(each.mean()),
        "example_perplexity_median": _known(np.median(each)),
        "example_perplexity_sd": _known(each.std(ddof=1)) if len(each) > 1 else np.nan,
        "example_perplexity_min": _known(each.min()),
        "example_perplexity_max": _known(each.max()),
    }


def _known(value: Any) -> float:
    """A figure rounded; NaN, which files write as null, where it is not finite."""
    rounded = significant(float(value))
    return np.nan if rounded is None else rounded


def perplexity(loss: Any) -> Any:
    """exp(loss), at most exp(700), which a float can hold."""
    return np.exp(np.minimum(loss, 700.0))


def _scores(arm: Arm, scored: Sequence[Scored], settings: Settings) -> Figures:
    """The mean score of a row, and each field's figures."""
    return {
        "score": _estimated(_mean_known(scoring.total(scored, len(arm.rows))), len(arm.rows), settings),
        "fields": {
            s.field.name: field_figures.report(s, settings.samples, settings.confidence, settings.seed) for s in scored
        },
    }


def _outputs(arm: Arm, validator: Any, settings: Settings) -> Figures:
    """Validity, keys and cost of the texts that an arm wrote."""
    rows = len(arm.rows)
    shares = {
        "json_valid": [scoring.is_json(output) for output in arm.outputs],
        "schema_valid": [scoring.is_valid(validator, output) for output in arm.outputs],
        "json_found": [value is not UNUSABLE for value in arm.parsed],
        "schema_found": [scoring.accepts(validator, value) for value in arm.parsed],
    }
    missing, invented = scoring.key_shares(arm.golds, arm.parsed)
    return {
        **{name: _estimated(stats.mean_of(np.array(of, np.float64)), rows, settings) for name, of in shares.items()},
        "missing_keys": _known(missing),
        "invented_keys": _known(invented),
        **(_calls(arm) if is_external(arm.name) else _tokens(arm, settings)),
    }


def _tokens(arm: Arm, settings: Settings) -> Figures:
    """What the calls of a model here took."""
    return {
        "input_tokens": _known(arm.prompt_tokens[arm.rows].mean()),
        "output_tokens": _known(arm.output_tokens.mean()),
        "unfinished": None if arm.ended is None else _known(1 - arm.ended.mean()),
        "cost_per_1000": _cost(arm, settings),
    }


def _calls(arm: Arm) -> Figures:
    """How many answers a file has, and what their calls took and cost, where it says so."""
    seconds, cost = np.array(arm.latency_seconds), np.array(arm.cost)
    found: Figures = {"rows": len(arm.rows)}
    if len(seconds):
        at = np.quantile(seconds, [0.5, 0.95], method="inverted_cdf")
        found |= {"latency_p50_seconds": _known(at[0]), "latency_p95_seconds": _known(at[1])}
    return found | ({"cost_per_1000": _known(1000 * cost.mean())} if len(cost) else {})


def _mean_known(values: Floats) -> stats.Statistic:
    """The mean of the values that are known; NaN where none is."""
    known = np.isfinite(values)
    return (
        stats.ratio_of(np.where(known, values, 0.0), known.astype(np.float64)) if known.any() else stats.mean_of(values)
    )


def _cost(arm: Arm, settings: Settings) -> float | None:
    """The price of 1,000 calls, from the mean tokens of a call; None where prices are unknown."""
    if settings.price_input is None or settings.price_output is None:
        return None
    prompt, output = float(arm.prompt_tokens[arm.rows].mean()), float(arm.output_tokens.mean())
    return significant((prompt * settings.price_input + output * settings.price_output) / 1000)


def comparison(
    one: Arm, other: Arm, scored: Sequence[Scored], against: Sequence[Scored], settings: Settings
) -> Comparison:
    """Paired comparison of two arms on the rows that both have: loss (lower is better), score and each field's score."""
    found = Comparison()
    if one.loss_sum is not None and other.loss_sum is not None and len(one.tokens) == len(other.tokens):
        loss = _compare(one.loss_sum - other.loss_sum, False, settings, one.tokens.astype(np.float64))
        found = replace(found, loss=loss)
    if len(one.rows) and np.array_equal(_generated(one), _generated(other)):
        difference = scoring.total(scored, len(one.rows)) - scoring.total(against, len(other.rows))
        pairs = [(a, b) for a, b in zip(scored, against, strict=True) if len(a.score)]
        same = [a == b for a, b in zip(one.outputs, other.outputs, strict=True)]
        found = replace(
            found,
            score=_compare(difference[np.isfinite(difference)], True, settings),
            fields={a.field.name: _compare(_known_pairs(a, b), True, settings) for a, b in pairs},
            same_output=_known(np.mean(same)),
        )
    return found


def _known_pairs(one: Scored, other: Scored) -> Floats:
    """The differences of one field's scores on the rows in which both arms are scored."""
    difference = one.score - other.score
    return difference[np.isfinite(difference)]


def _generated(arm: Arm) -> Any:
    """The true targets of the generated rows, by which to see whether two arms have the same rows."""
    return np.array([arm.targets[row] for row in arm.rows])


def _compare(difference: Floats, up: bool, settings: Settings, weights: Floats | None = None) -> Compared:
    return stats.compare(difference, up, settings.samples, settings.confidence, settings.seed, weights)


def _reduction(base: Arm | None, adapter: Arm) -> float | None:
    """Relative fall of the test loss from the base's."""
    if base is None or base.loss_sum is None or adapter.loss_sum is None or not base.loss_sum.sum() > 0:
        return None
    return significant(1 - float(adapter.loss_sum.sum() / base.loss_sum.sum()))


def row_losses(arm: Arm) -> tuple[Floats, Floats]:
    """Loss sum and tokens of each row of an arm."""
    assert arm.loss_sum is not None
    return arm.loss_sum, arm.tokens.astype(np.float64)


def confusion(scored: Sequence[Scored]) -> list[Answer]:
    """One row for each answer of an arm, for DVC's confusion plot: actual and predicted class, each as "field: class"."""
    return [
        Answer(f"{one.field.name}: {actual}", f"{one.field.name}: {predicted}")
        for one in scored
        for actual, predicted in one.confusion
    ]


def summary(found: Scores) -> str:
    """The main figures in one line."""
    adapter, against_base = found.arm("adapter"), found.comparison("adapter", "base").score
    gain = against_base.difference.value if against_base else None
    return (
        f"{found.rows:,} test rows: loss {value_of(adapter.loss):.4g}, perplexity {adapter.perplexity:.4g}; "
        f"{found.generated:,} outputs: schema-valid {value_of(adapter.schema_valid):.1%}, "
        f"score {value_of(adapter.score) or 0:.4g}" + (f" ({gain:+.4g} against the base)" if gain is not None else "")
    )


def drift(losses: Mapping[str, tuple[Floats, NDArray[Any]]], settings: Settings) -> Drift:
    """The losses on the training probe, the validation and the test split, and whether validation and test differ significantly.

    `losses` are (loss_sum, tokens) of each row of `train`, `valid` and `test`.
    """
    rows = {name: len(loss_sum) for name, (loss_sum, _) in losses.items()}
    means = {name: _estimated(stats.ratio_of(*losses[name]), rows[name], settings) for name in losses}
    valid, test = (  # two independent samples
        stats.bootstrap(stats.ratio_of(*losses[name]), rows[name], settings.samples, settings.seed + i)
        for i, name in enumerate(("valid", "test"))
    )
    low, high = stats.interval(test - valid, settings.confidence)
    told = low is not None and high is not None and not low <= 0 <= high
    known = (means["test"].value, means["valid"].value)
    difference = None if known[0] is None or known[1] is None else known[0] - known[1]
    return Drift(
        train_rows=rows["train"],
        train_loss=means["train"],
        valid_rows=rows["valid"],
        valid_loss=means["valid"],
        test_rows=rows["test"],
        test_loss=means["test"],
        difference=Estimate(significant(difference), significant(low), significant(high)),
        result="not_told_apart" if not told else "worse" if (difference or 0.0) > 0 else "better",
    )
