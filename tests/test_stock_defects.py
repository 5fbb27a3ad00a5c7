"""Each defect of mlx-lm's own trainer that must not recur: red on it (a strict xfail, so a fix there shows), green here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plateau.core.errors import BadInputError
from plateau.lm.batches import epoch_batches
from plateau.lm.model import load
from plateau.lm.objectives import CausalLM, parts
from plateau.prompts import tokens
from tests import stock, tiny


def both(reason: str) -> Any:
    """Run a test on mlx-lm's trainer, where it must fail, and on Plateau's."""
    failing = pytest.param(
        "mlx-lm", marks=pytest.mark.xfail(strict=True, raises=(AssertionError, ValueError), reason=reason)
    )
    return pytest.mark.parametrize("trainer", [failing, "plateau"])


@pytest.fixture
def make(tmp_path: Path, tokenizer_dir: Path) -> Callable[..., Path]:
    """Makes tiny systems, one a name."""
    return lambda name="system", **options: tiny.system(tmp_path / name, tokenizer_dir, **{"warmup": 0, **options})


def reported(folder: Path, trainer: str, **options: Any) -> dict[int, float]:
    """Validation loss by iteration, as the trainer reports it."""
    if trainer == "plateau":
        tiny.train(folder)
        return {point["iteration"]: point["val_loss"] for point in tiny.points(folder)}
    return stock.train(folder, **options)[0].val


def trained(folder: Path, trainer: str, iteration: int, **options: Any) -> np.ndarray:
    """The adapter's numbers after `iteration`."""
    if trainer == "plateau":
        tiny.train(folder)
        return stock.weights(folder / "adapters" / "checkpoints" / f"{iteration:07d}" / "adapters.safetensors")
    out = stock.train(folder, **options)[1]
    return stock.weights(out / "adapters.safetensors")


def true_loss(folder: Path, adapter: Path | None = None) -> float:
    """Validation loss, one row at a time, no padding."""
    model = load(folder / "models" / "base", adapter)[0]
    valid = tokens.open_tokens(folder / "data" / "tokens" / "valid.arrow")
    objective = CausalLM(model)
    rows = [objective.row_losses(parts([valid.ids(i)], [int(valid.completion_start[i])])) for i in range(len(valid))]
    return float(sum(sums[0] for sums, _ in rows) / sum(counts[0] for _, counts in rows))


@both("reports the loss from before the update, saves the weights from after it; never evaluates the last weights")
def test_the_reported_loss_of_an_iteration_is_that_of_its_weights(make: Any, trainer: str) -> None:
    folder = make(valid_rows=16)
    found = reported(folder, trainer)
    assert {0, 6, 24} <= set(found)


@both("drops the last partial batch of the validation set")
def test_every_validation_row_counts(make: Any, trainer: str) -> None:
    full, short = (reported(make(name, valid_rows=count), trainer)[0] for name, count in (("a", 17), ("b", 16)))
    assert full != short


@both("needs at least one batch of validation rows")
def test_fewer_validation_rows_than_a_batch_are_evaluated(make: Any, trainer: str) -> None:
    assert reported(make(valid_rows=5), trainer)[0] > 0


@both("counts the pad token after each row's end")
def test_no_pad_token_counts(make: Any, trainer: str) -> None:
    folder = make(valid_rows=16)
    assert reported(folder, trainer)[0] == pytest.approx(true_loss(folder), abs=1e-5)


