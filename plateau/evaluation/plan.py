"""Estimate what generation will cost before it starts: tokens by arm, and minutes where the arm has run on this machine before."""

from collections.abc import Iterator, Mapping, Sequence

from plateau.core import timings
from plateau.core.progress import say
from plateau.core.system import System
from plateau.evaluation.arms import RUN, Entry
from plateau.evaluation.samples import Split, open_splits

Rows = tuple[int | None, int]  # rows to generate for: of the test split (None for all), and of each other split
# The splits other than test for whose sampled rows an arm also generates.
DIAGNOSED = {"base": ("train",), "adapter": ("train", "valid")}


def show(system: System, stage: str, models: Sequence[str], asked: Sequence[str], rows: Rows, max_tokens: int) -> None:
    """Print the cost of a stage that asks some of the models; no model is loaded."""
    speeds = timings.read(system.metrics("speed")).get(stage, {})
    say("\n".join(lines(models, asked, open_splits(system, *rows), max_tokens, speeds)))


def lines(
    models: Sequence[str],
    asked: Sequence[str],
    splits: Mapping[str, Split],
    max_tokens: int,
    speeds: Mapping[str, float],
) -> Iterator[str]:
    """A line for each arm of `models` that is asked for. `speeds` are those of the last run: tokens written a second."""
    for arm in RUN:
        if arm.model in models and arm.name in asked:
            yield _line(arm, splits, max_tokens, speeds.get(f"{arm.name}_tokens_per_second"))


def _line(arm: Entry, splits: Mapping[str, Split], max_tokens: int, speed: float | None) -> str:
    test = splits["test"]
    generated = [test, *(splits[name] for name in DIAGNOSED.get(arm.name, ()))]
    rows = sum(len(split.sampled) for split in generated)
    read = sum(int(split.tokens.completion_start[split.sampled].sum()) for split in generated)
    likely = sum(int(split.examples.tokens[split.sampled].clip(max=max_tokens).sum()) for split in generated)
    measured = 0 if arm.constrained or arm.prompt else int(test.tokens.lengths.sum())
    took = f"about {likely / speed / 60:.2g} minutes" if speed else "minutes unknown: this arm has not run here yet"
    return (
        f"{arm.name}: losses of {measured:,} tokens; {rows:,} outputs for {read:,} tokens of prompts, "
        f"about {likely:,} tokens as long as the true answers, at most {rows * max_tokens:,}; {took}"
    )
