"""The figures of one field in metrics/evaluate.json, from the scores of its rows."""

from collections.abc import Sequence

from plateau.core.figures import Estimate
from plateau.core.numbers import significant
from plateau.evaluation import stats
from plateau.evaluation.label_noise import wilson
from plateau.evaluation.scoring import Scored, share
from plateau.evaluation.stats import Statistic
from plateau.metrics import evaluate as metrics


def report(one: Scored, samples: int, confidence: float, seed: int) -> metrics.Field:
    """The figures of one field, each statistic with its interval."""

    def estimated(statistic: Statistic, rows: int) -> Estimate:
        return stats.estimate(statistic, rows, samples, confidence, seed)

    items = {
        name: metrics.ItemField(int(counts.sum()), estimated(share(sums, counts), len(counts)))
        for name, (sums, counts) in one.parts.items()
    }
    return metrics.Field(
        kind=one.kind.name,
        rows=len(one.rows),
        present=one.present,
        answered=significant(one.answered),
        score=estimated(stats.mean_of(one.score[one.rows]), len(one.rows)),
        statistics=metrics.Statistics(**{name: estimated(*figure) for name, figure in one.statistics.items()}),
        items=items or None,
        by_class=_by_class(one.confusion, confidence) or None,
    )


def _by_class(pairs: Sequence[tuple[str, str]], confidence: float) -> dict[str, metrics.ClassFigures]:
    """Figures of each true class, from true and answered classes of the rows; intervals are Wilson's."""
    found = {}
    for name in sorted({truth for truth, _ in pairs}):
        of_it = [answer == name for truth, answer in pairs if truth == name]
        others = [answer == name for truth, answer in pairs if truth != name]
        wrongly = metrics.FalsePositives(len(others), _share(others, confidence))
        found[name] = metrics.ClassFigures(len(of_it), _share(of_it, confidence), wrongly)
    return found


def _share(flags: Sequence[bool], confidence: float) -> Estimate:
    if not flags:
        return Estimate(None)
    bounds = wilson(sum(flags), len(flags), confidence)
    return Estimate(*(significant(value) for value in (sum(flags) / len(flags), *bounds)))
