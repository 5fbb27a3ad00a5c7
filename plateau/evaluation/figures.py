"""The figures of metrics/evaluate.json, from predictions alone: arms, intervals and paired comparisons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plateau.core.numbers import find
from plateau.data import fields
from plateau.evaluation import scoring, stats
from plateau.evaluation.arms import BASELINES, PAIRS
from plateau.evaluation.predictions import Arm
from plateau.evaluation.scoring import PLAIN, Rules, Scored
from plateau.evaluation.stats import Floats, significant
from plateau.lm.shape import relaxed

Figures = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """How figures are made: resamples, coverage, their seed, and prices of a million tokens (None for unknown)."""

    samples: int
    confidence: float
    seed: int
    price_input: float | None = None
    price_output: float | None = None


def figures(arms: Mapping[str, Arm], schema: Any, settings: Settings, rules: Rules = PLAIN) -> Figures:
    """Every figure that predictions, the target schema and the rules of scoring determine."""
    scored = {name: scoring.scored(schema, arm.golds, arm.parsed, rules) for name, arm in arms.items()}
    validator = fields.validator(schema)
    compared = {
        f"{one}_vs_{other}": comparison(arms[one], arms[other], scored[one], scored[other], settings)
        for one, other in PAIRS
        if one in arms and other in arms
    }
    against_base = compared.get("adapter_vs_base", {}).get("fields", {})
    return {
        "rows": len(arms["adapter"].tokens),
        "generated": len(arms["adapter"].rows),
        "loss_reduction": _reduction(arms.get("base"), arms["adapter"]),
        "fields_worse_than_base": sum(one["result"] == "worse" for one in against_base.values())
        if against_base
        else None,
        "baselines_not_beaten": [
            name
            for name in BASELINES
            if compared.get(f"adapter_vs_{name}", {}).get("score", {}).get("result") != "better"
        ],
        "scales": dict(rules.scales),
        "relaxed": relaxed(schema),
        "arms": {name: arm_figures(arm, scored[name], validator, settings) for name, arm in arms.items()},
        "comparisons": compared,
    }


def arm_figures(arm: Arm, scored: Sequence[Scored], validator: Any, settings: Settings) -> Figures:
    """The figures of one arm: losses where it has its own, and what its outputs are worth."""
    return {
        **(_losses(arm, settings) if arm.loss_sum is not None else {}),
        **(_outputs(arm, validator, settings) if len(arm.rows) and arm.name not in BASELINES else {}),
        **(_scores(arm, scored, settings) if len(arm.rows) else {}),
    }


def _estimated(name: str, statistic: stats.Statistic, rows: int, settings: Settings) -> Figures:
    value, low, high = stats.estimate(statistic, rows, settings.samples, settings.confidence, settings.seed)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _losses(arm: Arm, settings: Settings) -> Figures:
    """Token-weighted loss and perplexity, and the distribution of the examples' own perplexities."""
    assert arm.loss_sum is not None
    tokens = arm.tokens.astype(np.float64)
    loss = _estimated("loss", stats.ratio_of(arm.loss_sum, tokens), len(tokens), settings)
    each = perplexity(arm.loss_sum / tokens)
    return {
        **loss,
        "perplexity": significant(float(perplexity(arm.loss_sum.sum() / tokens.sum()))),
        "example_perplexity_mean": significant(float(each.mean())),
        "example_perplexity_median": significant(float(np.median(each))),
        "example_perplexity_sd": significant(float(each.std(ddof=1))) if len(each) > 1 else None,
        "example_perplexity_min": significant(float(each.min())),
        "example_perplexity_max": significant(float(each.max())),
    }


def perplexity(loss: Any) -> Any:
    """exp(loss), at most exp(700), which a float can hold."""
    return np.exp(np.minimum(loss, 700.0))


def _scores(arm: Arm, scored: Sequence[Scored], settings: Settings) -> Figures:
    """The mean score of a row, and each field's figures."""
    return {
        **_estimated("score", _mean_known(scoring.total(scored, len(arm.rows))), len(arm.rows), settings),
        "fields": {
            s.field.name: scoring.report(s, settings.samples, settings.confidence, settings.seed) for s in scored
        },
    }


def _outputs(arm: Arm, validator: Any, settings: Settings) -> Figures:
    """Validity, keys and cost of the texts that an arm's model wrote."""
    rows = len(arm.rows)
    is_json = np.array([scoring.is_json(output) for output in arm.outputs], dtype=np.float64)
    valid = np.array([scoring.is_valid(validator, output) for output in arm.outputs], dtype=np.float64)
    missing, invented = scoring.key_shares(arm.golds, arm.parsed)
    return {
        **_estimated("json_valid", stats.mean_of(is_json), rows, settings),
        **_estimated("schema_valid", stats.mean_of(valid), rows, settings),
        "missing_keys": significant(missing),
        "invented_keys": significant(invented),
        "output_tokens": significant(float(arm.output_tokens.mean())),
        **({} if arm.ended is None else {"unfinished": significant(float(1 - arm.ended.mean()))}),
        **_cost(arm, settings),
    }


