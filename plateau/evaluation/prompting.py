"""Prompts of the prompted arms: an instruction, and training examples that are similar to the row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from plateau.core.system import System
from plateau.data import fields
from plateau.evaluation.arms import Entry
from plateau.evaluation.samples import Split, prompts
from plateau.prompts import chat
from plateau.prompts.instruction import instruction, nearest, with_examples


@dataclass(frozen=True)
class Prompting:
    """The parts of these prompts: the base's tokenizer, the instruction, user messages of train and test, and the answers of train."""

    tokenizer: Any
    instruction: str
    train: Sequence[str]
    answers: Sequence[str]
    test: Sequence[str]
    few_shot: int

    def split(self, test: Split, arm: Entry) -> Split:
        """The test split with an arm's own prompts for its sampled rows."""
        rows = test.sampled.tolist()
        asked = [self.test[row] for row in rows]
        count = self.few_shot if arm.prompt == "few_shot" else 0
        examples = [[(self.train[i], self.answers[i]) for i in near] for near in nearest(self.train, asked, count)]
        contents = [with_examples(self.instruction, *pair) for pair in zip(examples, asked, strict=True)]
        rendered = chat.render_all(self.tokenizer, contents, ["" for _ in contents])
        ids = [whole[:start] for whole, start in rendered]
        tokens = test.examples.prompt_tokens.copy()
        tokens[rows] = [len(one) for one in ids]
        changed = replace(test.examples, prompt_tokens=tokens.astype(np.int32))
        return replace(test, examples=changed, other_prompts=dict(zip(rows, ids, strict=True)))


def prepare(system: System, asked: str | None, few_shot: int, date: str) -> Prompting:
    """Read the parts of the prompts for a system's test rows; `asked` replaces the instruction that is made from its schema.

    Examples are training rows. None shares its group with a test row or is nearly the same, because the splits are made so.
    """
    import pyarrow.parquet as pq

    schema = fields.load_schema(system.schema("target"))
    said = {name: prompts(system.path("data", "mlx", f"{name}.jsonl")) for name in ("train", "test")}
    answers = pq.read_table(system.split("train"), columns=["target"])["target"].to_pylist()
    tokenizer = chat.load_tokenizer(system.path("models", "base"), date)
    return Prompting(tokenizer, asked or instruction(schema), said["train"], answers, said["test"], few_shot)