@both("averages batch means, so that a token of a small batch weighs more")
def test_the_training_loss_weighs_every_token_the_same(make: Any, trainer: str) -> None:
    folder = make(iters=2, eval_every=2, lr=1e-12, train_rows=16, valid_rows=16)
    draw = np.random.default_rng(0)
    rows = [
        (str(i), [*draw.integers(10, 60, 8 + i // 8 * 20).tolist(), 1], 1 if i // 8 else 7) for i in range(16)
    ]  # eight of 2 supervised tokens, eight of 28
    for split in ("train", "valid"):
        tokens.write(folder / "data" / "tokens" / f"{split}.arrow", rows)
    if trainer == "plateau":
        tiny.train(folder)
        loss = tiny.points(folder)[-1]["batch_loss"]
    else:
        reports, _ = stock.train(folder, iters=2, steps_per_eval=2, lr=1e-12)
        loss = reports.train[2]
        # Take its pad tokens out of the account: what it validates on the same rows has them too.
        assert loss == pytest.approx(reports.val[0], abs=1e-3)
        return
    assert loss == pytest.approx(true_loss(folder), abs=1e-4)


@both("divides the sum of batch means by their number")
def test_accumulation_equals_one_large_batch(make: Any, trainer: str) -> None:
    folders = []
    draw = np.random.default_rng(0)
    rows = [(str(i), draw.integers(10, 60, 6 + i % 20).tolist(), 2) for i in range(60)]
    for name, size, steps in (("one", 60, 1), ("four", 15, 4)):
        folder = make(name, batch_size=size, grad_accumulation=steps, iters=1, eval_every=1)
        tokens.write(folder / "data" / "tokens" / "train.arrow", rows)
        folders.append((folder, size, steps))
    one, four = (
        trained(folder, trainer, 1, iters=steps, steps_per_eval=steps, batch_size=size, grad_accumulation_steps=steps)
        for folder, size, steps in folders
    )
    # Adam's first step is lr * sign: where a sum rounds across zero a number may flip, so all but one in a thousand.
    assert np.mean(np.abs(one - four) > 1e-3) < 1e-3


@both("throws away gradients that were accumulated when the run ends")
def test_the_tail_of_an_accumulation_is_applied(make: Any, trainer: str) -> None:
    if trainer == "plateau":
        folder = make(batch_size=8, grad_accumulation=3, iters=3)
        tiny.train(folder)
        rows = tokens.open_tokens(folder / "data" / "tokens" / "train.arrow")
        assert tiny.points(folder)[-1]["trained_tokens"] == int((rows.lengths - rows.completion_start).sum())
    else:
        three, five = (
            trained(make(f"s{n}"), trainer, n, iters=n, steps_per_eval=9, grad_accumulation_steps=3) for n in (3, 5)
        )
        assert not np.array_equal(three, five)


@both("draws batches for evaluation and for training from one generator")
def test_evaluating_more_often_does_not_change_training(make: Any, trainer: str) -> None:
    often, seldom = (
        trained(make(f"every{every}", eval_every=every), trainer, 24, steps_per_eval=every) for every in (6, 12)
    )
    assert np.array_equal(often, seldom)


@both("takes the length of a row for 2, the length of the pair that holds it")
def test_rows_of_one_batch_are_of_one_length(make: Any, trainer: str) -> None:
    folder = make(train_rows=200)
    lengths = tokens.open_tokens(folder / "data" / "tokens" / "train.arrow").lengths
    if trainer == "plateau":
        batches = [lengths[rows] for rows in epoch_batches(lengths, 0, 0, 8, None)]
    else:
        from mlx_lm.tuner.trainer import iterate_batches

        batches = [np.array(pairs)[:, 1] for _, pairs in iterate_batches(stock.dataset(folder, "train"), 8, 2048)]
    assert np.mean([batch.max() - batch.min() for batch in batches]) < 4


@both("trains on, writes tensors of NaN, and ends as if all were well")
def test_weights_of_nan_stop_the_run_and_become_no_adapter(make: Any, trainer: str) -> None:
    folder = make(valid_rows=16, iters=6)
    path = folder / "models" / "base" / "model.safetensors"
    _poison(path)
    if trainer == "plateau":
        with pytest.raises(BadInputError, match="non finite"):
            tiny.train(folder)
        assert not list((folder / "adapters" / "checkpoints").glob("*/adapters.safetensors"))
    else:
        assert np.isfinite(trained(folder, trainer, 6, iters=6)).all()


@both("loses the optimizer's state and the place in the data")
def test_a_resumed_run_ends_as_an_uninterrupted_one(make: Any, trainer: str) -> None:
    if trainer == "plateau":
        whole = trained(make("whole"), trainer, 24)
        folder = make("halves")
        _interrupted_at(folder, 12)
        assert np.array_equal(trained(folder, trainer, 24), whole)
    else:
        folder = make("both")
        whole = stock.weights(stock.train(folder, out="whole")[1] / "adapters.safetensors")
        half = stock.train(folder, out="first", iters=12)[1] / "adapters.safetensors"
        rest = stock.train(folder, resume=half, out="second", iters=12)[1] / "adapters.safetensors"
        assert np.array_equal(stock.weights(rest), whole)


@both("has no early stopping")
def test_a_run_that_no_longer_improves_stops(make: Any, trainer: str) -> None:
    folder = make(lr=1e-12, patience=2, min_delta=0.01)
    assert max(reported(folder, trainer, lr=1e-12)) < 20


def _poison(path: Path) -> None:
    from plateau.lm.backend import mx
    from plateau.lm.model import load_arrays, save_arrays

    arrays = load_arrays(path)
    name = next(name for name in arrays if "q_proj" in name)
    save_arrays(path, {**arrays, name: arrays[name] * mx.array(float("nan"))}, {"format": "mlx"})


def _interrupted_at(folder: Path, iteration: int) -> None:
    """Train until `iteration` is done, as if a signal had come then."""
    from plateau.core import errors

    with pytest.raises(errors.PlateauError, match="goes on from there"):
        tiny.train(folder, updates=iteration)