def _mean_known(values: Floats) -> stats.Statistic:
    """The mean of the values that are known; NaN where none is."""
    known = np.isfinite(values)
    return (
        stats.ratio_of(np.where(known, values, 0.0), known.astype(np.float64)) if known.any() else stats.mean_of(values)
    )


def _cost(arm: Arm, settings: Settings) -> Figures:
    """The price of 1,000 calls, from the mean tokens of a call; nothing where prices are unknown."""
    if settings.price_input is None or settings.price_output is None:
        return {}
    prompt, output = float(arm.prompt_tokens[arm.rows].mean()), float(arm.output_tokens.mean())
    return {"cost_per_1000": significant((prompt * settings.price_input + output * settings.price_output) / 1000)}


def comparison(
    one: Arm, other: Arm, scored: Sequence[Scored], against: Sequence[Scored], settings: Settings
) -> Figures:
    """Paired comparison of two arms on the rows that both have: loss (lower is better), score and each field's score."""
    found: Figures = {}
    if one.loss_sum is not None and other.loss_sum is not None and len(one.tokens) == len(other.tokens):
        found["loss"] = _compare(one.loss_sum - other.loss_sum, False, settings, one.tokens.astype(np.float64))
    if len(one.rows) and np.array_equal(_generated(one), _generated(other)):
        difference = scoring.total(scored, len(one.rows)) - scoring.total(against, len(other.rows))
        found["score"] = _compare(difference[np.isfinite(difference)], True, settings)
        found["fields"] = {
            a.field.name: _compare(a.score - b.score, True, settings)
            for a, b in zip(scored, against, strict=True)
            if len(a.score)
        }
        found["same_output"] = significant(
            float(np.mean([a == b for a, b in zip(one.outputs, other.outputs, strict=True)]))
        )
    return found


def _generated(arm: Arm) -> Any:
    """The truths of the rows generated for, which say whether two arms were given the same rows."""
    return np.array([arm.targets[row] for row in arm.rows])


def _compare(difference: Floats, up: bool, settings: Settings, weights: Floats | None = None) -> Figures:
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


def confusion(arm: Arm, schema: Any, rules: Rules = PLAIN) -> list[dict[str, str]]:
    """One row an answer of an arm for DVC's confusion plot: actual and predicted, each as "field: class"."""
    scored = scoring.scored(schema, arm.golds, arm.parsed, rules)
    return [
        {"actual": f"{one.field.name}: {actual}", "predicted": f"{one.field.name}: {predicted}"}
        for one in scored
        for actual, predicted in one.confusion
    ]


def summary(found: Figures) -> str:
    """The evaluation in a line."""
    adapter = found["arms"]["adapter"]
    gain = find(found, "comparisons", "adapter_vs_base", "score", "difference")
    return (
        f"{found['rows']:,} test rows: loss {adapter['loss']:.4g}, perplexity {adapter['perplexity']:.4g}; "
        f"{found['generated']:,} outputs: schema-valid {adapter['schema_valid']:.1%}, score {adapter['score'] or 0:.4g}"
        + (f" ({gain:+.4g} against the base)" if gain is not None else "")
    )


def drift(losses: Mapping[str, tuple[Floats, NDArray[Any]]], settings: Settings) -> Figures:
    """The loss on the training probe, validation and the later test, and whether the last two are told apart.

    `losses` are (loss_sum, tokens) of each row of `train`, `valid` and `test`.
    """
    found: Figures = {}
    for name, (loss_sum, tokens) in losses.items():
        loss = _estimated(f"{name}_loss", stats.ratio_of(loss_sum, tokens), len(loss_sum), settings)
        found |= {f"{name}_rows": len(loss_sum), **loss}
    valid, test = (  # two independent samples
        stats.bootstrap(stats.ratio_of(*losses[name]), len(losses[name][0]), settings.samples, settings.seed + i)
        for i, name in enumerate(("valid", "test"))
    )
    low, high = stats.interval(test - valid, settings.confidence)
    told = low is not None and high is not None and not low <= 0 <= high
    difference = found["test_loss"] - found["valid_loss"]
    result = "not_told_apart" if not told else "worse" if difference > 0 else "better"
    return found | {
        "difference": significant(difference),
        "low": significant(low),
        "high": significant(high),
        "result": result,
    }
