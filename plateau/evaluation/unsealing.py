"""The blind rows: a part of the test that no stage reads, on which the chosen adapter is evaluated once."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from plateau.core import files
from plateau.core.errors import BadInputError
from plateau.core.figures import read
from plateau.core.system import System
from plateau.data import fields
from plateau.evaluation import baselines, hashes, samples, scoring, stats
from plateau.lm import generation, model
from plateau.metrics.convert import Convert
from plateau.metrics.unsealed import Unsealed
from plateau.prompts import conversion
from plateau.splits.partition import BLIND


def check_sealed(system: System) -> None:
    """Raise BadInputError where there are no blind rows, or where these were opened before."""
    path, record = system.split(BLIND), system.metrics("unsealed")
    if not path.is_file():
        raise BadInputError(
            f"{path}: there are no blind rows; set split.blind_size, run `dvc repro`, and choose an adapter without them"
        )
    if record.is_file() and (before := read(Unsealed, record)).blind == files.sha256(path):
        raise BadInputError(
            f"{record}: these rows were opened before, for the adapter {before.adapter[:12]}, and are blind no more; "
            "take others: more records, or another seed"
        )


def evaluated(system: System, params: Mapping[str, Any]) -> Unsealed:
    """The figures of the chosen adapter on the blind rows, asked as the test rows are, and against the baselines."""
    rows, schema = pq.read_table(system.split(BLIND)).to_pylist(), fields.load_schema(system.schema("target"))
    room = read(Convert, system.metrics("convert")).train.completion_tokens_max
    examples = conversion.renderer(conversion.setup(system, params)._replace(room=room)).examples(rows)
    options = params["evaluate"]
    network, tokenizer = model.load(system.path("models", "base"), system.path(*hashes.ADAPTER))
    prompts = [example.ids[: example.completion_start] for example in examples]
    outputs = generation.generate(network, tokenizer, prompts, options["max_tokens"], options["batch_size"])
    targets = pq.read_table(system.split("train"), columns=["target"])["target"].to_pylist()
    train = [scoring.parse(target) for target in targets]
    rules = scoring.Rules.learnt(schema, train, options["scores"])
    golds, kinds = [scoring.parse(row["target"]) for row in rows], scoring.PLAIN.kinds(schema)
    said = samples.prompts(system.path("data", "mlx", "train.jsonl"))
    answers = {
        "majority": baselines.majority(kinds, train, len(rows)),
        "linear": baselines.linear(kinds, said, train, [example.content for example in examples]),
    }

    def scores(parsed: list[Any]) -> stats.Floats:
        return scoring.total(scoring.scored(schema, golds, parsed, rules), len(golds))

    how = (options["bootstrap_samples"], options["confidence"], params["seed"])
    own = scores([scoring.parse(output.text) for output in outputs])
    others = {name: scores([scoring.parse(json.dumps(one)) for one in made]) for name, made in answers.items()}
    validator = fields.validator(schema)
    valid = np.array([scoring.is_valid(validator, output.text) for output in outputs], dtype=np.float64)
    return Unsealed(
        files.sha256(system.split(BLIND)),
        files.sha256(system.path(*hashes.ADAPTER, "adapters.safetensors")),
        len(rows),
        stats.estimate(stats.mean_of(own), len(own), *how),
        stats.estimate(stats.mean_of(valid), len(valid), *how),
        {name: stats.compare(own - other, True, *how) for name, other in others.items()},
    )
