"""The rules of the training loop, each a defect of mlx-lm's own trainer that must not recur here."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from plateau.core.errors import BadInputError
from plateau.core.files import sha256
from plateau.lm import objectives
from plateau.lm.backend import mx, nn
from plateau.lm.model import Adapter, add_adapter, load
from plateau.prompts.tokens import open_tokens
from plateau.training.settings import Settings, schedule
from stages import train as stage
from tests import tiny

LORA = Adapter("lora", 4, 2.0, 0.0, -1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tokenizer_dir: Path) -> Path:
    """A system whose train stage has run."""
    folder = tiny.system(tmp_path_factory.mktemp("trained"), tokenizer_dir)
    tiny.train(folder)
    return folder


def adapters(folder: Path) -> dict[str, str]:
    """SHA-256 of each checkpoint's weights by its iteration."""
    found = sorted((folder / "adapters" / "checkpoints").glob("*/adapters.safetensors"))
    return {path.parent.name: sha256(path) for path in found}


def stock_loss(folder: Path, name: str, split: str) -> float:
    """Loss of a checkpoint by mlx-lm alone: its loading, its default_loss, one row at a time, unpadded."""
    from mlx_lm import load as mlx_lm_load
    from mlx_lm.tuner.trainer import default_loss

    checkpoint = folder / "adapters" / "checkpoints" / name
    model = mlx_lm_load(str(folder / "models" / "base"), adapter_path=str(checkpoint))[0]
    tokens = open_tokens(folder / "data" / "tokens" / f"{split}.arrow")
    total = count = 0.0
    for row in range(len(tokens)):
        lengths = mx.array([[int(tokens.completion_start[row]), len(tokens.ids(row)) - 1]])
        loss, supervised = default_loss(model, mx.array(np.array(tokens.ids(row))[None]), lengths)
        total, count = total + loss.item() * supervised.item(), count + supervised.item()
    return total / count


def test_the_logged_loss_is_that_of_the_saved_checkpoint(trained: Path) -> None:
    for point in tiny.points(trained):
        name = f"{point['iteration']:07d}"
        assert adapters(trained)[name] == point["sha256"]
        assert stock_loss(trained, name, "valid") == pytest.approx(point["val_loss"], abs=1e-5)


def test_the_base_and_the_last_iteration_are_evaluated(tmp_path: Path, tokenizer_dir: Path) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir, iters=7, eval_every=4)
    tiny.train(folder)
    assert [point["iteration"] for point in tiny.points(folder)] == [0, 4, 7]


def test_every_validation_row_counts_also_of_the_last_partial_batch(trained: Path) -> None:
    losses = pq.read_table(trained / "adapters" / "val_losses.parquet")
    for point in tiny.points(trained):
        rows = losses.filter(pc.field("iteration") == point["iteration"])
        assert rows.num_rows == 17
        total = pc.sum(rows["loss_sum"]).as_py() / pc.sum(rows["tokens"]).as_py()
        assert total == pytest.approx(point["val_loss"], rel=2e-6)


def test_no_pad_token_is_trained(tokenizer_dir: Path, tmp_path: Path) -> None:
    model = load(tiny.base(tmp_path, tokenizer_dir))[0]
    objective = objectives.CausalLM(model)
    rows = [np.array(ids, np.int32) for _, ids, _ in tiny.rows("x", 6, 3)]
    starts = [start for *_, start in tiny.rows("x", 6, 3)]
    together, counts = objective.row_losses(objectives.parts(rows, starts))
    alone = [
        objective.row_losses(objectives.parts([row], [start]))[0][0] for row, start in zip(rows, starts, strict=True)
    ]
    assert counts.tolist() == [len(row) - start for row, start in zip(rows, starts, strict=True)]
    assert together == pytest.approx(alone, rel=1e-5)


def test_halving_eval_every_leaves_the_trajectory_alone(tmp_path: Path, tokenizer_dir: Path, trained: Path) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir, eval_every=3)
    tiny.train(folder)
    often, seldom = adapters(folder), adapters(trained)
    assert {name: often[name] for name in seldom} == seldom


def test_the_same_run_twice_gives_the_same_bytes(tmp_path: Path, tokenizer_dir: Path, trained: Path) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir)
    tiny.train(folder)
    assert adapters(folder) == adapters(trained)
    assert tiny.points(folder) == tiny.points(trained)


