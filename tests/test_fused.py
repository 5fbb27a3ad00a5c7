"""The fused arm is what stock mlx_lm.fuse would deploy: quantised again where the base is."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny

from plateau.lm import model
from plateau.lm.backend import mx


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, tokenizer_dir: Path) -> tuple[Path, Path]:
    """A base of 4 bits, and an adapter that moves it."""
    from mlx_lm.convert import convert

    folder = tmp_path_factory.mktemp("fused")
    plain = tiny.base(folder / "plain", tokenizer_dir)
    convert(str(plain), str(folder / "base"), quantize=True, q_bits=4, q_group_size=32)
    network, _ = model.load(plain)
    adapter = model.Adapter("lora", 4, 2.0, 0.0, -1)
    model.add_adapter(network, adapter, 0)
    for name, array in model.trainable_parameters(network).items():
        if name.endswith("lora_b"):
            array[:] = mx.random.normal(array.shape) * 0.3
    model.save_adapter(network, adapter, folder / "adapter")
    return folder / "base", folder / "adapter"


def logits(network: object) -> np.ndarray:
    return np.array(network(mx.array([[5, 6, 7, 8]])).astype(mx.float32))  # type: ignore[operator]


def test_on_a_quantised_base_it_is_quantised_again_as_stock_fuse_does(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    base, adapter = folders
    command = ["--model", str(base), "--adapter-path", str(adapter), "--save-path", str(tmp_path / "stock")]
    subprocess.run([sys.executable, "-m", "mlx_lm", "fuse", *command], check=True, capture_output=True)
    stock, _ = model.load(tmp_path / "stock")
    ours = model.load_fused(base, adapter)
    unfused, _ = model.load(base, adapter)
    assert np.abs(logits(ours) - logits(stock)).max() < 1e-4  # another BLAS rounds otherwise
    assert np.abs(logits(ours) - logits(unfused)).max() > 1e-3
    model.fuse(unfused)
    assert np.abs(logits(unfused) - logits(model.load(base, adapter)[0])).max() < 1e-3


def test_the_bits_of_a_base_are_known(folders: tuple[Path, Path]) -> None:
    assert model.quantised_bits(folders[0]) == 4
    assert model.quantised_bits(folders[0].parent / "plain") is None
    assert json.loads((folders[0] / "config.json").read_text())["quantization"]["group_size"] == 32
