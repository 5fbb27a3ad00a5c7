"""The stage evaluate end to end on a task that a tiny model learns, every figure recomputed by other means, and its refusals."""

import json
import math
import shutil

import jsonschema
import numpy as np
import pyarrow.parquet as pq
import pytest
import tiny_task
from mlx.utils import tree_flatten
from sklearn import metrics

from plateau.core import files, params
from plateau.core.errors import BadInputError
from plateau.core.figures import to_json
from plateau.core.system import System
from plateau.data import fields
from plateau.evaluation import diagnostics, figures, leaks, predictions, rows, samples
from plateau.evaluation.arms import RUN, entry
from plateau.lm.backend import mx
from plateau.lm.model import load, load_arrays, save_arrays
from stages import baselines, overfit_check
from tests.contracts import metrics_problems

ARMS = [arm.name for arm in RUN]
EVALUATION = ("baselines", "opponents", "external", "answers", "evaluate")


def read(system: System, name: str):
    return files.read_json(system.metrics(name))


def rows_of(system: System, arm: str, sample: int = 0):
    table = pq.read_table(system.path("data", "predictions.parquet")).to_pylist()
    wanted = (entry(arm).answers, entry(arm).constrained, "test", sample)
    return [row for row in table if tuple(row[key] for key in ("arm", "constrained", "split", "sample")) == wanted]


def test_a_learnt_task_ships(trained):
    assert (read(trained, "overfit")["verdict"], read(trained, "gates")["answer"]) == ("healthy", "ship")


@pytest.mark.parametrize("name", ["selection", "evaluate", "overfit", "gates", "confusion"])
def test_metrics_obey_their_schemas(trained, name):
    assert metrics_problems(name, read(trained, name)) == []


@pytest.mark.parametrize("arm", ["base", "adapter", "fused"])
def test_losses_and_both_perplexities_follow_from_the_predictions(trained, arm):
    figures, rows = read(trained, "evaluate")["arms"][arm], rows_of(trained, arm)
    assert len(rows) == 40
    loss = sum(row["loss_sum"] for row in rows) / sum(row["tokens"] for row in rows)
    each = [math.exp(row["loss_sum"] / row["tokens"]) for row in rows]
    assert figures["loss"] == pytest.approx(loss, rel=1e-5)
    assert figures["perplexity"] == pytest.approx(math.exp(loss), rel=1e-5)
    assert figures["example_perplexity_mean"] == pytest.approx(sum(each) / 40, rel=1e-5)
    assert figures["example_perplexity_median"] == pytest.approx(np.median(each), rel=1e-5)
    assert figures["example_perplexity_sd"] == pytest.approx(np.std(each, ddof=1), rel=1e-5)
    assert figures["loss_low"] <= figures["loss"] <= figures["loss_high"]


@pytest.mark.parametrize("arm", ARMS)
def test_scores_follow_from_the_predictions(trained, arm):
    figures = read(trained, "evaluate")["arms"][arm]
    rows = [row for row in rows_of(trained, arm) if row["output"] is not None]
    assert len(rows) == tiny_task.DEFAULTS["evaluate.num_samples"]
    golds, guesses, valid = [json.loads(row["gold"]) for row in rows], [], []
    for row in rows:
        try:
            guess = json.loads(row["output"])
            jsonschema.validate(guess, tiny_task.SCHEMA)
            valid.append(True)
        except (ValueError, jsonschema.ValidationError):
            guess = {}
            valid.append(False)
        guesses.append(guess)
    assert figures["schema_valid"] == pytest.approx(np.mean(valid), rel=1e-5)
    moods = [gold["mood"] for gold in golds], [guess.get("mood", "none") for guess in guesses]
    assert figures["fields"]["mood"]["accuracy"] == pytest.approx(metrics.accuracy_score(*moods), rel=1e-5)
    errors = [
        abs(guess["count"] - gold["count"]) for gold, guess in zip(golds, guesses, strict=True) if "count" in guess
    ]
    assert figures["fields"]["count"]["mae"] == (pytest.approx(np.mean(errors), rel=1e-5) if errors else None)