def test_another_seed_gives_another_run(tmp_path: Path, tokenizer_dir: Path, trained: Path) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir, seed=1)
    tiny.train(folder)
    assert adapters(folder)["0000024"] != adapters(trained)["0000024"]


def test_the_seed_of_training_moves_weights_and_batches_but_not_the_probe(
    tmp_path: Path, tokenizer_dir: Path, trained: Path
) -> None:
    def first_and_last(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        return tiny.points(folder)[0], tiny.points(folder)[-1]

    same, other = (tiny.system(tmp_path / name, tokenizer_dir, **{"train.seed": n}) for name, n in (("a", 0), ("b", 7)))
    for folder in (same, other):
        tiny.train(folder)
    assert tiny.digests(same / "adapters") == tiny.digests(trained / "adapters")
    (start, end), (other_start, other_end) = first_and_last(trained), first_and_last(other)
    assert (start["val_loss"], start["train_loss"]) == (other_start["val_loss"], other_start["train_loss"])
    assert end["val_loss"] != other_end["val_loss"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rank": 4096}, r"rank: 4096 is more than \d+, the most that an adapted layer of this model can have"),
        ({"rank": 4096, "fine_tune_type": "dora"}, "rank: 4096 is more than"),
        ({"num_layers": 99}, r"num_layers: 99 is more than the model's \d+ layers"),
        (
            {"train.stopping_threshold": 90.0, "train.divergence_threshold": 99.0},
            r"train.stopping_threshold: 90 would stop",
        ),
        ({"train.divergence_threshold": 0.1}, "train.divergence_threshold: 0.1 would stop before the first update"),
    ],
)
def test_params_that_the_model_cannot_have_are_refused_before_the_first_update(
    tmp_path: Path, tokenizer_dir: Path, changes: dict[str, Any], message: str
) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir, **changes)
    with pytest.raises(BadInputError, match=message) as caught:
        tiny.train(folder)
    assert "\n" not in str(caught.value)
    assert not (folder / "adapters").exists()


def test_accumulation_weighs_by_tokens_and_equals_one_large_batch(tmp_path: Path, tokenizer_dir: Path) -> None:
    """60 rows in one batch, and in 4 batches of 16 with a tail of 12: the same gradient of the same token mean."""
    losses = []
    for name, batch_size, accumulation in [("one", 60, 1), ("four", 16, 4), ("unweighted", 16, 1)]:
        folder = tiny.system(
            tmp_path / name, tokenizer_dir, batch_size=batch_size, grad_accumulation=accumulation, iters=3, warmup=0
        )
        tiny.train(folder)
        losses.append(tiny.points(folder)[-1]["train_loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert losses[0] != pytest.approx(losses[2], rel=1e-4)


def test_an_accumulated_tail_is_not_lost(tmp_path: Path, tokenizer_dir: Path) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir, batch_size=8, grad_accumulation=3, iters=3)
    tiny.train(folder)
    tokens = open_tokens(folder / "data" / "tokens" / "train.arrow")
    epoch = int((tokens.lengths - tokens.completion_start).sum())
    assert tiny.points(folder)[-1]["trained_tokens"] == epoch


@pytest.mark.parametrize("kind", ["lora", "dora", "full"])
def test_every_method_learns_and_loads_in_mlx_lm(tmp_path: Path, tokenizer_dir: Path, kind: str) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir, fine_tune_type=kind)
    tiny.train(folder)
    found = tiny.points(folder)
    assert found[-1]["train_loss"] < 0.95 * found[0]["train_loss"]
    assert stock_loss(folder, "0000024", "valid") == pytest.approx(found[-1]["val_loss"], abs=1e-5)


@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_an_adapter_of_a_quantised_base_learns_and_loads_in_mlx_lm(
    tmp_path: Path, tokenizer_dir: Path, kind: str
) -> None:
    from mlx_lm import convert

    folder = tiny.system(tmp_path, tokenizer_dir, fine_tune_type=kind)
    base = folder / "models" / "base"
    base.rename(folder / "whole")
    convert(str(folder / "whole"), str(base), quantize=True, q_group_size=32, q_bits=8)
    weights = sha256(base / "model.safetensors")
    tiny.train(folder)
    found = tiny.points(folder)
    assert found[-1]["train_loss"] < 0.95 * found[0]["train_loss"]
    assert sha256(base / "model.safetensors") == weights
    assert stock_loss(folder, "0000024", "valid") == pytest.approx(found[-1]["val_loss"], abs=1e-4)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "adafactor", "muon"])
