"""Diagnose a model from its predictions: memorisation, training data that are too easy, unstable outputs, forgetting."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats as scipy_stats

from plateau.core.numbers import significant
from plateau.data.fields import Field, label
from plateau.evaluation import scoring
from plateau.evaluation.predictions import Arm
from plateau.evaluation.scoring import PLAIN, Rules
from plateau.metrics.evaluate import Difficulty, FieldStability, Forgetting, Memorisation, Stability

_SOLVED = 0.95  # mean score from which training rows count as solved already


def memorisation(train: Arm, valid: Arm, confidence: float) -> Memorisation:
    """How often the adapter writes the true completion word for word, on training and on validation rows.

    `result` is more_on_training where Fisher's exact test, one-sided, tells them apart.
    """
    hits = [
        [o.strip() == arm.targets[row].strip() for row, o in zip(arm.rows, arm.outputs, strict=True)]
        for arm in (train, valid)
    ]
    table = np.array([[sum(hit), len(hit) - sum(hit)] for hit in hits])
    p_value = float(scipy_stats.fisher_exact(table, alternative="greater").pvalue)
    return Memorisation(
        train_verbatim=significant(sum(hits[0]) / max(len(hits[0]), 1)),
        valid_verbatim=significant(sum(hits[1]) / max(len(hits[1]), 1)),
        p_value=significant(p_value),
        result="more_on_training" if p_value < 1 - confidence else "not_told_apart",
    )


def difficulty(fields: Sequence[Field], base: Arm, linear: Sequence[Any], rules: Rules = PLAIN) -> Difficulty:
    """Mean scores on training rows of the base model, and of a linear model that was fitted without these rows.

    `linear` holds the linear model's targets for the rows of `base`. `result` is too_easy where either model solves the
    rows already.
    """
    means = [_mean_score(fields, base.golds, answers, rules) for answers in (base.parsed, linear)]
    return Difficulty(
        base_score_on_train=significant(means[0]),
        linear_score_on_train=significant(means[1]),
        result="too_easy" if any(mean is not None and mean >= _SOLVED for mean in means) else "fine",
    )


def _mean_score(fields: Sequence[Field], golds: Sequence[Any], answers: Sequence[Any], rules: Rules) -> float | None:
    """The mean over rows of their score; None where no field of any row can be scored."""
    totals = scoring.total([scoring.score(field, golds, answers, rules) for field in fields], len(golds))
    return float(np.nanmean(totals)) if np.isfinite(totals).any() else None


def forgetting(losses: Mapping[str, float]) -> Forgetting:
    """Loss on general text, nats a token, of `base` and `adapter`, and how much the adapter's is higher."""
    return Forgetting(
        base_loss=significant(losses["base"]),
        adapter_loss=significant(losses["adapter"]),
        rise=significant(losses["adapter"] - losses["base"]),
    )


def stability(table: pa.Table, fields: Sequence[Field]) -> Stability | None:
    """How far sampled outputs of one prompt agree: the mean share of the most common answer, whole and by field.

    Number fields also have the mean standard deviation of the answers. None where nothing was sampled.
    """
    sampled = table.filter(pc.greater(table["sample"], 0))
    if not len(sampled):
        return None
    groups: dict[str, list[str]] = {}
    for name, output in zip(sampled["id"].to_pylist(), sampled["output"].to_pylist(), strict=True):
        groups.setdefault(name, []).append(output)
    parsed = [[scoring.parse(output) for output in outputs] for outputs in groups.values()]
    return Stability(
        rows=len(groups),
        generations=max(map(len, groups.values())),
        same_output=significant(float(np.mean([_mode_share(outputs) for outputs in groups.values()]))),
        fields={field.name: _field_stability(field, parsed) for field in fields},
    )


def _field_stability(field: Field, parsed: Sequence[Sequence[Any]]) -> FieldStability:
    """Agreement of one field's answers; the standard deviation is that of the answers with a value."""
    answers = [[field.value(target) for target in targets] for targets in parsed]
    agreement = float(np.mean([_mode_share([label(a) for a in row]) for row in answers]))
    spreads = [scoring.PLAIN.kind(field).spread(row) for row in answers]
    known = [spread for spread in spreads if spread is not None]
    return FieldStability(significant(agreement), significant(float(np.mean(known))) if known else None)


def _mode_share(answers: Sequence[str]) -> float:
    """The share of the most common answer."""
    return Counter(answers).most_common(1)[0][1] / len(answers)
