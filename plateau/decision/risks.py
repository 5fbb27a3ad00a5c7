"""Risk factors of a run, each a sentence with the figure that it rests on."""

from plateau.core.figures import value_of
from plateau.core.numbers import is_finite
from plateau.metrics.convert import Convert
from plateau.metrics.drift import Drift
from plateau.metrics.evaluate import Difficulty, Evaluate, Memorisation, Overlap
from plateau.metrics.overfit import Judged
from plateau.metrics.split import Split
from plateau.metrics.train import Train

_MANY_EPOCHS = 5
_MOST_UNUSED = 0.05
_MOST_CUT = 0.05
_ANSWERED = 0.5
_FEW_TOKENS = 12
_WIDE_INTERVAL = 0.1
_FUSED_WORSE = (
    0.01  # relative rise of the loss from which merging the adapter into the base counts as a loss of quality
)


def risks(
    point: Judged, onset: int | None, train: Train, evaluate: Evaluate, split: Split, convert: Convert
) -> list[str]:
    """The warnings that the figures give. `point` is the chosen row of the timeline, the other arguments are metrics files."""
    found = [
        _gap(point),
        _onset(point, onset),
        _epochs(train),
        _interval(evaluate.drift),
        _drift(evaluate.drift),
        _fused(evaluate),
        _memorisation(evaluate.diagnostics.memorisation, evaluate.arm("adapter").output_tokens),
        _too_easy(evaluate.diagnostics.difficulty),
        _baselines(evaluate),
        _leaks(evaluate.leaks.test_in_train),
        _unused(split),
        _truncated(convert),
        _unanswered(evaluate),
    ]
    return [sentence for sentence in found if sentence]


def _gap(point: Judged) -> str | None:
    if point.status not in ("elevated", "wide", "overfitting"):
        return None
    if point.gap_pct is not None and point.gap_pct >= 100:
        return f"the validation loss is {1 + point.gap_pct / 100:.1f} times the training loss ({point.status})"
    return f"the validation loss is {point.gap_pct:.1f} % above the training loss ({point.status})"


def _onset(point: Judged, onset: int | None) -> str | None:
    return f"overfitting set in at iteration {onset}, after the chosen {point.iteration}" if onset is not None else None


def _epochs(train: Train) -> str | None:
    if not is_finite(train.epochs) or train.epochs < _MANY_EPOCHS:
        return None
    return f"training passed over its rows {train.epochs} times"


def _interval(drift: Drift) -> str | None:
    loss, low, high = drift.valid_loss.value, drift.valid_loss.low, drift.valid_loss.high
    if loss is None or low is None or high is None or (high - low) / 2 <= _WIDE_INTERVAL * loss:
        return None
    return f"{drift.valid_rows} validation rows know their loss only to within {(high - low) / 2 / loss:.0%}"


def _drift(drift: Drift) -> str | None:
    if drift.result != "worse" or drift.difference.value is None:
        return None
    return f"the later test loss is {drift.difference.value:.4g} above the validation loss"


def _fused(evaluate: Evaluate) -> str | None:
    fused, adapter = (value_of(evaluate.arm(name).loss) for name in ("fused", "adapter"))
    if fused is None or adapter is None or fused <= (1 + _FUSED_WORSE) * adapter:
        return None
    return f"the fused model's test loss is {fused:.4g}, the adapter's {adapter:.4g}: ship the adapter apart"


def _memorisation(found: Memorisation, answer_tokens: float | None) -> str | None:
    if found.result != "more_on_training" or found.train_verbatim is None or found.valid_verbatim is None:
        return None
    return (
        f"completions are written word for word on {found.train_verbatim:.0%} of training rows, "
        f"on {found.valid_verbatim:.0%} of validation rows: {_known_by_heart(answer_tokens)}"
    )


def _known_by_heart(answer_tokens: float | None) -> str:
    """A long text that is repeated word for word was memorised; a word that is one of a few may as well be better learnt."""
    short = answer_tokens is not None and answer_tokens < _FEW_TOKENS
    return "better known than others" if short else "memorised"


def _truncated(convert: Convert) -> str | None:
    """Training or test rows that lost more than a few of their oldest turns to max_seq_length."""
    shares = {
        name: lengths.truncated / lengths.rows
        for name, lengths in (("training", convert.train), ("test", convert.test))
        if lengths.rows and lengths.truncated
    }
    cut = ", ".join(f"{share:.0%} of the {name} rows" for name, share in shares.items() if share > _MOST_CUT)
    return f"{cut} lost their oldest turns: longer than max_seq_length" if cut else None


def _unanswered(evaluate: Evaluate) -> str | None:
    """Fields for which the adapter often has no usable answer where the truth has one."""
    fields = evaluate.arm("adapter").fields or {}
    few = {name: share for name, one in fields.items() if (share := one.answered) is not None and share < _ANSWERED}
    said = ", ".join(f"{name} on {share:.1%}" for name, share in few.items())
    return f"a usable answer is given to few of the rows that have one: {said}" if few else None


def _too_easy(found: Difficulty) -> str | None:
    scores = {"the base model": found.base_score_on_train, "a linear model": found.linear_score_on_train}
    known = {name: score for name, score in scores.items() if score is not None}
    if found.result != "too_easy" or not known:
        return None
    name = max(known, key=lambda name: known[name])
    return f"{name} scores {known[name]:.3g} on training rows: too easy, fine-tuning teaches nothing new"


def _baselines(evaluate: Evaluate) -> str | None:
    """Fields on which a linear model on word counts does better, or the whole score where a baseline matches it."""
    if evaluate.baselines_not_beaten:
        return f"no better than a baseline: {', '.join(evaluate.baselines_not_beaten)}"
    compared = evaluate.comparison("adapter", "linear").fields or {}
    worse = [name for name, found in compared.items() if found.result == "worse"]
    return f"a linear model on word counts does better on {', '.join(worse)}" if worse else None


def _unused(split: Split) -> str | None:
    """More rows than a few that no split has, with the reasons; fewer training rows were asked for."""
    if not is_finite(split.unused_share) or split.unused_share <= _MOST_UNUSED:
        return None
    dropped = {
        reason: count for reason, count in (split.dropped or {}).items() if reason != "beyond_train_size" and count
    }
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items())
    return f"{split.unused_share:.1%} of the rows are in no split ({reasons}): what is left may not stand for all"


def _leaks(found: Overlap) -> str | None:
    rows = found.leaked_rows
    return f"{rows} test rows stand among the training rows, word for word or nearly" if rows else None
