"""The planted faults: how each is made, and what must name it (a verdict, a gate that fails, or a refusal)."""

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import tiny_task
from mlx.utils import tree_flatten
from tiny_task import Example

from plateau.core.errors import BadInputError
from plateau.core.files import read_json, write_json
from plateau.core.system import System
from plateau.lm.model import fuse, load, load_arrays, save_arrays
from plateau.prompts import chat

Splits = dict[str, list[Example]]
RECORDED = "was recorded when it was chosen"
# With these the model beats a linear model of words on each of the healthy seeds.
HEALTHY_PARAMS = {**tiny_task.LEARNT, "evaluate.num_samples": 60}
STAGES = ("train", "select", "baselines", "opponents", "external", "answers", "evaluate", "overfit_check")


@dataclass(frozen=True)
class Fault:
    """One mistake: `edit` changes the examples, `before` the system before training, `after` the chosen adapter.

    `named_by` lists what may name it: "verdict: x", a gate's criterion, or "refused: text".
    """

    name: str
    named_by: tuple[str, ...]
    edit: Callable[[Splits], None] = tiny_task.no_edit
    before: Callable[[System], None] = lambda _: None
    after: Callable[[System], None] = lambda _: None
    params: dict[str, Any] = field(default_factory=dict)
    rows: tuple[int, int, int] = (400, 60, 100)


@dataclass(frozen=True)
class Outcome:
    """What a run was found to be."""

    answer: str
    verdict: str
    failed: tuple[str, ...]
    reason: str

    def names(self, fault: Fault) -> list[str]:
        """Those of the fault's names that this outcome gives."""
        said = {*self.failed, f"verdict: {self.verdict}"}
        refused = [n for n in fault.named_by if n.startswith("refused: ") and n[9:] in self.reason]
        return [name for name in fault.named_by if name in said] + refused


def run(fault: Fault, folder: Path, tokenizer_dir: Path, seed: int = 0) -> Outcome:
    """Make the system, plant the fault, run every stage, and say what came of it."""
    options = {**HEALTHY_PARAMS, "seed": seed, **fault.params}
    system = tiny_task.system(folder, tokenizer_dir, fault.rows, fault.edit, data_seed=seed, **options)
    try:
        fault.before(system)
        tiny_task.run(system, *STAGES[:2])
        fault.after(system)
        tiny_task.run(system, *STAGES[2:])
    except BadInputError as error:
        return Outcome("refused", "", (), str(error))
    gates, verdict = read_json(system.metrics("gates")), read_json(system.metrics("overfit"))["verdict"]
    failed = tuple(row["criterion"] for row in gates["rows"] if row["status"] != "pass")
    return Outcome(gates["answer"], verdict, failed, gates["reason"])


def shuffle_labels(splits: Splits) -> None:
    """Targets that have nothing to do with their prompts, in every split."""
    for name, examples in splits.items():
        targets = [target for _, target in examples]
        random.Random(len(name)).shuffle(targets)
        splits[name] = [(content, target) for (content, _), target in zip(examples, targets, strict=True)]


def noisy_training_labels(splits: Splits) -> None:
    """Every third training target is another row's: what can only be learnt by heart."""
    examples = splits["train"]
    for i in range(0, len(examples), 3):
        examples[i] = (examples[i][0], examples[(i + 7) % len(examples)][1])


def copy_test_into_training(splits: Splits) -> None:
    """A fifth of the test rows in training."""
    splits["train"][:8] = splits["test"][:8]


def nearly_copy_test_into_training(splits: Splits) -> None:
    """The same, each with a word added."""
    splits["train"][:8] = [(f"{content} thanks", target) for content, target in splits["test"][:8]]


def other_validation_format(splits: Splits) -> None:
    """Validation prompts as another tool would write them."""
    splits["valid"] = [
        (content.replace("[CONVERSATION]\nCustomer:", "### Input\nuser said"), target)
        for content, target in splits["valid"]
    ]


def truncate_targets(splits: Splits) -> None:
    """Training and validation targets without their last key, as a limit on length leaves them."""
    for name in ("train", "valid"):
        splits[name] = [(content, {"mood": target["mood"]}) for content, target in splits[name]]


def no_anger_in_training(splits: Splits) -> None:
    """A class that training and validation never show."""
    for name in ("train", "valid"):
        splits[name] = [
            (content.replace("angry", "calm"), {**target, "mood": "calm"}) for content, target in splits[name]
        ]


