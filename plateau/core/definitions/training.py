"""The params of training and of the choice of a checkpoint."""

from plateau.core.param import (
    FLAG,
    Definitions,
    Param,
    Section,
    choice,
    integer,
    nullable,
    number,
    positive,
    text,
)

MANY = 1_000_000_000

TRAINING: Definitions = (
    Section(
        "train",
        "how training is done, set once per system",
        (
            Param(
                "seed",
                nullable(integer(0, 4_294_967_295)),
                None,
                "seed of adapter weights, batch order and dropout alone; null for `seed`",
                "; another one moves neither data nor splits",
            ),
            Param(
                "optimizer",
                choice("adam", "adamw", "adafactor", "muon"),
                "adam",
                "optimizer",
                ": adam, adamw, adafactor or muon",
            ),
            Param("weight_decay", number(0, 1000), 0.0, "weight decay of adamw and muon"),
            Param(
                "max_grad_norm",
                positive(1_000_000),
                1.0,
                "largest global norm of the gradient",
                "; larger ones are scaled down",
            ),
            Param(
                "train_on_prompt",
                FLAG,
                False,
                "whether the loss covers the prompt",
                " too, as in the seed documents, or completions only",
            ),
            Param(
                "max_tokens_per_batch",
                nullable(integer(1, MANY)),
                None,
                "tokens a batch, padding included; null to use batch_size",
            ),
            Param(
                "grad_checkpoint",
                FLAG,
                False,
                "recompute activations in the backward pass",
                ": less memory, more time",
            ),
            Param(
                "alpha",
                nullable(positive(1_000_000)),
                None,
                "LoRA alpha, converted to scale = alpha / rank; null to use scale",
            ),
            Param("min_iters", integer(0, MANY), 0, "updates before patience may stop training"),
            Param(
                "stopping_threshold",
                nullable(number(0, 1000)),
                None,
                "stop once the validation loss is below this; null for never",
            ),
            Param(
                "divergence_threshold",
                nullable(number(0, 1000)),
                None,
                "stop once the validation loss is above this; null for ln(vocabulary size)",
                ", the loss of guessing among all tokens alike",
            ),
            Param(
                "max_bad_steps",
                integer(1, MANY),
                5,
                "skipped updates before training stops",
                "; one is skipped for a non-finite loss or gradient",
            ),
            Param(
                "state_every",
                integer(1, MANY),
                100,
                "updates between two saved states",
                ", from which an interrupted run goes on",
            ),
            Param(
                "ranks",
                integer(1, 10_000),
                1,
                "processes that train together",
                "; rows are shared out, gradients averaged by token",
            ),
            Param("hostfile", nullable(text()), None, "host file of mlx.launch; null for this machine"),
        ),
    ),
    Section(
        "selection",
        "which checkpoint is taken",
        (
            Param(
                "policy",
                choice("latest_within_tolerance", "best", "earliest_within_tolerance", "one_standard_error", "quality"),
                "latest_within_tolerance",
                "how the checkpoint is chosen",
                ": latest_within_tolerance, best, earliest_within_tolerance, one_standard_error or quality",
            ),
            Param(
                "tolerance",
                number(0, 10),
                0.005,
                "relative distance from the best validation loss that still counts as good",
            ),
            Param("top_k", integer(1, 1_000_000), 3, "checkpoints that policy quality generates with"),
        ),
    ),
)
