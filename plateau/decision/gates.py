"""Gates: figures against limits; plateau/decision/judging.py holds a run to them.

A gate is one entry of GATES. Its limit is a param of the section gates, with its default, or a word that is fixed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from plateau.core.figures import value_of
from plateau.core.param import SHARE, Param, integer, number
from plateau.decision import gate_figures
from plateau.decision.gate_figures import Figure, of_scrutiny
from plateau.evaluation.arms import NAMES as ARM_NAMES
from plateau.evaluation.arms import PROMPTED, entry
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.gates import Rule

GAIN_OVER = "score_gain_over_"
LOWER = "the lower end of its interval"
LEAST_ROWS = 30  # an interval from fewer rows decides for nothing


@dataclass(frozen=True)
class Gate:
    """One gate: the figure, from metrics/overfit.json and metrics/evaluate.json, must stand to the limit as `rule` says.

    Without `evidence` nothing can be decided, and failing it is no fault of the model, nor can it be waived; failing one with a
    `rival`, an arm, says that the rival does as well. `why` says what the gate keeps from shipping. `rows` are those behind the
    interval of which the figure is an end. `end` says which one, where it is. `least` is what the limit is at least, whatever params say.
    """

    criterion: str
    rule: Rule
    limit: Param | str
    figure: Figure
    why: str
    evidence: bool = False
    rival: str | None = None
    asked: Callable[[Evaluate], bool] = lambda _: True
    rows: Callable[[Evaluate], int | None] = lambda _: None
    least: int | None = None
    end: str | None = None

    @property
    def is_gain(self) -> bool:
        """Whether the gate asks for a gain in score over its rival."""
        return self.criterion == f"{GAIN_OVER}{self.rival}"

    def target(self, params: Mapping[str, Any]) -> float | str:
        """The limit that the section gates of params sets."""
        if isinstance(self.limit, str):
            return self.limit
        limit: float = params[self.limit.name]
        return limit if self.least is None else max(limit, self.least)


def _by_time(evaluate: Evaluate) -> bool:
    return evaluate.leaks.split_strategy == "time"


_MANY = 1_000_000_000
_TEST_ROWS = Param(
    "min_test_rows",
    integer(1, _MANY),
    100,
    "fewest test rows on which a decision may rest",
    f"; less than {LEAST_ROWS} counts as {LEAST_ROWS}",
)
_LEAKED = Param(
    "max_leaked",
    SHARE,
    0.01,
    "largest share of test prompts that stand among the training prompts",
    ", word for word or nearly",
)
_GAIN = Param(
    "min_gain",
    SHARE,
    0.01,
    "gain in score over each opponent that the lower end of its interval must exceed",
    "; a smaller one is no gain",
)
ALWAYS = {
    "base": "a gain over the base model that may be chance",
    "majority": "a model that answers no better than one answer for all",
    "linear": "an adapter that is no better than a linear model on word counts",
}
REGISTERED = (*ALWAYS, *(name for name in entry("adapter").opponents if name not in ALWAYS))


def _gain_gate(name: str) -> Gate:
    """The adapter must beat an opponent; one that is not of ALWAYS only where it was run."""
    told = "an adapter that is no better than the base model that was told what to do"
    return Gate(
        f"{GAIN_OVER}{name}",
        ">",
        _GAIN,
        gate_figures.gain_over(name),
        ALWAYS.get(name) or (told if name in PROMPTED else f"an adapter that is no better than {name}"),
        rival=name,
        asked=lambda evaluate: name in ALWAYS or name in evaluate.arms,
        rows=lambda evaluate: gate_figures.rows_against(evaluate, name),
        end=LOWER,
    )


GATES = (
    Gate(
        "test_rows",
        ">=",
        _TEST_ROWS,
        lambda _, evaluate: evaluate.rows,
        "a decision on few rows",
        evidence=True,
        least=LEAST_ROWS,
    ),
    Gate(
        "generated_rows",
        ">=",
        _TEST_ROWS,
        lambda _, evaluate: evaluate.generated,
        "a decision on few outputs",
        evidence=True,
        least=LEAST_ROWS,
    ),
    Gate(
        "evidence",
        "==",
        gate_figures.SUFFICIENT,
        gate_figures.evidence,
        "training that cannot be judged",
        evidence=True,
    ),
    Gate(
        "verdict",
        "==",
        "healthy",
        gate_figures.verdict,
        "a model that learnt too little, or its training rows by heart",
    ),
    Gate(
        "adapter_effect",
        ">",
        Param("min_adapter_effect", number(0, 1_000_000), 0, "change of a logit that an adapter must exceed"),
        lambda _, evaluate: evaluate.adapter_effect.max_logit_difference,
        "an adapter that was not applied",
    ),
    Gate(
        "schema_valid",
        ">=",
        Param("schema_valid", SHARE, 0.99, "least share of schema-valid outputs"),
        lambda _, evaluate: value_of(evaluate.arm("adapter").schema_valid),
        "outputs that no program can read",
    ),
    Gate(
        "unfinished",
        "<=",
        Param("max_unfinished", SHARE, 0.01, "largest share of outputs that do not end by themselves"),
        lambda _, evaluate: evaluate.arm("adapter").unfinished,
        "a model that does not know when to stop",
    ),
    Gate(
        "loss_reduction",
        ">=",
        Param("loss_reduction", SHARE, 0.5, "least relative fall of the test loss against the base model"),
        lambda _, evaluate: evaluate.loss_reduction,
        "an adapter that is hardly better than the base model",
        rival="base",
    ),
    *(_gain_gate(name) for name in REGISTERED),
    Gate(
        "prompted_opponents",
        ">=",
        Param(
            "min_prompted_opponents",
            integer(0, len(PROMPTED)),
            1,
            "fewest arms of the base model with an instruction that the adapter is compared with",
        ),
        lambda _, evaluate: sum(name in evaluate.arms for name in PROMPTED),
        "a comparison with a base model that was not told what to do",
    ),
    Gate(
        "fields_worse_than_base",
        "<=",
        Param(
            "max_fields_worse",
            integer(0, _MANY),
            0,
            "most fields in which the adapter may be worse than the base model",
        ),
        lambda _, evaluate: evaluate.fields_worse_than_base,
        "a gain in one field that another pays for",
        rival="base",
        rows=lambda evaluate: evaluate.generated,
    ),
    Gate(
        "invented_keys",
        "<=",
        Param(
            "max_invented_keys",
            SHARE,
            0.02,
            "largest share of the values that the adapter writes for which the truth has none",
        ),
        lambda _, evaluate: evaluate.arm("adapter").invented_keys,
        "a model that makes up values where there are none",
    ),
    Gate(
        "invented_values",
        "<=",
        Param(
            "max_invented_values",
            SHARE,
            0.5,
            "largest share of a field's rows without a true value for which the adapter surely writes one",
        ),
        lambda _, evaluate: evaluate.most_invented,
        "a field that the model answers although there is nothing to say, in a target of many fields",
        rows=lambda evaluate: evaluate.generated,
    ),
    Gate(
        "leaked_test_rows",
        "<=",
        _LEAKED,
        gate_figures.leaked_test,
        "a test on rows that the model was trained or chosen on",
    ),
    Gate(
        "disguised_copies",
        "<=",
        _LEAKED,
        of_scrutiny(gate_figures.equal_rows),
        "test rows that differ from training rows in case, digits and marks alone",
    ),
    Gate(
        "leaked_valid_rows",
        "<=",
        _LEAKED,
        lambda _, evaluate: gate_figures.leaked(evaluate.leaks.valid_in_train),
        "a checkpoint chosen by rows that it was trained on",
    ),
    Gate(
        "repeated_rows",
        "<=",
        _LEAKED,
        lambda _, evaluate: evaluate.leaks.repeated,
        "one conversation counted as several",
    ),
    Gate(
        "answers_in_prompts", "<=", _LEAKED, lambda _, evaluate: evaluate.leaks.answered, "prompts that hold the answer"
    ),
    Gate(
        "shared_groups",
        "<=",
        Param(
            "max_shared_groups", integer(0, _MANY), 0, "most groups, such as customers, that may stand in two splits"
        ),
        lambda _, evaluate: evaluate.leaks.shared_groups,
        "a test on customers that the model was trained on",
    ),
    Gate(
        "later_training_rows",
        "<=",
        Param(
            "max_later_rows", integer(0, _MANY), 0, "most training rows that may be later than a row to be predicted"
        ),
        lambda _, evaluate: evaluate.leaks.later_rows,
        "training on the future",
        asked=_by_time,
    ),
    Gate(
        "prompt_format_differences",
        "<=",
        Param(
            "max_format_differences",
            integer(0, _MANY),
            0,
            "most differences of format between the prompts of two splits",
        ),
        lambda _, evaluate: gate_figures.count(evaluate.leaks.format_differences),
        "a prompt in use that is not the one trained on",
    ),
    Gate(
        "unseen_labels",
        "<=",
        Param("max_unseen_labels", SHARE, 0.02, "largest share of test rows whose class never occurs in training"),
        lambda _, evaluate: evaluate.leaks.unseen_labels.rows_share,
        "classes that the model cannot know",
    ),
    Gate(
        "untested_labels",
        "<=",
        Param("max_untested_labels", integer(0, _MANY), 0, "most classes of the training rows that no test row has"),
        lambda _, evaluate: gate_figures.named(evaluate.leaks.untested_labels),
        "classes of which the test says nothing",
    ),
    Gate(
        "drift",
        "<=",
        Param(
            "max_drift",
            number(0, 1000),
            0.25,
            "largest relative rise of the test loss over the validation loss",
            " that cannot be chance",
        ),
        gate_figures.drift,
        "a model of last month's calls",
        rows=gate_figures.drift_rows,
        end=LOWER,
    ),
    Gate(
        "forgetting",
        "<=",
        Param("max_forgetting", number(0, 1000), 3.0, "largest rise of the loss on general text", unit="nats a token"),
        lambda _, evaluate: evaluate.diagnostics.forgetting.rise,
        "a model that has lost its language",
    ),
    Gate(
        "novel_rows_gain",
        ">",
        _GAIN,
        of_scrutiny(gate_figures.novel_gain),
        "a gain that is there only on rows which are close to training",
        end=LOWER,
    ),
    Gate(
        "follows_conversation",
        "<=",
        Param(
            "max_context_decided",
            integer(0, _MANY),
            0,
            "most fields that the context block alone may answer as well as the whole prompt",
        ),
        of_scrutiny(gate_figures.context_decided),
        "answers that do not follow from the conversation",
    ),
    Gate(
        "worst_slice",
        "<=",
        Param(
            "max_slice_shortfall",
            SHARE,
            0.15,
            "largest shortfall in score of a group of test rows against all others",
            " that cannot be chance",
        ),
        of_scrutiny(gate_figures.worst_slice),
        "a model that is wrong for a group of rows",
        end=LOWER,
    ),
    Gate(
        "label_noise",
        "<=",
        Param(
            "max_label_noise",
            SHARE,
            0.1,
            "largest share of wrong labels",
            " that cannot be chance, in any split and field",
        ),
        of_scrutiny(gate_figures.label_noise),
        "labels too often wrong to train or to test on",
        end=LOWER,
    ),
    Gate(
        "label_noise_by_split",
        ">=",
        Param(
            "min_noise_p_value",
            SHARE,
            0.001,
            "least p-value that the training labels are wrong as often as those of another split",
        ),
        of_scrutiny(gate_figures.noise_by_split),
        "labels that are wrong in one split and right in another",
    ),
    Gate(
        "score_drop",
        "<=",
        Param(
            "max_score_drop",
            SHARE,
            0.05,
            "largest fall of the score from validation to test",
            " that cannot be chance",
        ),
        of_scrutiny(gate_figures.score_drop),
        "a score that does not hold on later rows",
        rows=lambda evaluate: evaluate.generated,
        end=LOWER,
    ),
)
MAX_LOOKS = Param(
    "max_looks",
    integer(1, _MANY),
    20,
    "different adapters that one test split may judge before gate and compare advise a fresh one",
    "; it fails nothing",
)
NAMES = tuple(gate.criterion for gate in GATES)
EVIDENCE = tuple(gate.criterion for gate in GATES if gate.evidence)


def asked(evaluate: Evaluate) -> list[Gate]:
    """The gates of a run: those of GATES that it asks for, and one for each opponent that no registry knows, such as a file's answers."""
    beside = (pair.removeprefix("adapter_vs_") for pair in evaluate.comparisons if pair.startswith("adapter_vs_"))
    others = [name for name in beside if name not in REGISTERED and name not in ARM_NAMES]
    return [gate for gate in (*GATES, *map(_gain_gate, others)) if gate.asked(evaluate)]


LIMITS = tuple({gate.limit.name: gate.limit for gate in GATES if isinstance(gate.limit, Param)}.values())