@pytest.mark.parametrize("arm", ["base", "adapter"])
def test_losses_are_those_of_stock_mlx_lm(trained, arm):
    from mlx_lm.tuner.trainer import default_loss

    adapter = trained.path("adapters", "best") if arm == "adapter" else None
    network, _ = load(trained.path("models", "base"), adapter)
    split = samples.open_split(trained, "test", None)
    for i, row in enumerate(rows_of(trained, arm)[:5]):
        ids, start = split.tokens.ids(i), int(split.tokens.completion_start[i])
        loss, tokens = default_loss(network, mx.array(np.array(ids)[None]), mx.array([[start, len(ids) - 1]]))
        assert row["tokens"] == tokens.item()
        assert row["loss_sum"] == pytest.approx(loss.item() * tokens.item(), rel=1e-4)


def test_constrained_arms_are_always_valid(trained):
    found = read(trained, "evaluate")["arms"]
    assert {found[arm.name]["schema_valid"] for arm in RUN if arm.constrained} == {1.0}
    assert found["base"]["schema_valid"] < 0.5


def test_the_fused_model_agrees_with_the_adapter(trained):
    found = read(trained, "evaluate")
    assert found["adapter_effect"]["fused_logit_difference"] < 1e-3
    assert found["arms"]["fused"]["loss"] == pytest.approx(found["arms"]["adapter"]["loss"], rel=1e-4)
    assert found["comparisons"]["fused_vs_adapter"]["score"]["result"] == "not_told_apart"


def test_the_adapter_is_told_apart_from_the_base_and_the_majority(trained):
    found = read(trained, "evaluate")["comparisons"]
    assert found["adapter_vs_base"]["loss"]["result"] == "better"
    assert found["adapter_vs_base"]["score"]["result"] == "better"
    assert found["adapter_vs_majority"]["score"]["result"] == "better"


def test_stability_counts_the_sampled_outputs(trained):
    found = read(trained, "evaluate")["diagnostics"]["stability"]
    assert (found["rows"], found["generations"]) == (5, 3)
    assert [len(rows_of(trained, "adapter", sample)) for sample in (1, 2, 3, 4)] == [5, 5, 5, 0]
    assert 1 / 3 <= found["same_output"] <= 1


def test_evaluating_again_writes_the_same_bytes(trained):
    names = ("evaluate", "confusion")
    before = [trained.metrics(name).read_bytes() for name in names]
    tiny_task.run(trained, *EVALUATION)
    assert [trained.metrics(name).read_bytes() for name in names] == before


def test_figures_need_no_model(trained):
    table = pq.read_table(trained.path("data", "predictions.parquet"))
    found = to_json(figures.figures(predictions.arms(table), tiny_task.SCHEMA, figures.Settings(200, 0.95, 0)))
    assert found == {key: read(trained, "evaluate")[key] for key in found}


@pytest.fixture
def copy(trained, tmp_path) -> System:
    """The trained system, to be broken."""
    shutil.copytree(trained.path(), tmp_path / "copy")
    return System(tmp_path / "copy")


def change_adapter(system: System, change) -> None:
    path = system.path("adapters", "best", "adapters.safetensors")
    save_arrays(path, {name: change(name, array) for name, array in load_arrays(path).items()})


def test_an_adapter_that_changes_nothing_is_refused(copy):
    base = dict(tree_flatten(load(copy.path("models", "base"))[0].parameters()))
    change_adapter(copy, lambda name, _: base[name])
    with pytest.raises(BadInputError, match="not applied"):
        tiny_task.run(copy, "answers")


def test_an_adapter_of_another_model_is_refused(copy):
    path = copy.path("adapters", "best", "adapters.safetensors")
    save_arrays(path, {name.replace("layers.1", "layers.7"): array for name, array in load_arrays(path).items()})
    with pytest.raises(BadInputError, match="cannot load"):
        tiny_task.run(copy, "answers")


def test_an_adapter_of_other_shapes_is_refused(copy):
    change_adapter(copy, lambda _, array: mx.concatenate([array, array]))
    with pytest.raises(BadInputError, match="cannot load"):
        tiny_task.run(copy, "answers")


def test_an_adapter_that_was_swapped_is_refused(copy):
    other = copy.path("adapters", "checkpoints", "0000030")
    shutil.copyfile(other / "adapters.safetensors", copy.path("adapters", "best", "adapters.safetensors"))
    with pytest.raises(BadInputError, match="was recorded when it was chosen"):
        tiny_task.run(copy, "answers")


