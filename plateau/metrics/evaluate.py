"""metrics/evaluate.json."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from plateau.core.figures import INLINE, OPTIONAL, Count, Digits, Estimate, Limits
from plateau.core.version import SCHEMA_VERSION
from plateau.metrics.compared import Compared
from plateau.metrics.drift import Drift
from plateau.metrics.scrutiny import Scrutiny

Labels = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class ItemField:
    """one field of the items of a list, over the matched pairs of items"""

    pairs: Annotated[Count, "matched pairs of items"]
    score: Annotated[Estimate, "mean score over the matched pairs"]


@dataclass(frozen=True)
class Statistics:
    """statistics beside the score; plateau/evaluation/kinds says which kind of field has which"""

    accuracy: Annotated[
        Estimate | None, OPTIONAL, "share of right answers; no value is right where the truth has none"
    ] = None
    macro_f1: Annotated[
        Estimate | None, OPTIONAL, "mean F1 over the classes that occur, including (none) for no value"
    ] = None
    f1: Annotated[Estimate | None, OPTIONAL, "F1 of the class true"] = None
    balanced_accuracy: Annotated[
        Estimate | None, OPTIONAL, "mean recall over the classes that occur; null if only one class occurs"
    ] = None
    mae: Annotated[
        Estimate | None, OPTIONAL, "mean absolute error over the rows where truth and answer have a value"
    ] = None
    spearman: Annotated[
        Estimate | None,
        OPTIONAL,
        "Spearman's rank correlation over the rows where truth and answer have a value; null if either is constant",
    ] = None
    token_f1: Annotated[Estimate | None, OPTIONAL, "mean F1 of shared words over the rows whose truth has a value"] = (
        None
    )
    exact_set: Annotated[
        Estimate | None,
        OPTIONAL,
        "share of rows with exactly the right items; no value is right where the truth has none",
    ] = None
    value_precision: Annotated[
        Estimate | None,
        OPTIONAL,
        "share of the answers with a value whose truth has a value too; null if no answer has one",
    ] = None
    value_recall: Annotated[
        Estimate | None, OPTIONAL, "share of the truths with a value whose answer has a value too"
    ] = None
    value_f1: Annotated[
        Estimate | None,
        OPTIONAL,
        "F1 of the presence of a value: the harmonic mean of value_precision and value_recall",
    ] = None


@dataclass(frozen=True)
class FalsePositives:
    """rows of other classes that were answered with this class"""

    rows: Annotated[Count, "rows of other classes"]
    rate: Annotated[Estimate, "share of the rows of other classes that were answered with this class"]


@dataclass(frozen=True)
class ClassFigures:
    """one true class of a field"""

    rows: Annotated[Count, "rows of this class"]
    recall: Annotated[Estimate, "share of the rows of this class with the right answer"]
    false_positives: FalsePositives


@dataclass(frozen=True)
class Field:
    """figures of one field, each with its interval"""

    kind: Annotated[str, "kind of field, which decides the score; see docs/scoring.md"]
    rows: Annotated[Count, "rows scored"]
    present: Annotated[Count, "rows whose truth has a value"]
    answered: Annotated[
        float | None,
        "share of the rows whose truth has a value that have a usable answer: right type, known label, within range",
    ]
    score: Annotated[Estimate, "mean score of a row, 0 to 1; no value is right where the truth has none"]
    statistics: Annotated[Statistics, INLINE]
    items: Annotated[
        Mapping[str, ItemField] | None, OPTIONAL, "for a list of objects: figures of each field of the items"
    ]
    by_class: Annotated[
        Mapping[str, ClassFigures] | None, OPTIONAL, "for a class or boolean field: figures of each true class"
    ] = None


@dataclass(frozen=True)
class Arm:
    """figures of one arm"""

    loss: Annotated[
        Estimate | None, OPTIONAL, "token-weighted mean loss on the whole test split, in nats per token"
    ] = None
    perplexity: Annotated[float | None, OPTIONAL, "exp(loss), where loss is token-weighted"] = None
    example_perplexity_mean: Annotated[float | None, OPTIONAL, "mean of the perplexities of the single examples"] = None
    example_perplexity_median: Annotated[
        float | None, OPTIONAL, "median of the perplexities of the single examples"
    ] = None
    example_perplexity_sd: Annotated[
        float | None, OPTIONAL, "standard deviation of the perplexities of the single examples"
    ] = None
    example_perplexity_min: Annotated[float | None, OPTIONAL, "smallest perplexity of a single example"] = None
    example_perplexity_max: Annotated[float | None, OPTIONAL, "largest perplexity of a single example"] = None
    json_valid: Annotated[Estimate | None, OPTIONAL, "share of outputs that are JSON without any other text"] = None
    schema_valid: Annotated[
        Estimate | None, OPTIONAL, "share of outputs that are JSON without any other text, valid by the target schema"
    ] = None
    json_found: Annotated[
        Estimate | None,
        OPTIONAL,
        "share of outputs that contain JSON: as the whole output, in a fenced block or inside prose",
    ] = None
    schema_found: Annotated[
        Estimate | None,
        OPTIONAL,
        "share of outputs that contain JSON, as for json_found, that is valid by the target schema",
    ] = None
    missing_keys: Annotated[
        float | None, OPTIONAL, "share of the keys with a value in the truth that have no value in the output"
    ] = None
    invented_keys: Annotated[
        float | None, OPTIONAL, "share of the keys with a value in the output that have no value in the truth"
    ] = None
    input_tokens: Annotated[float | None, OPTIONAL, "mean number of tokens per prompt"] = None
    output_tokens: Annotated[float | None, OPTIONAL, "mean number of tokens per output"] = None
    unfinished: Annotated[
        float | None, OPTIONAL, "share of outputs that were cut off at evaluate.max_tokens before the model ended them"
    ] = None
    cost_per_1000: Annotated[
        float | None,
        OPTIONAL,
        "price of 1,000 calls, from evaluate.price_input and price_output, or as a file of answers has it",
    ] = None
    latency_p50_seconds: Annotated[
        float | None, OPTIONAL, "median seconds of a call, as a file of answers has them"
    ] = None
    latency_p95_seconds: Annotated[float | None, OPTIONAL, "seconds that 95 % of these calls took at most"] = None
    rows: Annotated[int | None, OPTIONAL, "generated test rows to which a file of answers has one"] = None
    score: Annotated[Estimate | None, OPTIONAL, "mean over rows of the mean score of their fields, 0 to 1"] = None
    fields: Annotated[Mapping[str, Field] | None, OPTIONAL, "figures by field"] = None


@dataclass(frozen=True)
class Comparison:
    """comparison of two arms on the rows that both answered"""

    loss: Annotated[Compared | None, OPTIONAL, "comparison of the loss per row; lower is better"] = None
    score: Annotated[Compared | None, OPTIONAL, "comparison of the score per row; higher is better"] = None
    fields: Annotated[Mapping[str, Compared] | None, OPTIONAL, "comparison of the score of each field"] = None
    same_output: Annotated[float | None, OPTIONAL, "share of rows for which both arms wrote the same output"] = None


@dataclass(frozen=True)
class AdapterEffect:
    """how much the adapter changes the logits of the base model"""

    max_logit_difference: Annotated[float | None, "largest absolute change of a logit at the first token of the answer"]
    first_token_changed: Annotated[float | None, "share of rows whose most likely first token the adapter changes"]
    fused_logit_difference: Annotated[
        float | None,
        OPTIONAL,
        "largest absolute difference of a logit between the adapter and the model that mlx_lm.fuse writes",
    ]
    fused_bits: Annotated[int | None, OPTIONAL, "bits to which mlx_lm.fuse requantises a quantised base model"] = None
    fused_dequantized_logit_difference: Annotated[
        float | None,
        OPTIONAL,
        "largest absolute difference of a logit between the adapter and the model that mlx_lm.fuse --dequantize writes",
    ] = None


@dataclass(frozen=True)
class Overlap:
    """test prompts that also occur in training"""

    exact: Annotated[float | None, "share of test prompts that equal a training prompt word for word"]
    near: Annotated[
        float | None,
        "share of the other test prompts that nearly equal a training prompt: Jaccard similarity of word triples at least 0.6",
    ]
    leaked_rows: Annotated[Count, "test rows that equal or nearly equal a training row"]


@dataclass(frozen=True)
class ValidInTrain(Overlap):
    """validation prompts that also occur in training"""

    exact: Annotated[float | None, "share of validation prompts that equal a training prompt word for word"]
    near: Annotated[float | None, "share of the others that are nearly"]
    leaked_rows: Annotated[Count, "validation rows that equal or nearly equal a training row"]


@dataclass(frozen=True)
class TestInValid(Overlap):
    """test prompts that also occur in validation"""

    exact: Annotated[float | None, "share of test prompts that equal a validation prompt word for word"]
    near: Annotated[float | None, "share of the others that are nearly"]


@dataclass(frozen=True)
class UnseenLabels:
    """classes of the test that never occur in training"""

    rows_share: Annotated[float | None, "share of test rows with such a class"]
    labels: Annotated[Labels, "these classes, by field"]


@dataclass(frozen=True)
class Leaks:
    """signs that the test split leaked into training"""

    test_in_train: Annotated[Overlap, INLINE]
    valid_in_train: ValidInTrain
    test_in_valid: TestInValid
    repeated: Annotated[
        float, Limits(0), "largest share, over the splits, of prompts that repeat an earlier prompt of the same split"
    ]
    answered: Annotated[float, Limits(0), 'share of test prompts that contain an answer, written as "field: value"']
    split_strategy: Annotated[str, "split.strategy; `column` for a predefined split"]
    later_rows: Annotated[Count, "training and validation rows that are later than the first test row"]
    shared_groups: Annotated[Count, "values of split.group_by that occur in more than one split"]
    format_differences: Annotated[
        Sequence[str] | None, "beginnings of lines that occur in the prompts of one split and not of another"
    ]
    unseen_labels: UnseenLabels
    untested_labels: Annotated[
        Labels | None, "classes of at least a tenth of the training rows that no test row has, by field"
    ]


@dataclass(frozen=True)
class Memorisation:
    """outputs that equal the true completion word for word"""

    train_verbatim: Annotated[float | None, "share of training rows with such an output"]
    valid_verbatim: Annotated[float | None, "share of validation rows with such an output"]
    p_value: Annotated[float | None, "p-value of Fisher's exact test, one-sided"]
    result: Annotated[
        Literal["more_on_training", "not_told_apart"],
        "whether the share is higher on training rows by more than chance",
    ]


@dataclass(frozen=True)
class Difficulty:
    """whether the training data are too easy"""

    base_score_on_train: Annotated[float | None, "the base model's mean score on training rows"]
    linear_score_on_train: Annotated[
        float | None, "mean score on training rows of a linear model that was fitted without these rows"
    ]
    result: Annotated[Literal["too_easy", "fine"], "too_easy if either score is at least 0.95"]


@dataclass(frozen=True)
class Forgetting:
    """loss on general text, in nats per token"""

    base_loss: Annotated[float | None, "loss of the base model"]
    adapter_loss: Annotated[float | None, "loss with the adapter"]
    rise: Annotated[float | None, "loss with the adapter less loss of the base model"]


@dataclass(frozen=True)
class FieldStability:
    """one field"""

    same_answer: Annotated[float | None, "mean share of the outputs of a row that give the row's most common answer"]
    standard_deviation: Annotated[
        float | None, OPTIONAL, "for a number: mean standard deviation of the answers to one row"
    ]


@dataclass(frozen=True)
class Stability:
    """agreement of sampled outputs; null where evaluate.num_generations is 1"""

    rows: Annotated[Count, "rows"]
    generations: Annotated[int, Limits(2), "outputs per row"]
    same_output: Annotated[float | None, "mean share of the outputs of a row that equal the row's most common output"]
    fields: Annotated[Mapping[str, FieldStability], "agreement by field"]


@dataclass(frozen=True)
class Diagnostics:
    """further checks of the model's outputs"""

    memorisation: Memorisation
    difficulty: Difficulty
    forgetting: Forgetting
    stability: Stability | None


