"""mlx-lm's own trainer on a tiny system, to hold what it does beside what Plateau does."""

from pathlib import Path
from typing import Any

import numpy as np

from plateau.lm.backend import mx, optim
from plateau.lm.model import load_arrays
from plateau.prompts.tokens import Tokens, open_tokens


class Rows:
    """Token rows as mlx-lm's CacheDataset takes them."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, row: int) -> tuple[list[int], int]:
        return self.tokens.ids(row).tolist(), int(self.tokens.completion_start[row])

    def process(self, row: tuple[list[int], int]) -> tuple[list[int], int]:
        return row


def dataset(folder: Path, split: str) -> Any:
    """One split of a tiny system as mlx-lm's trainer gets it."""
    from mlx_lm.tuner.datasets import CacheDataset

    return CacheDataset(Rows(open_tokens(folder / "data" / "tokens" / f"{split}.arrow")))


class Reports:
    """What the trainer tells its callback."""

    def __init__(self) -> None:
        self.val: dict[int, float] = {}
        self.train: dict[int, float] = {}

    def on_val_loss_report(self, info: dict[str, float]) -> None:
        self.val[int(info["iteration"])] = info["val_loss"]

    def on_train_loss_report(self, info: dict[str, float]) -> None:
        self.train[int(info["iteration"])] = info["train_loss"]


def train(folder: Path, resume: Path | None = None, out: str = "stock", **options: Any) -> tuple[Reports, Path]:
    """Train LoRA as `mlx_lm.lora` does: constant lr, Adam, prompts masked; the reports and the folder of the adapters."""
    from mlx_lm import load
    from mlx_lm.tuner.trainer import TrainingArgs
    from mlx_lm.tuner.trainer import train as train_stock
    from mlx_lm.tuner.utils import linear_to_lora_layers

    values = {"iters": 24, "steps_per_eval": 6, "batch_size": 8, **options}
    lr = values.pop("lr", 0.01)
    target = folder / out
    target.mkdir()
    np.random.seed(0)
    model = load(str(folder / "models" / "base"))[0]
    model.freeze()
    mx.random.seed(0)
    linear_to_lora_layers(model, -1, {"rank": 4, "scale": 2.0, "dropout": 0.0})
    if resume:
        model.load_weights(str(resume), strict=False)
    reports = Reports()
    settings = TrainingArgs(
        val_batches=-1,
        steps_per_report=values["steps_per_eval"],
        steps_per_save=values["steps_per_eval"],
        adapter_file=str(target / "adapters.safetensors"),
        **values,
    )
    train_stock(
        model,
        optim.Adam(learning_rate=lr),
        dataset(folder, "train"),
        dataset(folder, "valid"),
        settings,
        training_callback=reports,
    )
    return reports, target


def weights(path: Path) -> np.ndarray:
    """All numbers of an adapter file, in order of their names."""
    arrays = load_arrays(path)
    return np.concatenate([np.array(arrays[name]).ravel() for name in sorted(arrays)])