def test_an_adapter_of_noise_is_refused(copy):
    change_adapter(copy, lambda _, array: 0.05 * mx.random.normal(array.shape, key=mx.random.key(0)))
    with pytest.raises(BadInputError, match="was recorded when it was chosen"):
        tiny_task.run(copy, "answers")


def test_an_adapter_altered_too_little_to_show_in_the_loss_is_refused(copy):
    change_adapter(copy, lambda _, array: array * 1.0001)
    with pytest.raises(BadInputError, match="not the checkpoint"):
        tiny_task.run(copy, "answers")


def test_an_adapter_full_of_nan_is_refused(copy):
    change_adapter(copy, lambda _, array: array * float("nan"))
    with pytest.raises(BadInputError, match="NaN"):
        tiny_task.run(copy, "answers")


def turn_up_the_scale(system):
    path = system.path("adapters", "best", "adapter_config.json")
    config = files.read_json(path)
    files.write_json(path, {**config, "lora_parameters": {**config.get("lora_parameters", {}), "scale": 20.1}})


def scale_the_base(system):
    path = system.path("models", "base", "model.safetensors")
    save_arrays(path, {name: array * 1.001 for name, array in load_arrays(path).items()}, {"format": "mlx"})


def turn_a_target(system):
    table = pq.read_table(system.split("test"))
    first = json.loads(table["target"][0].as_py())
    targets = [json.dumps({**first, "count": first["count"] % 3 + 1}), *table["target"].to_pylist()[1:]]
    pq.write_table(table.set_column(table.column_names.index("target"), "target", [targets]), system.split("test"))


EDITS = {"adapter_config.json": turn_up_the_scale, "model.safetensors": scale_the_base, "test.parquet": turn_a_target}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_after_the_choice_is_seen_when_the_adapter_is_asked(copy, name):
    EDITS[name](copy)
    with pytest.raises(BadInputError, match=name):
        tiny_task.run(copy, "answers")


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_after_generation_is_seen_when_the_figures_are_computed(copy, name):
    EDITS[name](copy)
    with pytest.raises(BadInputError, match=name):
        tiny_task.run(copy, "evaluate")


def test_the_manifest_names_base_adapter_schema_test_and_code_and_the_gates_name_it(trained):
    found = files.read_json(trained.path("adapters", "evaluated.json"))
    assert set(found) == {"base", "adapter", "test", "target", "predictions", "code"}
    assert found["adapter"]["adapters/best/adapters.safetensors"] == files.sha256(
        trained.path("adapters", "best", "adapters.safetensors")
    )
    assert {"models/base/model.safetensors", "models/base/tokenizer.json"} <= set(found["base"])
    assert {"data/split/test.parquet", "target.schema.json"} <= set(found["test"])
    assert {"prompts/chat.py", "evaluation/scoring.py", "kinds/number.py"} <= set(found["code"])
    assert read(trained, "gates")["evaluated"] == files.sha256(trained.path("adapters", "evaluated.json"))


def test_tokens_of_other_rows_are_refused(copy):
    table = pq.read_table(copy.split("test"))
    pq.write_table(table.slice(1), copy.split("test"))
    with pytest.raises(BadInputError, match="not the rows"):
        tiny_task.run(copy, "answers")


def test_a_checkpoint_that_was_altered_is_not_selected(copy):
    weights = copy.path("adapters", "checkpoints", "0000300", "adapters.safetensors")
    weights.write_bytes(weights.read_bytes() + b" ")
    with pytest.raises(BadInputError, match="not the checkpoint"):
        tiny_task.run(copy, "select")


def test_policy_quality_generates_on_the_validation_split(copy):
    tiny_task.tiny.write_params(
        copy.path(), {**tiny_task.DEFAULTS, "selection.policy": "quality", "selection.top_k": 2}
    )
    tiny_task.run(copy, "select")
    scores = [c["score"] for c in read(copy, "selection")["candidates"] if "score" in c]
    assert len(scores) == 2
    assert max(scores) == next(c["score"] for c in read(copy, "selection")["candidates"] if c["chosen"])


def test_the_chosen_adapter_comes_with_its_tokenizer_and_a_card(trained):
    names = {path.name for path in trained.path("adapters", "best").iterdir()}
    assert {"adapters.safetensors", "adapter_config.json", "tokenizer.json", "README.md"} <= names
    sha256 = files.sha256(trained.path("adapters", "best", "adapters.safetensors"))
    assert sha256 in trained.path("adapters", "best", "README.md").read_text()


