"""How often a test split has been asked: the best of many adapters on the same rows looks better than it is.

What was judged on what stands in each metrics/evaluate.json; git keeps them, of commits and of this clone's experiments. The count
differs from clone to clone, so that no out of a stage and no gate rests on it.
"""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

from plateau.core.figures import Estimate
from plateau.core.system import System
from plateau.metrics.evaluate import Evaluate

FILE = "metrics/evaluate.json"


def lines(system: System, evaluate: Evaluate, max_looks: int, confidence: float) -> Iterator[str]:
    """For people: how many adapters the test split has judged, what that does to the evidence, and advice past gates.max_looks."""
    if evaluate.look.test is None or evaluate.look.adapter is None:
        return
    count = len(judged_by(system, evaluate.look.test) | {evaluate.look.adapter})
    yield f"this test split has judged {count} different adapter{'s' * (count > 1)}, in git history and this clone's experiments"
    if count > 1:
        yield from _effect(evaluate, count, confidence)
    if count > max_looks:
        yield (
            f"that is more than gates.max_looks, {max_looks}: trust no small gain; take a fresh test split, such as later "
            "conversations, or rows that split.blind_size kept apart"
        )


def _effect(evaluate: Evaluate, count: int, confidence: float) -> Iterator[str]:
    """The score, and the smallest gain over an opponent, with intervals that hold for the best of so many adapters."""
    gains = {
        name.removeprefix("adapter_vs_"): found.score.difference
        for name, found in evaluate.comparisons.items()
        if name.startswith("adapter_vs_") and found.score and found.score.difference.low is not None
    }
    shown = {"its score": evaluate.arm("adapter").score}
    if gains:
        least = min(gains, key=lambda name: gains[name].low or 0.0)
        shown[f"its gain over {least}"] = gains[least]
    for name, one in shown.items():
        wide = None if one is None else corrected(one, count, confidence)
        if one is not None and wide is not None:
            yield (
                f"{name} of {one.value:.4g} ({one.low:.4g} to {one.high:.4g}) is known to within {wide.low:.4g} to {wide.high:.4g}, "
                f"once its interval is corrected for {count} adapters"
            )


def corrected(one: Estimate, count: int, confidence: float) -> Estimate | None:
    """The estimate with an interval that holds for all of `count` at once (Bonferroni), each side widened as a normal one; None without."""
    from scipy.stats import norm

    if one.value is None or one.low is None or one.high is None:
        return None
    miss = (1 - confidence) / 2
    wider = float(norm.ppf(1 - miss / count) / norm.ppf(1 - miss))
    return Estimate(one.value, one.value - wider * (one.value - one.low), one.value + wider * (one.high - one.value))


def judged_by(system: System, test: str) -> set[str]:
    """The adapters that a test split, by its hash, has judged in the history that this clone has; empty without git."""
    looks = (content.get("look", {}) for content in _recorded(system) if isinstance(content, dict))
    return {look["adapter"] for look in looks if look.get("test") == test and look.get("adapter")}


def _recorded(system: System) -> Iterator[Any]:
    """Every metrics/evaluate.json that a commit or an experiment of this clone has; those that are no JSON are left out."""
    folder = _git(system, "rev-parse", "--show-prefix").strip()
    commits = _git(system, "rev-list", "--all", "--full-history", "--", FILE).split()
    wanted = "".join(f"{commit}:{folder}{FILE}\n" for commit in commits)
    for blob in set(_git(system, "cat-file", "--batch-check=%(objectname)", said=wanted).split("\n")):
        try:
            yield json.loads(_git(system, "cat-file", "blob", blob) or "null") if " " not in blob and blob else None
        except ValueError:
            continue


def _git(system: System, *command: str, said: str = "") -> str:
    """What git prints in the system's folder; nothing where it cannot."""
    try:
        done = subprocess.run(
            ["git", *command],  # noqa: S607 (the git of the person who asks)
            cwd=system.path(),
            input=said,
            capture_output=True,
            text=True,
            check=False,
            encoding="utf-8",
        )
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""
