"""Questions to a person at a terminal. Without a terminal the proposed answer is taken, and noted as a doubt."""

import sys
from dataclasses import dataclass, field
from typing import TextIO


@dataclass
class Asker:
    """Asks questions on a terminal. `doubts` holds, by place in the mapping, each unanswered question and the answer that was taken."""

    stream: TextIO = sys.stdin
    quiet: bool = False
    doubts: dict[str, str] = field(default_factory=dict)

    def __call__(self, place: str, question: str, options: list[str], proposed: list[str]) -> list[str]:
        """The options that a person chooses, in the order named; the proposed options if nobody answers.

        `place` is the part of the mapping that the answer decides.
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