@pytest.mark.parametrize(("rows", "wanted", "found"), [(10, None, 10), (10, 3, 3), (3, 10, 3), (1, 1, 1)])
def test_sampled_rows_are_evenly_spaced(rows, wanted, found):
    sampled = samples.evenly_spaced(rows, wanted)
    assert len(set(sampled.tolist())) == found
    assert sampled[0] == 0
    assert sampled[-1] < rows


def test_copies_and_near_copies_of_training_prompts_are_found():
    words = [f"w{i}" for i in range(200)]
    train = [" ".join(words[i : i + 40]) for i in range(0, 160, 40)]
    near = train[1].replace("w50", "other").replace("w70", "else")
    found = leaks.overlap(train, [train[0].upper() + " ", near, " ".join(words[160:])], 0.7)
    assert (found.exact, found.near, found.leaked_rows) == (0.333333, 0.333333, 2)


def test_prompts_in_another_format_are_found():
    train = [f"[CONTEXT]\nday: {i}\n[CONVERSATION]\nAgent: hello {i}" for i in range(20)]
    other = [f"[CONVERSATION]\nassistant: hello {i}" for i in range(20)]
    assert leaks.format_differences({"train": train, "valid": train, "test": train[:3]}) == []
    found = leaks.format_differences({"train": train, "valid": other, "test": train})
    assert "valid lacks '[CONTEXT]', which train has" in found
    assert "train lacks 'assistant:', which valid has" in found


@pytest.mark.parametrize(
    ("rendered", "named"),
    [
        ("Classify this call.\n[CONVERSATION]\nAgent: hello {}", "valid lacks 'Analyse the contact.', which train has"),
        ("Analyse the contact.\n[CONVERSATION]\nAgent: hello {}\nAnswer in JSON.", "train lacks 'Answer in JSON.'"),
        ("Analyse the contact. [CONVERSATION] Agent: hello {}", "valid lacks 'Agent:', which train has"),
        ("analyse the contact.\n[conversation]\nAgent: hello {}", "valid lacks '[CONVERSATION]', which train has"),
    ],
)
def test_another_instruction_or_layout_is_another_format(rendered, named):
    train = [f"Analyse the contact.\n[CONVERSATION]\nAgent: hello {i}" for i in range(60)]
    found = leaks.format_differences({"train": train, "valid": [rendered.format(i) for i in range(60)], "test": train})
    assert any(difference.startswith(named) for difference in found), found


@pytest.mark.parametrize("role", ["Agent", "Call-centre agent", "1st line (bot)", "Équipe", "客服"])
def test_what_prompts_say_is_no_format(role):
    winter, summer = (
        [f"Analyse.\npeak_season: {season}\n{role}: {greeting}" for _ in range(60)]
        for season, greeting in (("true", "a warm good day to you"), ("false", "thank you for your call"))
    )
    assert leaks.format_differences({"train": winter, "valid": winter, "test": summer}) == []
    assert leaks.format_differences({"train": winter, "valid": [], "test": summer}) == []


def test_classes_that_never_occur_in_training_are_found():
    mood = fields.fields(tiny_task.SCHEMA)
    found = leaks.unseen_labels(mood, [{"mood": "calm"}], [{"mood": "calm"}, {"mood": "angry"}])
    assert to_json(found) == {"rows_share": 0.5, "labels": {"mood": ["angry"]}}


def test_later_rows_and_shared_groups_are_counted():
    from datetime import UTC, datetime

    day = [datetime(2025, 1, d, tzinfo=UTC) for d in range(1, 7)]
    assert leaks.later_rows({"train": day[:3], "valid": day[4:5], "test": [day[3], day[5]]}) == 1
    assert leaks.later_rows({"train": [day[0], day[3]], "valid": day[2:3], "test": day[4:5]}) == 1
    assert leaks.later_rows({"train": day[:2], "valid": [], "test": []}) == 0
    assert leaks.later_rows({"train": [None, day[4]], "valid": [None], "test": [day[3], None]}) == 1
    assert leaks.shared_groups({"train": ["a", "b", None], "valid": ["b"], "test": ["c", None]}) == 1


