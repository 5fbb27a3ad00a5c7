"""Recall of planted near-duplicates by similarity, and what it costs to look for them: `python -m benchmarks.near [RECORDS]`."""

import random
import sys
import time
from collections import defaultdict
from datetime import date

import numpy as np

from plateau.splits import near
from simulator.contacts import conversations
from simulator.contacts.conversations import Conversation

THRESHOLDS = (0.6, 0.7, 0.8, 0.9)
RECORDS = 20_632
PLANTED = 2000


def said(count: int) -> list[str]:
    """Texts of the default's conversations."""
    made: list[Conversation] = list(conversations.simulate(count, date(2025, 1, 1), date(2025, 12, 31), "near"))
    return ["\n".join(f"{turn['role']}: {turn['text']}" for turn in one.transcript["turns"]) for one in made]


def altered(text: str, draw: random.Random) -> str:
    """The text with up to a fifth of its words replaced, dropped or said twice."""
    words = text.split(" ")
    for _ in range(draw.randint(1, max(1, len(words) // 5))):
        place = draw.randrange(len(words))
        words[place] = draw.choice(["", "well", f"{words[place]} {words[place]}", draw.choice(words)])
    return " ".join(words)


def jaccard(a: str, b: str) -> float:
    """By sets, with no sketch."""
    sets = [{tuple(words[i : i + 3]) for i in range(len(words) - 2)} for words in (near.words(a), near.words(b))]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def main() -> None:
    """Print a line a threshold, and the recall by similarity."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    draw, texts = random.Random(0), said(count)
    chosen = draw.sample(range(count), min(PLANTED, count))
    copies = [altered(texts[row], draw) for row in chosen]
    truth = [jaccard(texts[row], copy) for row, copy in zip(chosen, copies, strict=True)]
    for threshold in THRESHOLDS:
        started = time.process_time()
        found = near.find([*texts, *copies], threshold)
        seconds = time.process_time() - started
        pairs = set(zip(found.a.tolist(), found.b.tolist(), strict=True))
        by_similarity: dict[float, list[bool]] = defaultdict(list)
        for number, (row, similarity) in enumerate(zip(chosen, truth, strict=True)):
            if threshold <= similarity < 1:
                by_similarity[int(similarity * 20) / 20].append((row, count + number) in pairs)
        every = [hit for hits in by_similarity.values() for hit in hits]
        shares = ", ".join(
            f"{low:.2f} to {low + 0.05:.2f}: {np.mean(hits):.3f} of {len(hits)}"
            for low, hits in sorted(by_similarity.items())
        )
        print(
            f"threshold {threshold}: recall {np.mean(every):.4f} of {len(every):,} planted in {count:,}; {seconds:.1f} s of one core\n  {shares}"
        )


if __name__ == "__main__":
    main()
