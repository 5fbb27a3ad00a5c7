"""Precision and recall of the personal data found, by kind, and its speed: `python -m benchmarks.privacy`."""

import time
from collections import Counter
from dataclasses import dataclass

from benchmarks import personal
from plateau.data import privacy
from plateau.data.privacy import KINDS, Rules

ROWS, SEED = 5000, 0
RULES = Rules(frozenset(KINDS), "US")


@dataclass
class Score:
    """Counts of one kind: pieces there are, wholly covered by placeholders, by one of this kind; placeholders, right ones."""

    there: int = 0
    covered: int = 0
    named: int = 0
    placed: int = 0
    right: int = 0

    @property
    def recall(self) -> float:
        """Share of the pieces of which no character is left."""
        return self.covered / self.there if self.there else 1.0

    @property
    def precision(self) -> float:
        """Share of the placeholders of this kind that stand for personal data of this kind."""
        return self.right / self.placed if self.placed else 1.0


def measured(cases: list[personal.Case]) -> dict[str, Score]:
    """Scores by kind."""
    scores = {kind: Score() for kind in KINDS}
    for case in cases:
        starts, at = [], 0
        for turn in case.turns:
            starts.append(at)
            at += len(turn) + 1
        truth = [(starts[turn] + start, starts[turn] + end, kind) for turn, start, end, kind in case.spans]
        found = privacy.find("\0".join(case.turns), RULES)
        hidden = {place for span in found for place in range(span.start, span.end)}
        for start, end, kind in truth:
            scores[kind].there += 1
            scores[kind].covered += hidden.issuperset(range(start, end))
            scores[kind].named += any(span.kind == kind and span.start < end and start < span.end for span in found)
        for span in found:
            scores[span.kind].placed += 1
            scores[span.kind].right += any(
                span.kind == kind and span.start < end and start < span.end for start, end, kind in truth
            )
    return scores


def table(scores: dict[str, Score]) -> str:
    """Recall and precision as Markdown."""
    lines = [
        f"| `{kind}` | {one.there:,} | {one.recall:.3f} | {one.named / one.there if one.there else 1:.3f} | {one.precision:.3f} |"
        for kind, one in scores.items()
        if one.there or one.placed
    ]
    return "\n".join(["| kind | pieces | recall | of its kind | precision |", "|---|---|---|---|---|", *lines])


def main() -> None:
    """Print both tables, what is found in conversations without any, and the time a conversation."""
    for name, forms in (("usual forms", personal.USUAL), ("forms without a sure pattern", personal.HARD)):
        print(f"{ROWS:,} conversations, {name}\n\n{table(measured(personal.cases(ROWS, SEED, forms)))}\n")
    cases = personal.cases(ROWS, SEED + 1)
    started = time.process_time()
    placed = sum((privacy.redact(case.turns, RULES).counts for case in cases), Counter[str]())
    seconds = time.process_time() - started
    print(
        f"{seconds / ROWS * 1e6:.0f} microseconds of one core a conversation of {sum(placed.values()) / ROWS:.1f} placeholders"
    )


if __name__ == "__main__":
    main()