def test_a_prompt_that_is_trained_on_leaks_whatever_its_conversation():
    said, asked = ["a b c d", "e f g h"], ["i j k l", "m n o p"]
    assert leaks.overlap(said, asked, 0.7).exact == 0
    assert leaks.overlap(said, asked, 0.7, (["P", "Q"], ["Q", "R"])).leaked_rows == 1


def outputs_as(name, outputs, golds):
    index = np.arange(len(golds))
    examples = rows.Examples([str(i) for i in index], index.astype(np.int32) + 1, index.astype(np.int32) + 1, golds)
    table = rows.rows_of(examples, entry(name), "test", None, index, outputs, [1] * len(index))
    return predictions.arms(table)[name]


def test_verbatim_completions_on_training_rows_alone_are_memorised():
    golds = [json.dumps({"mood": "calm", "count": i}) for i in range(20)]
    perfect, poor = outputs_as("adapter", golds, golds), outputs_as("adapter", ["{}"] * 20, golds)
    assert diagnostics.memorisation(perfect, poor, 0.95).result == "more_on_training"
    assert diagnostics.memorisation(perfect, perfect, 0.95).result == "not_told_apart"
    assert diagnostics.memorisation(poor, perfect, 0.95).result == "not_told_apart"


def test_training_rows_that_the_base_answers_are_too_easy():
    golds = [json.dumps({"mood": "calm", "count": 1 + i % 3}) for i in range(20)]
    leaves = fields.fields(tiny_task.SCHEMA)
    nothing, right = [{}] * 20, [json.loads(gold) for gold in golds]
    assert diagnostics.difficulty(leaves, outputs_as("base", golds, golds), nothing).result == "too_easy"
    assert diagnostics.difficulty(leaves, outputs_as("base", ["?"] * 20, golds), right).result == "too_easy"
    assert diagnostics.difficulty(leaves, outputs_as("base", ["?"] * 20, golds), nothing).result == "fine"


def test_every_figure_that_a_stage_writes_has_six_digits_at_most(trained):
    """The last ones depend on the processor, and dvc.lock would differ between machines."""

    def floats(value):
        if isinstance(value, dict | list):
            for one in value.values() if isinstance(value, dict) else value:
                yield from floats(one)
        elif isinstance(value, float) and math.isfinite(value):
            yield value

    written = {path.name: files.read_json(path) for path in trained.metrics("").parent.glob("*.json")}
    written = {name: value for name, value in written.items() if name != "speed.json"}  # differs from run to run
    predicted = pq.read_table(trained.path("data", "predictions.parquet")).to_pylist()
    baselines = [json.loads(row["output"]) for row in predicted if row["arm"] in ("linear", "majority")]
    said = files.read_json(trained.path("data", "answers.json"))
    val_losses = pq.read_table(trained.path("adapters", "val_losses.parquet")).to_pylist()
    for name, value in {
        **written,
        "predictions": predicted,
        "baselines": baselines,
        "losses": val_losses,
        "answers": said,
    }.items():
        found = list(floats(value))
        assert found == [float(f"{one:.6g}") for one in found], name
    assert {"evaluate.json", "train.json", "evaluations.json", "selection.json", "overfit.json"} <= set(written)


def test_the_linear_model_of_the_difficulty_is_asked_for_rows_that_it_was_not_fitted_on(trained):
    split = samples.open_split(trained, "train", 8)
    words = [f"row{i}" for i in range(len(split.tokens))]
    assert len(baselines._held_out(split, words)) == 8
    whole = samples.open_split(trained, "train", None)
    assert baselines._held_out(whole, words) == [{}] * len(words)


def test_supervised_tokens_are_those_that_are_trained_on(trained):
    tokens = samples.open_split(trained, "test", 1).tokens
    completions, everything = (samples.open_split(trained, "test", 1, whole).examples.tokens for whole in (False, True))
    assert completions.tolist() == (tokens.lengths - tokens.completion_start).tolist()
    assert everything.tolist() == (tokens.lengths - 1).tolist()


HOLDS_OTHERS = ("drift", "comparisons.adapter_vs_linear.fields", "diagnostics.difficulty")