@pytest.mark.parametrize("lr_schedule", ["constant", "linear", "cosine"])
def test_every_optimizer_and_schedule_learns(
    tmp_path: Path, tokenizer_dir: Path, optimizer: str, lr_schedule: str
) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir, lr_schedule=lr_schedule, iters=12, **{"train.optimizer": optimizer})
    tiny.train(folder)
    found = tiny.points(folder)
    assert found[-1]["train_loss"] < found[0]["train_loss"]


def settings(**changes: Any) -> Settings:
    from plateau.core.params import parse

    values = parse((tiny.ROOT / "params.yaml").read_text())
    return stage._settings({**values, **changes}, 512)


def test_schedules_rise_over_warmup_and_fall_to_zero_at_iters() -> None:
    for kind, end in [("constant", 1.0), ("linear", 0.0), ("cosine", 0.0)]:
        at = schedule(settings(lr=1.0, lr_schedule=kind, warmup=10, iters=110))
        rates = [float(np.array(at(mx.array(step)))) for step in range(111)]
        assert rates[0] > 0
        assert np.all(np.diff(rates[:11]) > 0)
        assert rates[10] == pytest.approx(1.0)
        assert np.all(np.diff(rates[10:]) <= 0)
        assert rates[110] == pytest.approx(end, abs=1e-6)


def test_nan_weights_stop_the_run_and_become_no_checkpoint(tmp_path: Path, tokenizer_dir: Path) -> None:
    from plateau.core.errors import BadInputError

    folder = tiny.system(tmp_path, tokenizer_dir)
    path = folder / "models" / "base" / "model.safetensors"
    weights = mx.load(str(path))
    weights["model.norm.weight"] = weights["model.norm.weight"] * mx.nan
    mx.eval(weights)
    mx.save_safetensors(str(path), weights, {"format": "mlx"})
    with pytest.raises(BadInputError, match="no finite validation loss"):
        tiny.train(folder)
    assert adapters(folder) == {}


def test_non_finite_steps_are_skipped_and_counted_and_the_best_checkpoint_stays(
    tmp_path: Path, tokenizer_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plateau.core.errors import BadInputError

    folder = tiny.system(tmp_path, tokenizer_dir, **{"train.max_bad_steps": 3})
    honest = objectives.CausalLM.loss_sum
    calls = []

    def broken_from_the_tenth(self: objectives.CausalLM, batch: Any) -> mx.array:
        calls.append(1)
        return honest(self, batch) * (mx.nan if len(calls) >= 10 else 1.0)

    monkeypatch.setattr(objectives.CausalLM, "loss_sum", broken_from_the_tenth)
    with pytest.raises(BadInputError, match="non finite"):
        tiny.train(folder)
    figures = json.loads((folder / "metrics" / "train.json").read_text())
    assert (figures["stop_reason"], figures["skipped_steps"], figures["iterations"]) == ("non_finite", 3, 12)
    assert stock_loss(folder, "0000006", "valid") == pytest.approx(tiny.points(folder)[1]["val_loss"], abs=1e-5)


def test_an_absurd_lr_stops_with_a_reason(tmp_path: Path, tokenizer_dir: Path) -> None:
    from plateau.core.errors import BadInputError

    folder = tiny.system(tmp_path, tokenizer_dir, lr=10.0, patience=3, iters=60)
    with pytest.raises(BadInputError, match="lower lr"):
        tiny.train(folder)


def test_gradient_of_the_fast_operations_is_that_of_the_stock_ones(tmp_path: Path, tokenizer_dir: Path) -> None:
    from mlx.utils import tree_flatten

    model = load(tiny.base(tmp_path, tokenizer_dir))[0]
    add_adapter(model, LORA, 0)
    objective = objectives.CausalLM(model)
    rows = tiny.rows("x", 8, 5)
    batch = objectives.parts([np.array(ids, np.int32) for _, ids, _ in rows], [start for *_, start in rows])
    gradient = nn.value_and_grad(model, objective.loss_sum)
    stock = gradient(batch)
    with objectives.fast_operations(model):
        fast = gradient(batch)
    assert fast[0].item() == pytest.approx(stock[0].item(), rel=1e-5)
    for (name, ours), (_, theirs) in zip(tree_flatten(fast[1]), tree_flatten(stock[1]), strict=True):
        assert np.allclose(np.array(ours), np.array(theirs), atol=1e-5, rtol=1e-4), name
