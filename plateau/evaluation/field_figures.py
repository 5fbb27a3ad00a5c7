"""The figures of one field in metrics/evaluate.json, from the scores of its rows."""

from plateau.core.figures import Estimate
from plateau.core.numbers import significant
from plateau.evaluation import stats
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
    )