@pytest.mark.parametrize("value", [math.nan, math.inf, None, 10**400, [], "0.1"])
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("evaluate", "drift.low"),
        ("evaluate", "drift.valid_loss"),
        ("evaluate", "drift.difference"),
        ("evaluate", "drift.valid_rows"),
        ("evaluate", "drift"),
        ("evaluate", "comparisons.adapter_vs_linear.fields"),
        ("evaluate", "diagnostics.memorisation.train_verbatim"),
        ("evaluate", "diagnostics.difficulty"),
        ("train", "unigram_loss"),
        ("selection", "iteration"),
        ("evaluations", "0.train_loss"),
        ("evaluations", "0.val_loss"),
    ],
)
def test_a_figure_on_disk_that_is_none_leaves_an_answer_or_is_refused_and_never_a_stale_one(
    trained, tmp_path, name, path, value
):
    folder = shutil.copytree(trained.path("metrics"), tmp_path / "metrics").parent
    (folder / "adapters").mkdir()
    shutil.copyfile(trained.path("adapters", "evaluated.json"), folder / "adapters" / "evaluated.json")
    figures = json.loads((folder / "metrics" / f"{name}.json").read_text())
    *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    place = figures
    for key in way:
        place = place[key]
    place[last] = value
    (folder / "metrics" / f"{name}.json").write_text(json.dumps(figures))
    stale = (folder / "metrics" / "gates.json").stat().st_mtime_ns
    number = isinstance(value, float | int) and path not in HOLDS_OTHERS
    if value is not None and not number:
        with pytest.raises(BadInputError, match=f"{name}.json: {path.replace('.', ': ')}: "):
            overfit_check.main(System(folder), params.check(trained.path("params.yaml")))
        assert not (folder / "metrics" / "gates.json").exists()
        return
    overfit_check.main(System(folder), params.check(trained.path("params.yaml")))
    assert (folder / "metrics" / "gates.json").stat().st_mtime_ns != stale
    answer = json.loads((folder / "metrics" / "gates.json").read_text())["answer"]
    optional = path in ("drift.difference", "comparisons.adapter_vs_linear.fields", "unigram_loss")
    assert answer != "ship" or optional or path.startswith("diagnostics")


def test_drift_is_told_apart_only_when_it_is_there():
    settings = figures.Settings(300, 0.95, 0)

    def split(mean, rows):
        return np.random.default_rng(rows).normal(mean, 0.2, rows) * 10, np.full(rows, 10)

    def drift(valid, test):
        losses = {"train": split(1, 100), "valid": split(valid, 100), "test": split(test, 200)}
        return to_json(figures.drift(losses, settings))

    assert drift(1, 1.5)["result"] == "worse"
    assert drift(1.5, 1)["result"] == "better"
    assert drift(1, 1)["result"] == "not_told_apart"
    assert drift(1, 1)["train_loss_low"] < drift(1, 1)["train_loss"] < drift(1, 1)["train_loss_high"]
    assert drift(1, 1)["train_rows"] == 100


def test_prices_give_a_cost_and_no_prices_none(trained):
    table = pq.read_table(trained.path("data", "predictions.parquet"))
    settings = figures.Settings(100, 0.95, 0, 2.0, 10.0)
    priced = figures.figures(predictions.arms(table), tiny_task.SCHEMA, settings).arm("adapter")
    rows = [row for row in rows_of(trained, "adapter") if row["output"] is not None]
    expected = np.mean([2.0 * row["prompt_tokens"] + 10.0 * row["output_tokens"] for row in rows]) / 1000
    assert priced.cost_per_1000 == pytest.approx(expected, rel=1e-5)
    assert "cost_per_1000" not in read(trained, "evaluate")["arms"]["adapter"]


@pytest.mark.parametrize("stage", ["opponents", "answers"])
def test_the_plan_says_tokens_and_minutes_of_each_arm(trained, capsys, stage):
    from importlib import import_module

    module = import_module(f"stages.{stage}")
    module.show_plan(trained, params.load(trained, module.PARAMS))
    said = capsys.readouterr().out.splitlines()
    models = ("base",) if stage == "opponents" else ("adapter", "fused")
    assert [line.partition(":")[0] for line in said] == [arm.name for arm in RUN if arm.model in models]
    free = next(line for line in said if line.startswith(models[0] + ":"))
    lengths = samples.open_split(trained, "test", None).tokens.lengths.sum()
    assert f"losses of {lengths:,} tokens" in free
    assert "minutes" in free
    assert "unknown" not in free