def later_training_rows(system: System) -> None:
    """Training rows from after the test."""
    table = pq.read_table(system.split("train"))
    late = pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * len(table), table["start_utc"].type)
    pq.write_table(table.set_column(table.column_names.index("start_utc"), "start_utc", late), system.split("train"))


def teach_base(system: System) -> None:
    """Make the base model one that has learnt the task already."""
    tiny_task.run(system, "train", "select")
    network, _ = load(system.path("models", "base"), system.path("adapters", "best"))
    fuse(network)
    arrays = dict(tree_flatten(network.parameters()))
    save_arrays(system.path("models", "base", "model.safetensors"), arrays, {"format": "mlx"})


def teach_base_then_shuffle(system: System) -> None:
    """A base that knows the task, and training rows that teach it wrong."""
    teach_base(system)
    draw = random.Random(5)
    splits: Splits = {name: [tiny_task.example(draw) for _ in range(n)] for name, n in (("train", 200), ("valid", 40))}
    shuffle_labels(splits)
    tokenizer = chat.load_tokenizer(system.path("models", "base"))
    for name, examples in splits.items():
        tiny_task.write_split(system, name, examples, tokenizer)


def teach_base_general_text(system: System) -> None:
    """Make the base model one that knows the general probe, so that it has something to forget."""
    from plateau.evaluation import general_text
    from plateau.lm.backend import mx, nn, optim

    network, tokenizer = load(system.path("models", "base"))
    rows = [mx.array([tokenizer.encode(sentence)]) for sentence in general_text.SENTENCES]

    def loss(model: nn.Module, ids: mx.array) -> mx.array:
        return nn.losses.cross_entropy(model(ids[:, :-1]), ids[:, 1:], reduction="mean")

    network.train()
    optimizer, gradient = optim.Adam(learning_rate=3e-3), nn.value_and_grad(network, loss)
    for _ in range(10):
        for ids in rows:
            optimizer.update(network, gradient(network, ids)[1])
            mx.eval(network.parameters(), optimizer.state)
    arrays = dict(tree_flatten(network.parameters()))
    save_arrays(system.path("models", "base", "model.safetensors"), arrays, {"format": "mlx"})


def adapter_of_zeros(system: System) -> None:
    """The base model's own weights in place of trained ones: an adapter that was never applied."""
    base = dict(tree_flatten(load(system.path("models", "base"))[0].parameters()))
    path = system.path("adapters", "best", "adapters.safetensors")
    save_arrays(path, {name: base[name] for name in load_arrays(path)})


def adapter_of_another_model(system: System) -> None:
    """An adapter whose arrays are twice as tall."""
    path = system.path("adapters", "best", "adapters.safetensors")
    arrays = load_arrays(path)
    save_arrays(path, {name.replace("layers.1", "layers.9"): array for name, array in arrays.items()})


def change_adapter(system: System, change: Callable[[Any], Any]) -> None:
    """Each array of the chosen adapter as `change` makes it."""
    path = system.path("adapters", "best", "adapters.safetensors")
    save_arrays(path, {name: change(array) for name, array in load_arrays(path).items()})


def noise_adapter(system: System) -> None:
    """Random arrays of the right shapes."""
    from plateau.lm.backend import mx

    change_adapter(system, lambda array: 0.05 * mx.random.normal(array.shape, key=mx.random.key(1)))


def nan_adapter(system: System) -> None:
    """An adapter that broke while it was written."""
    change_adapter(system, lambda array: array * float("nan"))


def swapped_adapter(system: System) -> None:
    """The adapter of another training, which fits as well."""
    best = system.path("adapters", "best")
    other = system.path("adapters", "checkpoints", "0000030", "adapters.safetensors")
    shutil.copyfile(other, best / "adapters.safetensors")


def edited_scale(system: System) -> None:
    """An adapter_config.json that someone has turned up."""
    path = system.path("adapters", "best", "adapter_config.json")
    config = read_json(path)
    config["lora_parameters"]["scale"] *= 3
    write_json(path, config)


def changed_base(system: System) -> None:
    """A base model that was replaced after the adapter was trained on it."""
    path = system.path("models", "base", "model.safetensors")
    save_arrays(path, {name: 1.5 * array for name, array in load_arrays(path).items()}, {"format": "mlx"})


