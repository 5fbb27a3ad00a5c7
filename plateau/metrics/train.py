"""metrics/train.json."""

from dataclasses import dataclass
from typing import Annotated, Literal

from plateau.core.figures import Count, Limits, Share

Loss = Annotated[float, Limits(0)]
StopReason = Literal["patience_exhausted", "stopping_threshold", "divergence_threshold", "non_finite", "max_iters"]


@dataclass(frozen=True)
class Train:
    """How training went and why it stopped."""

    stop_reason: Annotated[StopReason, "why training stopped"]
    stop_summary: Annotated[str, "the stop reason as a sentence, with the last and the best iteration"]
    iterations: Annotated[Count, "updates that were made"]
    best_iteration: Annotated[
        Count | None, "iteration with the lowest validation loss, 0 for the base model; null without a finite loss"
    ]
    best_val_loss: Annotated[Loss | None, "lowest validation loss, in nats per supervised token"]
    base_val_loss: Annotated[Loss | None, "validation loss of the base model, iteration 0"]
    unigram_loss: Annotated[
        float,
        Limits(0),
        "validation loss of a model that only knows how often each token occurs in the training completions; a higher loss means that nothing was learnt",
    ]
    val_loss_reduction: Annotated[
        float | None,
        Limits(None, 1),
        "1 - best validation loss / validation loss of the base model",
    ]
    epochs: Annotated[float, Limits(0), "passes through the training split"]
    trained_tokens: Annotated[Count, "supervised tokens that were trained on, counted again in each epoch"]
    trainable_parameters: Annotated[Count, "parameters that training changes"]
    total_parameters: Annotated[Count, "parameters of the model with its adapter"]
    trainable_share: Annotated[Share, "trainable parameters as a share of all"]
    padding_waste: Annotated[Share, "padding as a share of the tokens computed"]
    skipped_steps: Annotated[Count, "updates that were skipped because loss or gradient was not finite"]
    params_sha256: Annotated[
        str | None, "SHA-256 of the params that influence training; stages.gate compares params.yaml with it"
    ] = None
