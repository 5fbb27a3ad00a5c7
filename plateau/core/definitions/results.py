"""The params of what is measured, decided and reported."""

from plateau.core.param import (
    SHARE,
    Definitions,
    Param,
    Section,
    Values,
    between,
    choice,
    integer,
    listed,
    nullable,
    number,
    positive,
    text,
)
from plateau.decision.gates import LIMITS, MAX_LOOKS
from plateau.evaluation.arms import RUN

MANY = 1_000_000_000
ARMS = tuple(arm.name for arm in RUN)
NEEDED = tuple(arm.name for arm in RUN if arm.needed)

SCORES: Values = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "kind": {
                "type": "string",
                "enum": ["exact", "text", "set", "ignore"],
                "description": "equal or not, by shared words, as items in any order, or not at all",
            },
            "ordered": {"type": "boolean", "description": "whether the order of a list's items counts"},
            "weight": {
                "type": "number",
                "minimum": 0,
                "maximum": 1_000_000,
                "description": "what it counts in a row's mean; 1 else",
            },
        },
    },
}

CRITERION: Values = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "file", "figure", "rule", "target"],
    "properties": {
        "name": {
            "type": "string",
            "pattern": "^[a-z][a-z0-9_]*$",
            "examples": ["churn_rank"],
            "description": "what it is called in the gates",
        },
        "file": text(description="metrics file that holds the figure, such as evaluate"),
        "figure": text(description="path of the figure in it, such as arms.adapter.fields.churn_risk.spearman"),
        "bound": {
            "enum": ["low", "high", "value", None],
            "description": "end of the figure's interval; null for the unfavourable one",
        },
        "rule": {**choice(">=", ">", "<=", "<", "=="), "description": "how the figure must stand to the target"},
        "target": {"type": ["number", "string", "boolean"], "description": "what it is held against"},
        "why": {"type": "string", "description": "what it keeps from shipping"},
    },
}

RESULTS: Definitions = (
    Section(
        "evaluate",
        "what is measured on the held-out test split",
        (
            Param(
                "arms",
                listed({"enum": list(ARMS), "type": "string"}, needed=NEEDED, minItems=1),
                list(ARMS),
                f"what is compared; {' and '.join(NEEDED)} are needed",
                f", the others are {', '.join(arm for arm in ARMS if arm not in NEEDED)}",
            ),
            Param(
                "scores",
                SCORES,
                {},
                "how fields are scored where their schema does not say it well, by name: {field: {kind: text, weight: 2}}",
                "; docs/scoring.md says what there is",
            ),
            Param(
                "num_samples",
                nullable(integer(1, MANY)),
                120,
                "test rows that are generated for, evenly spaced; null for all",
                "; losses always cover the whole test split",
            ),
            Param(
                "batch_size",
                integer(1, 1_000_000),
                60,
                "rows decoded together; a quarter of them in a pass over whole sequences",
            ),
            Param("max_tokens", integer(1, 100_000_000), 512, "longest output in tokens"),
            Param("bootstrap_samples", integer(100, 1_000_000), 1000, "resamples of every confidence interval"),
            Param("confidence", between(0.5, 1), 0.95, "coverage of the confidence intervals"),
            Param(
                "num_generations",
                integer(1, 10_000),
                1,
                "outputs sampled for each of stability_samples rows; 1 for none",
                "; more show whether the model agrees with itself",
            ),
            Param(
                "temperature",
                positive(5),
                0.7,
                "temperature of the stability samples",
                "; everything else is greedy",
            ),
            Param(
                "stability_samples",
                integer(1, MANY),
                100,
                "test rows that are sampled from num_generations times",
            ),
            Param(
                "price_input",
                nullable(number(0, MANY)),
                None,
                "price of a million prompt tokens, in your currency; null leaves the cost out",
            ),
            Param(
                "price_output",
                nullable(number(0, MANY)),
                None,
                "price of a million generated tokens; null leaves the cost out",
            ),
            Param(
                "instruction",
                nullable(text()),
                None,
                "instruction of the arms base_prompted and base_few_shot",
                "; null for one made of the target schema",
            ),
            Param(
                "few_shot",
                integer(0, 100),
                3,
                "training examples in a prompt of the arm base_few_shot, those most like the row",
            ),
            Param(
                "diagnostic_rows",
                integer(1, MANY),
                64,
                "training and validation rows, each, that are generated for",
                ": memorisation, and whether the base already knows",
            ),
        ),
    ),
    Section(
        "overfit",
        "when a curve counts as overfitting",
        (
            Param(
                "val_rise",
                number(0, 1000),
                0.05,
                "relative rise of the validation loss over its best that marks overfitting",
            ),
            Param("min_valid_rows", integer(2, MANY), 30, "fewest validation rows on which a verdict may rest"),
            Param(
                "min_reduction",
                SHARE,
                0.05,
                "relative fall of the validation loss from the base model's below which nothing was learnt",
            ),
            Param(
                "still_falling",
                SHARE,
                0.05,
                "relative fall at the last evaluation point above which training ended too early",
            ),
        ),
    ),
    Section(
        "gates",
        "what must hold before a checkpoint ships",
        (
            *LIMITS,
            Param(
                "criteria",
                {"type": "array", "items": CRITERION},
                [],
                "gates of your own, a list of {name, file, figure, bound, rule, target, why}",
                "; docs/reading-the-report.md shows how",
            ),
            Param(
                "waived",
                {"type": "object", "additionalProperties": text()},
                {},
                "gates that may fail, by name, each with the reason",
                "; report, model card and gate show it",
            ),
            MAX_LOOKS,
        ),
    ),
    Section(
        "report",
        "the report and the model card",
        (
            Param("title", text(), "My system", "title of the report"),
            Param(
                "license",
                {"type": ["string", "null"], "pattern": r"^[a-z0-9][a-z0-9.+-]*$", "examples": ["apache-2.0"]},
                None,
                "licence of the adapter on its model card, as the hub writes it (apache-2.0, mit, other); null for not set",
            ),
            Param("license_name", nullable(text()), None, "name of a licence that is other; null for none"),
            Param(
                "license_link",
                {
                    "type": ["string", "null"],
                    "pattern": r"^(https?://\S+|[\w./-]+)$",
                    "examples": ["https://example.org/licence"],
                },
                None,
                "address of that licence; null for none",
            ),
        ),
    ),
)