def changed_template(system: System) -> None:
    """A chat template that was edited after training."""
    path = system.path("models", "base", "chat_template.jinja")
    path.write_text(path.read_text().replace("<|", "### "))


def trained_on_another_template(system: System) -> None:
    """Training and validation token files rendered by another chat template than the one in use."""
    tokenizer = chat.load_tokenizer(system.path("models", "base"))
    tokenizer.chat_template = tokenizer.chat_template.replace("<|", "### ")
    for number, (name, rows) in enumerate((("train", 200), ("valid", 40))):
        draw = random.Random(number)
        tiny_task.write_split(system, name, [tiny_task.example(draw) for _ in range(rows)], tokenizer)


def answers_in_prompts(splits: Splits) -> None:
    """A note of the agent's that gives the label away."""
    for name, examples in splits.items():
        splits[name] = [(f"{content}\nAgent: noted, mood: {target['mood']}", target) for content, target in examples]


def one_answer(splits: Splits) -> None:
    """The same target everywhere: nothing that the prompt decides."""
    for name, examples in splits.items():
        splits[name] = [(content, {"mood": "calm", "count": 1}) for content, _ in examples]


def one_class_in_test(splits: Splits) -> None:
    """A test of calm customers alone."""
    splits["test"] = [
        (content.replace("angry", "calm"), {**target, "mood": "calm"}) for content, target in splits["test"]
    ]


def validation_copied_from_training(splits: Splits) -> None:
    """Validation rows that are training rows."""
    splits["valid"] = splits["train"][: len(splits["valid"])]


def validation_copied_from_test(splits: Splits) -> None:
    """Checkpoints chosen on the test."""
    splits["valid"] = list(splits["test"])


def rows_repeated(name: str) -> Callable[[Splits], None]:
    """A split of few rows, each many times."""

    def edit(splits: Splits) -> None:
        splits[name] = [splits[name][i % 8] for i in range(len(splits[name]))]

    return edit


def wrong_test_labels(splits: Splits) -> None:
    """Test labels that were joined to the wrong rows."""
    targets = [target for _, target in splits["test"]]
    splits["test"] = [(content, targets[i - 7]) for i, (content, _) in enumerate(splits["test"])]


def mood_may_be_missing(system: System) -> None:
    """A target whose mood may be null."""
    path = system.schema("target")
    schema = read_json(path)
    schema["properties"]["mood"]["enum"].append(None)
    write_json(path, schema)


def no_mood_in_test(splits: Splits) -> None:
    """Test rows of which a third have no mood, which training never shows: the model invents one."""
    splits["test"] = [
        (text, {**target, "mood": None} if i % 3 == 0 else target) for i, (text, target) in enumerate(splits["test"])
    ]


def labels_from_other_rows(splits: Splits) -> None:
    """Three of ten training labels are other rows' labels."""
    draw, examples = random.Random(5), splits["train"]
    for i in range(len(examples)):
        if draw.random() < 0.3:
            examples[i] = (examples[i][0], draw.choice(examples)[1])


def outcome_in_the_context(splits: Splits) -> None:
    """A code in the context block from which the label follows; the words do not tell it."""
    codes = {"calm": "R1", "angry": "R2"}
    for name, examples in splits.items():
        draw = random.Random(len(name))
        for i, (content, target) in enumerate(examples):
            mood = draw.choice(("calm", "angry"))
            block = f"[TEMPORAL CONTEXT]\noutcome: {codes[mood]}"
            examples[i] = (f"{block}\n\n{content}", {**target, "mood": mood})


def wrong_for_one_group(splits: Splits) -> None:
    """Test rows of a group, known by a word, that mean the opposite; training has none of them."""
    other = {"calm": "angry", "angry": "calm"}
    for i in range(0, len(splits["test"]), 3):
        content, target = splits["test"][i]
        splits["test"][i] = (f"{content} partner", {**target, "mood": other[target["mood"]]})


def copies_in_disguise(splits: Splits) -> None:
    """A tenth of the test rows are training rows in capitals with other digits and marks."""
    for i in range(0, len(splits["test"]), 10):
        content, target = splits["train"][i]
        words = content.removeprefix("[CONVERSATION]\nCustomer: ")
        changed = "".join(str((int(char) + 3) % 10) if char.isdigit() else char.upper() for char in words)
        splits["test"][i] = (f"[CONVERSATION]\nCustomer: {changed.replace(' ', ', ')}!", target)


