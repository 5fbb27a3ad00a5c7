"""Risk factors of a run, each a sentence with the figure that it rests on."""

from collections.abc import Callable, Mapping
from typing import Any

from plateau.core.numbers import find, is_finite

Figures = Mapping[str, Any]
_MANY_EPOCHS = 5
_WIDE_INTERVAL = 0.1
_FUSED_WORSE = 0.01  # relative rise of the loss from which merging the weights lost something


def risks(point: Figures, onset: int | None, train: Figures, evaluate: Figures) -> list[str]:
    """What the figures warn of. `point` is the chosen row of the timeline, the others are metrics files."""
    rules: list[Callable[[Figures, int | None, Figures, Figures], str | None]] = [
        _gap,
        _onset,
        _epochs,
        _interval,
        _drift,
        _fused,
        _memorisation,
        _too_easy,
        _baselines,
        _leaks,
    ]
    return [sentence for rule in rules if (sentence := rule(point, onset, train, evaluate))]


def _gap(point: Figures, *_: Any) -> str | None:
    if point.get("status") not in ("elevated", "wide", "overfitting"):
        return None
    return f"the validation loss is {point['gap_pct']:.1f} % above the training loss ({point['status']})"


def _onset(point: Figures, onset: int | None, *_: Any) -> str | None:
    return (
        f"overfitting set in at iteration {onset}, after the chosen {point['iteration']}" if onset is not None else None
    )


def _epochs(_: Figures, __: Any, train: Figures, ___: Figures) -> str | None:
    epochs = train.get("epochs")
    if not is_finite(epochs) or epochs < _MANY_EPOCHS:
        return None
    return f"training passed over its rows {epochs} times"


def _interval(_: Figures, __: Any, ___: Figures, evaluate: Figures) -> str | None:
    low, high, loss = (find(evaluate, "drift", f"valid_loss{side}") for side in ("_low", "_high", ""))
    if not all(map(is_finite, (low, high, loss))) or (high - low) / 2 <= _WIDE_INTERVAL * loss:
        return None
    rows = find(evaluate, "drift", "valid_rows")
    return f"{rows} validation rows know their loss only to within {(high - low) / 2 / loss:.0%}"


def _drift(_: Figures, __: Any, ___: Figures, evaluate: Figures) -> str | None:
    difference = find(evaluate, "drift", "difference")
    if find(evaluate, "drift", "result") != "worse" or not is_finite(difference):
        return None
    return f"the later test loss is {difference:.4g} above the validation loss"


def _fused(_: Figures, __: Any, ___: Figures, evaluate: Figures) -> str | None:
    fused, adapter = (find(evaluate, "arms", name, "loss") for name in ("fused", "adapter"))
    if not (is_finite(fused) and is_finite(adapter)) or fused <= (1 + _FUSED_WORSE) * adapter:
        return None
    return f"the fused model's test loss is {fused:.4g}, the adapter's {adapter:.4g}: ship the adapter apart"


def _memorisation(_: Figures, __: Any, ___: Figures, evaluate: Figures) -> str | None:
    found = find(evaluate, "diagnostics", "memorisation")
    shares = [find(found, f"{name}_verbatim") for name in ("train", "valid")]
    if find(found, "result") != "more_on_training" or not all(map(is_finite, shares)):
        return None
    return (
        f"completions are written word for word on {shares[0]:.0%} of training rows, "
        f"on {shares[1]:.0%} of validation rows: memorised"
    )


def _too_easy(_: Figures, __: Any, ___: Figures, evaluate: Figures) -> str | None:
    found = find(evaluate, "diagnostics", "difficulty")
    scores = {
        "the base model": find(found, "base_score_on_train"),
        "a linear model": find(found, "linear_score_on_train"),
    }
    known = {name: score for name, score in scores.items() if is_finite(score)}
    if find(found, "result") != "too_easy" or not known:
        return None
    name = max(known, key=lambda name: known[name])
    return f"{name} scores {known[name]:.3g} on training rows: too easy, fine-tuning teaches nothing new"


def _baselines(_: Figures, __: Any, ___: Figures, evaluate: Figures) -> str | None:
    """Fields on which a linear model on word counts does better, or the whole score where a baseline matches it."""
    names = find(evaluate, "baselines_not_beaten")
    if names:
        return f"no better than a baseline: {', '.join(names)}"
    fields = find(evaluate, "comparisons", "adapter_vs_linear", "fields") or {}
    worse = [name for name, found in fields.items() if find(found, "result") == "worse"]
    return f"a linear model on word counts does better on {', '.join(worse)}" if worse else None


def _leaks(_: Figures, __: Any, ___: Figures, evaluate: Figures) -> str | None:
    rows = find(evaluate, "leaks", "leaked_rows")
    return f"{rows} test rows stand among the training rows, word for word or nearly" if rows else None
