"""The params that people sweep: those at the top of params.yaml."""

from plateau.core.param import (
    Definitions,
    Param,
    choice,
    integer,
    number,
    positive,
    text,
)
from plateau.core.version import SCHEMA_VERSION

MANY = 1_000_000_000
VERSION = Param(
    "schema_version",
    integer(SCHEMA_VERSION, SCHEMA_VERSION),
    SCHEMA_VERSION,
    "version of the form of this file and of the metrics files",
    "; `make sync` writes it",
)

KNOBS: Definitions = (
    Param(
        "model",
        text(),
        "reference",
        "base model: reference (the small one in models/reference), a local folder, or a hub repo as owner/name@revision",
    ),
    Param("lr", positive(100), 1.0e-4, "peak learning rate"),
    Param(
        "lr_schedule",
        choice("constant", "linear", "cosine"),
        "cosine",
        "shape of the learning rate after warm-up",
        ": constant, linear or cosine (both fall to 0 at `iters`)",
    ),
    Param("warmup", integer(0, MANY), 20, "steps over which the learning rate rises from 0 to lr"),
    Param("rank", integer(1, 65_536), 8, "rank of the LoRA or DoRA matrices", "; more rank, more capacity"),
    Param("scale", positive(10_000), 2.0, "factor on the adapter's output, alpha / rank in other tools"),
    Param(
        "dropout",
        {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
        0.0,
        "share of the adapter's inputs dropped while training",
    ),
    Param(
        "num_layers",
        {**integer(-1, 10_000), "not": {"const": 0}},
        -1,
        "transformer layers that get an adapter, counted from the last; -1 for all",
    ),
    Param("fine_tune_type", choice("lora", "dora", "full"), "lora", "what is trained", ": lora, dora or full"),
    Param("batch_size", integer(1, 1_000_000), 8, "rows a batch"),
    Param(
        "grad_accumulation",
        integer(1, 1_000_000),
        1,
        "batches whose gradients are added up before one update",
        ", weighted by tokens",
    ),
    Param("iters", integer(1, MANY), 1000, "most updates that are made"),
    Param(
        "max_seq_length",
        integer(8, 100_000_000),
        2048,
        "longest example in tokens",
        "; a longer one loses its oldest turns, never its completion",
    ),
    Param("eval_every", integer(1, MANY), 100, "updates between two evaluation points"),
    Param("patience", integer(1, MANY), 3, "evaluation points without improvement before training stops"),
    Param(
        "min_delta",
        number(0, 1000),
        0.0,
        "least fall of the validation loss that counts as an improvement",
        unit="nats a token",
    ),
    Param(
        "seed",
        integer(0, 4_294_967_295),
        0,
        "seed of every random draw",
        ": data, splits, adapter weights, batch order, dropout, sampling",
    ),
    VERSION,
)
