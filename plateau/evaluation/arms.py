"""The arms of an evaluation, an entry each: params, comparisons, the order and colours of charts, docs and tests follow from here."""

from dataclasses import dataclass

MODELS = ("base", "adapter", "fused")  # in the order in which they run; a baseline has none
PROBE = "probe"  # as a split in the predictions: the training rows whose loss training records at each evaluation point


@dataclass(frozen=True)
class Entry:
    """One arm: which model answers, whether the target's schema holds its outputs, and the arms that it is compared with.

    `drawn` is its place in charts, from 1. An arm that is `needed` cannot be left out of evaluate.arms. `prompt` is what the model
    is told: what the adapter is trained on (None), `prompted` with an instruction made of the target schema, `few_shot` with
    training examples too. `label` names an opponent in a sentence.
    """

    name: str
    colour: str
    drawn: int
    model: str | None = None
    constrained: bool = False
    opponents: tuple[str, ...] = ()
    needed: bool = False
    prompt: str | None = None
    label: str = ""

    @property
    def answers(self) -> str:
        """What answers: the model, or the baseline itself; the column `arm` of the predictions."""
        return f"{self.model}_{self.prompt}" if self.prompt else self.model or self.name


_TOLD = "the base model with an instruction"
_SHOWN = "the base model with an instruction and examples"
# What a user would run instead of the adapter.
_OPPONENTS = (
    *("base", "base_prompted", "base_prompted_constrained", "base_few_shot", "base_few_shot_constrained"),
    *("majority", "linear"),
)
ARMS = (
    Entry("adapter", "#3b82c4", 1, "adapter", opponents=_OPPONENTS, needed=True),
    Entry("adapter_constrained", "#2f9461", 2, "adapter", True, ("base_constrained", "adapter")),
    Entry("base", "#808080", 4, "base", needed=True, label="the base model"),
    Entry("base_constrained", "#8a6fb3", 5, "base", True, ("base",)),
    Entry("base_prompted", "#b8741a", 8, "base", prompt="prompted", label=_TOLD),
    Entry(
        "base_prompted_constrained",
        "#94713a",
        9,
        "base",
        True,
        ("base_prompted",),
        prompt="prompted",
        label=f"{_TOLD}, held to the schema",
    ),
    Entry("base_few_shot", "#b0559a", 10, "base", prompt="few_shot", label=_SHOWN),
    Entry(
        "base_few_shot_constrained",
        "#9a5a8a",
        11,
        "base",
        True,
        ("base_few_shot",),
        prompt="few_shot",
        label=f"{_SHOWN}, held to the schema",
    ),
    Entry("fused", "#c9711a", 3, "fused", opponents=("adapter",)),
    Entry("majority", "#a8860f", 7, label="the most frequent answer"),
    Entry("linear", "#d1495b", 6, label="the linear model on word counts"),
)
RUN = tuple(arm for model in MODELS for arm in ARMS if arm.model == model)
BASELINES = tuple(arm.name for arm in ARMS if arm.model is None)
NAMES = (*(arm.name for arm in RUN), *BASELINES)
PROMPTED = tuple(arm.name for arm in ARMS if arm.prompt)
PAIRS = tuple((arm.name, other) for arm in ARMS for other in arm.opponents)
COLOURS = {arm.name: arm.colour for arm in sorted(ARMS, key=lambda arm: arm.drawn)}
_BY_ANSWER = {(arm.answers, arm.constrained): arm.name for arm in ARMS}


def entry(name: str) -> Entry:
    """The arm of a name."""
    return next(arm for arm in ARMS if arm.name == name)


def label_of(name: str) -> str:
    """An opponent in a sentence; its name, where no entry knows it."""
    return next((arm.label or name for arm in ARMS if arm.name == name), name)


def name_of(answers: str, constrained: bool) -> str | None:
    """The name of the arm whose predictions have these values of `arm` and `constrained`; None for one of another version."""
    return _BY_ANSWER.get((answers, constrained))
