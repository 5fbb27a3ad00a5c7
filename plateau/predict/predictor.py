"""The predictor: generates outputs for prompts with the batched generation of the evaluation, then parses them by the target's schema."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from plateau.core.figures import read
from plateau.core.system import System
from plateau.data import engine, fields, preparation
from plateau.data.engine import Engine
from plateau.evaluation import scoring
from plateau.lm import generation, model
from plateau.metrics.convert import Convert
from plateau.predict import asking, items
from plateau.predict.admission import Admission
from plateau.predict.asking import Asked, Batch
from plateau.predict.items import Read, Shard

PARAMS = (
    "prepare",
    "temporal",
    "convert",
    "max_seq_length",
    "evaluate.max_tokens",
    "evaluate.batch_size",
)
ALL = Shard()
BATCHES = 8  # generation batches per request: enough that a half-empty last batch costs little
MIB = 2**20


@dataclass(frozen=True)
class Prediction:
    """The prediction for one record.

    `output` is the model's text; `answer` is its JSON value, None where the text is no JSON. `schema_valid`: the target's schema
    accepts the answer. `finished`: the model ended by itself within evaluate.max_tokens. `tokens`: the length of the output.
    `dropped_turns`: how many of the oldest turns were cut from a prompt that was too long. `reason`: why a record was not
    answered; all other fields are None then.
    """

    id: str | None
    place: str
    answer: Any = None
    output: str | None = None
    schema_valid: bool | None = None
    finished: bool | None = None
    tokens: int | None = None
    prompt_tokens: int | None = None
    dropped_turns: int | None = None
    reason: str | None = None


class Predictor:
    """A system's evaluated adapter, ready to answer; made by `plateau.predict.load`."""

    def __init__(
        self, system: System, values: Mapping[str, Any], admission: Admission, constrained: bool = True
    ) -> None:
        self.system, self.admission, self.constrained = system, admission, constrained
        self.options = preparation.options(values["prepare"])
        self.max_tokens, self.batch_size = values["evaluate"]["max_tokens"], values["evaluate"]["batch_size"]
        self.schema = fields.load_schema(system.schema("target"))
        room = read(Convert, system.metrics("convert")).train.completion_tokens_max
        self._setup = asking.setup(system, values, room)
        self._validator = fields.validator(self.schema)
        self._network, self._tokenizer = model.load(system.path("models", "base"), system.path("adapters", "best"))

    @property
    def rows_together(self) -> int:
        """How many records one request takes."""
        return int(BATCHES * self.batch_size)

    def predict(self, records: Iterable[Mapping[str, Any]]) -> list[Prediction]:
        """Predict raw records, such as rows of the system's export without labels; predictions come in the order of the records.

        Where each raw row is a turn, there is one prediction per conversation. A record that cannot be read gets a reason, no answer.
        """
        read = items.of_values(list(records), self.options["mapping"])
        with engine.local(1) as pool:
            known, _ = self.contacts(pool, read)
            return [one for batch in self.predictions(pool, read, known) for one in batch]

    def input(self, path: Path, scratch: Path | None = None) -> Read:
        """A function that reads the records of a file or folder, in any format that the readers know."""
        return items.of_files(path, self.system.root, self.options["mapping"], self.options["memory_mb"] * MIB, scratch)

    def contacts(self, pool: Engine, read: Read) -> tuple[dict[str, pa.Array], int]:
        """The history features of each record of an input, if prompts show them, and the number of records."""
        return asking.contacts(pool, self.system, self._setup, items.batches(read, self.rows_together, Shard()))

    def predictions(
        self, pool: Engine, read: Read, contacts: Mapping[str, pa.Array], part: Shard = ALL, skipped: int = 0
    ) -> Iterator[list[Prediction]]:
        """Predict the records of a shard, batch by batch, without its first `skipped` records; `pool` prepares prompts ahead."""
        held = items.batches(read, self.rows_together, part, skipped)
        asked = (Batch(found, _of(contacts, found)) for found in held)
        for batch in pool.map(partial(asking.asked, self._setup), asked):
            yield self.answered(batch)

    def answered(self, batch: Sequence[Asked]) -> list[Prediction]:
        """Predict a batch; predictions come in its order."""
        prompts = [one.prompt for one in batch if one.prompt is not None]
        outputs = iter(self._generate(prompts))
        return [self._prediction(one, next(outputs) if one.prompt is not None else None) for one in batch]

    def _generate(self, prompts: Sequence[Sequence[int]]) -> list[generation.Output]:
        schema = self.schema if self.constrained else None
        return generation.generate(self._network, self._tokenizer, prompts, self.max_tokens, self.batch_size, schema)

    def _prediction(self, asked: Asked, output: generation.Output | None) -> Prediction:
        if output is None or asked.prompt is None:
            return Prediction(asked.id, asked.place, reason=asked.reason)
        answer = scoring.parse(output.text)
        return Prediction(
            asked.id,
            asked.place,
            None if answer is fields.UNUSABLE else answer,
            output.text,
            scoring.is_valid(self._validator, output.text),
            output.ended,
            output.tokens,
            len(asked.prompt),
            asked.dropped_turns,
        )


def _of(contacts: Mapping[str, pa.Array], found: Sequence[items.Item]) -> dict[str, pa.Array]:
    """The history features of some items."""
    numbers = pa.array([item.number for item in found])
    return {name: values.take(numbers) for name, values in contacts.items()}