@dataclass(frozen=True)
class Scores:
    """figures that follow from predictions, target schema and scoring rules alone"""

    rows: Annotated[Count, "test rows"]
    generated: Annotated[Count, "test rows for which the arms generated an output"]
    loss_reduction: Annotated[
        float | None, "1 - test loss of the adapter / test loss of the base model; null without the arm base"
    ]
    fields_worse_than_base: Annotated[
        int | None, "number of fields that the adapter answers worse than the base model; null without the arm base"
    ]
    most_invented: Annotated[
        float | None,
        OPTIONAL,
        "of the rows whose truth has no value in a field, the share for which the adapter invents one: lower end of its interval, for the worst field",
    ]
    baselines_not_beaten: Annotated[Sequence[str], "baselines that the adapter does not beat"]
    scales: Annotated[
        Mapping[str, float],
        Digits(17),
        "for each number field without bounds, the error from which an answer scores 0: the distance from the 1st to the 99th percentile in the training split",
    ]
    relaxed: Annotated[
        Sequence[str],
        "keywords of the target schema that decoding cannot enforce, so that constrained outputs may break them",
    ]
    arms: Annotated[
        Mapping[str, Arm],
        "figures by arm, including the baselines majority and linear",
    ]
    comparisons: Annotated[Mapping[str, Comparison], "paired comparisons of the first arm against the second arm"]

    def arm(self, name: str) -> Arm:
        """The figures of one arm; none where it was not run."""
        return self.arms.get(name, Arm())

    def comparison(self, one: str, other: str) -> Comparison:
        """How one arm compares with another; empty where they were not compared."""
        return self.comparisons.get(f"{one}_vs_{other}", Comparison())


@dataclass(frozen=True)
class Look:
    """which adapter was evaluated on which test split; these hashes show how often a test split was used"""

    test: Annotated[str | None, "SHA-256 of data/split/test.parquet"]
    adapter: Annotated[str | None, "SHA-256 of adapters/best/adapters.safetensors"]


@dataclass(frozen=True)
class Evaluate(Scores):
    """What the base and the chosen adapter do on the held-out test split, recomputable from data/predictions.parquet."""

    adapter_effect: AdapterEffect
    drift: Drift
    leaks: Leaks
    diagnostics: Diagnostics
    scrutiny: Scrutiny | None
    look: Look
    schema_version: Annotated[Count, "version of the form of params and metrics files"] = SCHEMA_VERSION