FAULTS = [
    Fault("training labels of other rows", ("label_noise", "label_noise_by_split"), edit=labels_from_other_rows),
    Fault("an outcome code in the context", ("follows_conversation",), edit=outcome_in_the_context),
    Fault(
        "wrong for one group of customers",
        ("worst_slice",),
        edit=wrong_for_one_group,
        rows=(400, 60, 240),
        params={"evaluate.num_samples": 240},
    ),
    Fault("training rows in disguise in the test", ("disguised_copies",), edit=copies_in_disguise),
    Fault(
        "stopped while a bag of words is better", ("score_gain_over_linear",), params={"iters": 60, "eval_every": 20}
    ),
    Fault("adapter not applied", ("refused: not applied",), after=adapter_of_zeros),
    Fault("adapter of another model", ("refused: cannot load",), after=adapter_of_another_model),
    Fault("labels shuffled", ("score_gain_over_majority",), edit=shuffle_labels),
    Fault("test rows copied into training", ("leaked_test_rows",), edit=copy_test_into_training),
    Fault("near-copies of test rows in training", ("leaked_test_rows",), edit=nearly_copy_test_into_training),
    Fault("future rows in training", ("later_training_rows",), before=later_training_rows),
    Fault("validation in another prompt format", ("prompt_format_differences",), edit=other_validation_format),
    Fault("five validation rows", ("evidence",), rows=(200, 5, 40)),
    Fault("learning rate far too high", ("verdict: unstable", "verdict: underfit"), params={"lr": 30.0}),
    Fault("learning rate far too low", ("verdict: underfit",), params={"lr": 1e-7}),
    Fault(
        "trained far past the best",
        ("verdict: overfit",),
        edit=noisy_training_labels,
        rows=(40, 40, 40),
        params={"iters": 400, "eval_every": 40, "patience": 50, "lr_schedule": "constant"},
    ),
    Fault("target fields truncated", ("schema_valid",), edit=truncate_targets),
    Fault("the base already solves it", ("score_gain_over_base", "loss_reduction"), before=teach_base),
    Fault("a class that never occurs in training", ("unseen_labels",), edit=no_anger_in_training),
    Fault(
        "base better than adapter", ("score_gain_over_base", "fields_worse_than_base"), before=teach_base_then_shuffle
    ),
    Fault("heavy forgetting", ("forgetting",), before=teach_base_general_text, params={"gates.max_forgetting": 1.0}),
    Fault("noise for an adapter", (f"refused: {RECORDED}",), after=noise_adapter),
    Fault("adapter full of NaN", ("refused: NaN",), after=nan_adapter),
    Fault("adapter of another training", (f"refused: {RECORDED}",), after=swapped_adapter),
    Fault(
        "adapter's scale edited",
        (f"refused: {RECORDED}",),
        after=edited_scale,
        params={"fine_tune_type": "lora", "lr": 0.02},
    ),
    Fault("base model replaced after training", (f"refused: {RECORDED}",), after=changed_base),
    Fault(
        "chat template changed after training", ("refused: differs from the one trained on",), after=changed_template
    ),
    Fault(
        "trained on another chat template",
        ("refused: differs from the one trained on",),
        before=trained_on_another_template,
    ),
    Fault(
        "labels invented where the truth has none",
        ("invented_keys",),
        edit=no_mood_in_test,
        before=mood_may_be_missing,
        params={"gates.max_unseen_labels": 1.0},
    ),
    Fault("answers in the prompts", ("answers_in_prompts",), edit=answers_in_prompts),
    Fault("one answer for every row", ("score_gain_over_majority",), edit=one_answer),
    Fault("a test of one class", ("untested_labels",), edit=one_class_in_test),
    Fault("test labels of other rows", ("drift",), edit=wrong_test_labels),
    Fault("validation copied from training", ("leaked_valid_rows",), edit=validation_copied_from_training),
    Fault("validation copied from the test", ("leaked_test_rows",), edit=validation_copied_from_test),
    Fault("eight training rows, many times", ("repeated_rows",), edit=rows_repeated("train")),
    Fault("eight test rows, many times", ("repeated_rows",), edit=rows_repeated("test")),
    Fault("ten test rows", ("test_rows",), rows=(200, 40, 10)),
    Fault("three outputs", ("generated_rows",), params={"evaluate.num_samples": 3}),
]
HEALTHY = Fault("healthy", ())
