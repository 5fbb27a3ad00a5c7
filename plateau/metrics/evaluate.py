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
    """one field of the items of a list, over the pairs of items that are matched"""

    pairs: Annotated[Count, "pairs of items"]
    score: Annotated[Estimate, "mean score over them"]


@dataclass(frozen=True)
class Statistics:
    """what a kind of field measures beside the score; plateau/evaluation/kinds says which kind measures what"""

    accuracy: Annotated[Estimate | None, OPTIONAL, "share of right answers, no value being one of them"] = None
    macro_f1: Annotated[Estimate | None, OPTIONAL, "mean F1 over the classes that occur, (none) among them"] = None
    f1: Annotated[Estimate | None, OPTIONAL, "F1 of true"] = None
    balanced_accuracy: Annotated[
        Estimate | None, OPTIONAL, "mean of the recalls of the classes that occur; null where only one does"
    ] = None
    mae: Annotated[
        Estimate | None, OPTIONAL, "mean absolute error over the rows where truth and answer have a value"
    ] = None
    spearman: Annotated[
        Estimate | None, OPTIONAL, "rank correlation over these rows; null where a side is constant"
    ] = None
    token_f1: Annotated[Estimate | None, OPTIONAL, "mean F1 of shared words over the rows whose truth has a value"] = (
        None
    )
    exact_set: Annotated[
        Estimate | None, OPTIONAL, "share of rows with all items right and none more; no value for no value is right"
    ] = None
    value_precision: Annotated[
        Estimate | None,
        OPTIONAL,
        "of the answers with a value, the share whose truth has one; null where no answer has one",
    ] = None
    value_recall: Annotated[Estimate | None, OPTIONAL, "of the truths with a value, the share whose answer has one"] = (
        None
    )
    value_f1: Annotated[Estimate | None, OPTIONAL, "F1 of there being a value"] = None


@dataclass(frozen=True)
class FalsePositives:
    """rows of other classes that are answered with this one"""

    rows: Annotated[Count, "rows of other classes"]
    rate: Annotated[Estimate, "share of these that are answered with this class"]


@dataclass(frozen=True)
class ClassFigures:
    """one true class of a field"""

    rows: Annotated[Count, "rows of this class"]
    recall: Annotated[Estimate, "share of these with the right answer: the accuracy on this class"]
    false_positives: FalsePositives


@dataclass(frozen=True)
class Field:
    """figures of one field, each with its interval"""

    kind: Annotated[str, "how the field is scored, as docs/scoring.md says"]
    rows: Annotated[Count, "rows scored"]
    present: Annotated[Count, "rows whose truth has a value"]
    answered: Annotated[float | None, "share of these with a usable answer: of the right type, label and range"]
    score: Annotated[Estimate, "mean score of a row, 0 to 1; no value is right where the truth has none"]
    statistics: Annotated[Statistics, INLINE]
    items: Annotated[Mapping[str, ItemField] | None, OPTIONAL, "of a list of objects: each field of the items"]
    by_class: Annotated[
        Mapping[str, ClassFigures] | None, OPTIONAL, "of a class or boolean field: each class that the truth has"
    ] = None


