"""Turn rows into training examples: render the one prompt, shorten it at its oldest end, and check it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from plateau.core.errors import BadInputError
from plateau.data.specials import neutralise
from plateau.prompts.chat import Turn, added_tokens, messages, render, render_all, specials

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Example:
    """One rendered row: `ids[:completion_start]` is the prompt, the rest is what the model must say."""

    content: str
    completion: str
    ids: list[int]
    completion_start: int
    neutralised: bool
    dropped_turns: int = 0
    cut_characters: int = 0


@dataclass(frozen=True)
class Renderer:
    """How the rows of one system become examples of at most `max_length` tokens.

    With `room` the prompt leaves so many tokens for an answer, whatever the row's own answer is: what is asked must not tell how
    long the answer will be, and where it is asked in use there is none.
    """

    tokenizer: Any
    context: Sequence[str]
    instruction: str
    max_length: int
    room: int | None = None

    @cached_property
    def specials(self) -> tuple[str, ...]:
        """Texts of special tokens, which must not occur in data."""
        return specials(self.tokenizer)

    def examples(self, rows: Sequence[Row]) -> list[Example]:
        """Examples of rows with `id`, `turns`, `target` and the context columns, in their order.

        An example that is too long loses its oldest turns, then the beginning of the last turn. Raises BadInputError that names the row when it still does not fit, when no token is supervised, or when a special token is left in it.
        """
        plain = [(self.content(row, row["turns"]), row["target"]) for row in rows]
        safe = [(neutralise(content, self.specials), neutralise(target, self.specials)) for content, target in plain]
        rendered = render_all(self.tokenizer, *zip(*safe, strict=True)) if rows else []
        made = [
            Example(*texts, ids, start, texts != before)
            for texts, before, (ids, start) in zip(safe, plain, rendered, strict=True)
        ]
        long = [number for number, example in enumerate(made) if not self._fits(example)]
        shorter = self._shortened([rows[number] for number in long], [made[number] for number in long])
        for number, example in zip(long, shorter, strict=True):
            made[number] = example
        _check(self.tokenizer, rows, made)
        return made

    def _fits(self, example: Example) -> bool:
        """Whether prompt and answer, or the room that is left for one, are short enough."""
        answer = len(example.ids) - example.completion_start if self.room is None else self.room
        return example.completion_start + answer <= self.max_length

    def content(self, row: Row, turns: Sequence[Turn]) -> str:
        """The user message of a row with some of its turns, special tokens still in it."""
        return messages(turns, {name: row[name] for name in self.context}, self.instruction)

    def _shortened(self, rows: Sequence[Row], wholes: Sequence[Example]) -> list[Example]:
        """Shorten examples until they fit, by as few turns as possible, then by as few characters as possible.

        A binary search over the number of steps, for all rows at once, because rendering many together is faster.
        """
        low = [1] * len(rows)
        high = [len(row["turns"]) - 1 + len(row["turns"][-1]["text"]) for row in rows]
        while open_rows := [number for number in range(len(rows)) if low[number] < high[number]]:
            middle = [(low[number] + high[number]) // 2 for number in open_rows]
            tried = self._attempts([rows[n] for n in open_rows], [wholes[n] for n in open_rows], middle)
            for number, steps, example in zip(open_rows, middle, tried, strict=True):
                shorter = self._fits(example)
                low[number], high[number] = (low[number], steps) if shorter else (steps + 1, high[number])
        made = self._attempts(rows, wholes, low)
        for row, example in zip(rows, made, strict=True):
            if not self._fits(example):
                raise BadInputError(
                    f"row {row['id']}: {len(example.ids)} tokens even without its turns, more than max_seq_length = "
                    f"{self.max_length}; raise it in params.yaml or shorten convert.instruction"
                )
        return made

    def _attempts(self, rows: Sequence[Row], wholes: Sequence[Example], steps: Sequence[int]) -> list[Example]:
        """The examples shortened by this many steps: a step drops a turn while more than one is left, then a character of the last."""
        gone = [min(count, len(row["turns"]) - 1) for row, count in zip(rows, steps, strict=True)]
        cut = [count - turns for count, turns in zip(steps, gone, strict=True)]
        contents = [
            neutralise(self.content(row, _without(row["turns"], *lost)), self.specials)
            for row, *lost in zip(rows, gone, cut, strict=True)
        ]
        rendered = render_all(self.tokenizer, contents, [whole.completion for whole in wholes])
        return [
            Example(content, whole.completion, ids, start, whole.neutralised, *lost)
            for content, whole, (ids, start), *lost in zip(contents, wholes, rendered, gone, cut, strict=True)
        ]


def _without(turns: Sequence[Turn], gone: int, cut: int) -> list[Turn]:
    """Turns after the oldest `gone`, the first of them without its first `cut` characters."""
    first, *others = turns[gone:]
    return [{**first, "text": first["text"][cut:]}, *others]


def _check(tokenizer: Any, rows: Sequence[Row], made: Sequence[Example]) -> None:
    """Check that each chat has as many special tokens as an empty chat, and that its answer ends with one, without which generation never stops."""
    added = added_tokens(tokenizer)
    skeleton, start = render(tokenizer, "x", "x")
    if not added.intersection(skeleton[start:]):
        raise BadInputError("the chat template ends the model's answer with no special token, so it would never stop")
    expected = sum(number in added for number in skeleton)
    for row, example in zip(rows, made, strict=True):
        if sum(number in added for number in example.ids) != expected:
            raise BadInputError(
                f"row {row['id']}: its text makes the tokenizer emit a special token; remove it from the data"
            )
        if example.completion_start >= len(example.ids):
            raise BadInputError(f"row {row['id']}: no token is left to learn; its target is empty")
