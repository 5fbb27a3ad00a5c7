"""Questions to a person at a terminal; elsewhere what is proposed is taken, and noted."""

import sys
from dataclasses import dataclass, field
from typing import TextIO


@dataclass
class Asker:
    """Asks on a terminal; `doubts` are the questions that nobody answered, each with what was taken, by place."""

    stream: TextIO = sys.stdin
    quiet: bool = False
    doubts: dict[str, str] = field(default_factory=dict)

    def __call__(self, place: str, question: str, options: list[str], proposed: list[str]) -> list[str]:
        """Which of the options are chosen, in the order in which they are named; those that are proposed without an answer.

        `place` is what of the mapping follows from it.
        """
        if self.quiet or not self.stream.isatty():
            self.doubts[place] = f"{question}? {', '.join(proposed)} is a guess"
            return proposed
        numbered = ", ".join(f"{number} {option}" for number, option in enumerate(options, 1))
        while True:
            print(f"{question}? {numbered}\nnumbers, names, or nothing for {', '.join(proposed)}: ", end="", flush=True)
            given = [word.strip() for word in self.stream.readline().split(",") if word.strip()]
            chosen = [
                options[int(word) - 1] if word.isdecimal() and 0 < int(word) <= len(options) else word for word in given
            ]
            unknown = [word for word in chosen if word not in options]
            if not unknown:
                return chosen or proposed
            print(f"there is no {', '.join(unknown)}")