@dataclass(frozen=True)
class Arm:
    """figures of one arm"""

    loss: Annotated[Estimate | None, OPTIONAL, "token-weighted mean loss on the whole test split, nats a token"] = None
    perplexity: Annotated[float | None, OPTIONAL, "exp(loss), token-weighted"] = None
    example_perplexity_mean: Annotated[float | None, OPTIONAL, "mean of the examples' own perplexities"] = None
    example_perplexity_median: Annotated[float | None, OPTIONAL, "median of the examples' own perplexities"] = None
    example_perplexity_sd: Annotated[float | None, OPTIONAL, "standard deviation of the examples' own perplexities"] = (
        None
    )
    example_perplexity_min: Annotated[float | None, OPTIONAL, "smallest of the examples' own perplexities"] = None
    example_perplexity_max: Annotated[float | None, OPTIONAL, "largest of the examples' own perplexities"] = None
    json_valid: Annotated[Estimate | None, OPTIONAL, "share of outputs that are JSON and nothing else"] = None
    schema_valid: Annotated[
        Estimate | None, OPTIONAL, "share of outputs that are nothing but JSON which the target schema accepts"
    ] = None
    json_found: Annotated[
        Estimate | None, OPTIONAL, "share of outputs that hold JSON: as a whole, in a fenced block or inside prose"
    ] = None
    schema_found: Annotated[
        Estimate | None, OPTIONAL, "share of outputs that so hold JSON which the target schema accepts"
    ] = None
    missing_keys: Annotated[float | None, OPTIONAL, "share of the true keys with a value that outputs lack"] = None
    invented_keys: Annotated[
        float | None, OPTIONAL, "share of the written keys with a value for which the truth has none"
    ] = None
    input_tokens: Annotated[float | None, OPTIONAL, "mean tokens of a prompt"] = None
    output_tokens: Annotated[float | None, OPTIONAL, "mean tokens of an output"] = None
    unfinished: Annotated[
        float | None, OPTIONAL, "share of outputs that did not end by themselves, but at evaluate.max_tokens"
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
    score: Annotated[Estimate | None, OPTIONAL, "mean over rows of the mean field score, 0 to 1"] = None
    fields: Annotated[Mapping[str, Field] | None, OPTIONAL, "figures by field"] = None


@dataclass(frozen=True)
class Comparison:
    """two arms on the rows that both have"""

    loss: Annotated[Compared | None, OPTIONAL, "loss of a row, lower is better"] = None
    score: Annotated[Compared | None, OPTIONAL, "score of a row, higher is better"] = None
    fields: Annotated[Mapping[str, Compared] | None, OPTIONAL, "score of each field"] = None
    same_output: Annotated[float | None, OPTIONAL, "share of rows with the same output"] = None


@dataclass(frozen=True)
class AdapterEffect:
    """how far the adapter moves the logits"""

    max_logit_difference: Annotated[float | None, "largest difference of a logit at the first token"]
    first_token_changed: Annotated[float | None, "share of rows whose first token it changes"]
    fused_logit_difference: Annotated[
        float | None, OPTIONAL, "largest difference of a logit between the adapter and what mlx_lm.fuse writes"
    ]
    fused_bits: Annotated[int | None, OPTIONAL, "bits to which mlx_lm.fuse quantises a quantised base again"] = None
    fused_dequantized_logit_difference: Annotated[
        float | None, OPTIONAL, "the same difference where it is fused with --dequantize"
    ] = None


@dataclass(frozen=True)
class Overlap:
    """what of the test is known in training"""

    exact: Annotated[float | None, "share of test prompts that are training prompts, word for word"]
    near: Annotated[
        float | None, "share of the others that are nearly: Jaccard similarity of word triples at least 0.6"
    ]
    leaked_rows: Annotated[Count, "test rows of either kind"]


@dataclass(frozen=True)
class ValidInTrain(Overlap):
    """what of the validation is known in training"""

    exact: Annotated[float | None, "share of validation prompts that are training prompts, word for word"]
    near: Annotated[float | None, "share of the others that are nearly"]
    leaked_rows: Annotated[Count, "validation rows of either kind"]


@dataclass(frozen=True)
class TestInValid(Overlap):
    """what of the test is known in the validation"""

    exact: Annotated[float | None, "share of test prompts that are validation prompts, word for word"]
    near: Annotated[float | None, "share of the others that are nearly"]


@dataclass(frozen=True)
class UnseenLabels:
    """classes of the test that never occur in training"""

    rows_share: Annotated[float | None, "share of test rows that hold one"]
    labels: Annotated[Labels, "the classes by field"]


@dataclass(frozen=True)
class Leaks:
    """what of the test is known in training"""

    test_in_train: Annotated[Overlap, INLINE]
    valid_in_train: ValidInTrain
    test_in_valid: TestInValid
    repeated: Annotated[float, Limits(0), "largest share of a split's prompts that repeat an earlier one of it"]
    answered: Annotated[float, Limits(0), 'share of test prompts that spell out an answer, as "field: value"']
    split_strategy: Annotated[str, "split.strategy; column for a predefined split"]
    later_rows: Annotated[Count, "training and validation rows later than the first test row"]
    shared_groups: Annotated[Count, "values of split.group_by in more than one split"]
    format_differences: Annotated[Sequence[str] | None, "line starts that one split's prompts have and another's lack"]
    unseen_labels: UnseenLabels
    untested_labels: Annotated[
        Labels | None, "classes of a tenth of the training rows or more that no test row holds, by field"
    ]


@dataclass(frozen=True)
class Memorisation:
    """true completions written word for word"""

    train_verbatim: Annotated[float | None, "share on training rows"]
    valid_verbatim: Annotated[float | None, "share on validation rows"]
    p_value: Annotated[float | None, "Fisher's exact test, one-sided"]
    result: Annotated[Literal["more_on_training", "not_told_apart"], "in words"]


@dataclass(frozen=True)
class Difficulty:
    """whether the training data are too easy"""

    base_score_on_train: Annotated[float | None, "the base model's mean score on training rows"]
    linear_score_on_train: Annotated[float | None, "that of a linear model that was fitted without them"]
    result: Annotated[Literal["too_easy", "fine"], "too_easy where either is 0.95 or more"]


@dataclass(frozen=True)
class Forgetting:
    """loss on general text, nats a token"""

    base_loss: Annotated[float | None, "of the base model"]
    adapter_loss: Annotated[float | None, "with the adapter"]
    rise: Annotated[float | None, "adapter less base"]


@dataclass(frozen=True)
class FieldStability:
    """one field"""

    same_answer: Annotated[float | None, "mean share of the most common answer"]
    standard_deviation: Annotated[float | None, OPTIONAL, "mean standard deviation of a number's answers"]


@dataclass(frozen=True)
class Stability:
    """agreement of sampled outputs; null where evaluate.num_generations is 1"""

    rows: Annotated[Count, "rows"]
    generations: Annotated[int, Limits(2), "outputs a row"]
    same_output: Annotated[float | None, "mean share of the most common output"]
    fields: Annotated[Mapping[str, FieldStability], "agreement by field"]


@dataclass(frozen=True)
class Diagnostics:
    """what else the outputs say of the model"""

    memorisation: Memorisation
    difficulty: Difficulty
    forgetting: Forgetting
    stability: Stability | None


@dataclass(frozen=True)
class Scores:
    """what predictions, the target schema and the rules of scoring determine"""

    rows: Annotated[Count, "test rows"]
    generated: Annotated[Count, "test rows that were generated for"]
    loss_reduction: Annotated[
        float | None, "relative fall of the test loss from the base model's; null without the arm base"
    ]
    fields_worse_than_base: Annotated[
        int | None, "fields that the adapter answers worse than the base; null without the arm base"
    ]
    most_invented: Annotated[
        float | None,
        OPTIONAL,
        "the largest share, of the rows of a field whose truth has no value, for which the adapter writes one: lower end of its interval",
    ]
    baselines_not_beaten: Annotated[Sequence[str], "baselines that score no worse than the adapter"]
    scales: Annotated[
        Mapping[str, float],
        Digits(17),
        "by field, the error from which a number without bounds scores 0: from the 1st to the 99th percentile of the training split",
    ]
    relaxed: Annotated[
        Sequence[str], "what of the target schema decoding cannot hold, so that constrained outputs may break it"
    ]
    arms: Annotated[
        Mapping[str, Arm],
        "figures by arm, those of the baselines majority and linear among them",
    ]
    comparisons: Annotated[Mapping[str, Comparison], "paired comparisons, first arm against the second"]

    def arm(self, name: str) -> Arm:
        """The figures of one arm; none where it was not run."""
        return self.arms.get(name, Arm())

    def comparison(self, one: str, other: str) -> Comparison:
        """How one arm compares with another; empty where they were not compared."""
        return self.comparisons.get(f"{one}_vs_{other}", Comparison())


@dataclass(frozen=True)
class Look:
    """which adapter was judged on which test split: how often a split has been asked follows from these"""

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
