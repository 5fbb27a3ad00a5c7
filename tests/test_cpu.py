"""The CPU's own operations give what the stock ones give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlx_lm.models.base import create_causal_mask
from mlx_lm.tuner.lora import LoRALinear

from plateau.lm import cpu
from plateau.lm.backend import mx, nn


@given(st.lists(st.floats(-200, 0, width=32), min_size=1, max_size=50))
def test_exp_is_exp_and_exactly_zero_far_below(values: list[float]) -> None:
    found = np.array(cpu.exp(mx.array(values, mx.float32))).astype(np.float64)
    exact = np.exp(np.array(values, np.float64))
    kept = np.array(values) > -86
    assert found[kept] == pytest.approx(exact[kept], rel=1e-5)
    assert np.all(found[np.array(values) < -88.5] == 0)


def test_a_hidden_key_weighs_exactly_nothing_and_the_others_one() -> None:
    queries, keys, values = (mx.random.normal((1, 2, 9, 4), key=mx.random.key(i)) for i in range(3))
    later = mx.arange(9)[:, None] >= 5
    seen, changed = (
        np.array(cpu.attention(queries, k, v, 1.0, "causal"))[:, :, :5]
        for k, v in ((keys, values), (mx.where(later, 50.0, keys), mx.where(later, 1e6, values)))
    )
    assert np.array_equal(seen, changed)
    whole = np.array(cpu.attention(queries, keys, mx.ones_like(values), 1.0, "causal"))
    assert whole == pytest.approx(np.ones_like(whole), abs=1e-6)


@pytest.mark.parametrize("length", [1, 2, 3, 7, 64, 65])
@pytest.mark.parametrize("heads", [(2, 1), (4, 4)])
def test_causal_attention_is_mlx_attention(length: int, heads: tuple[int, int]) -> None:
    queries, keys, values = (
        mx.random.normal((2, count, length, 8), key=mx.random.key(i))
        for i, count in enumerate((heads[0], heads[1], heads[1]))
    )
    ours = cpu.attention(queries, keys, values, 0.3, "causal")
    stock = mx.fast.scaled_dot_product_attention(queries, keys, values, scale=0.3, mask="causal")
    assert np.allclose(np.array(ours), np.array(stock), atol=1e-5)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_attention_has_the_gradients_of_mlx_attention(at: int) -> None:
    inputs = [mx.random.normal((2, heads, 13, 8), key=mx.random.key(i)) for i, heads in enumerate((4, 2, 2))]
    weights = mx.random.normal((2, 4, 13, 8), key=mx.random.key(3))
    ours = mx.grad(lambda *qkv: (weights * cpu.attention(*qkv, 0.7, "causal")).sum(), at)(*inputs)
    attend = mx.fast.scaled_dot_product_attention
    stock = mx.grad(lambda *qkv: (weights * attend(*qkv, scale=0.7, mask="causal")).sum(), at)(*inputs)
    assert np.allclose(np.array(ours), np.array(stock), atol=1e-4)


@pytest.mark.parametrize("length", [1, 5, 64])
def test_attention_to_a_cache_behind_padding_is_mlx_attention(length: int) -> None:
    """As batched generation asks for it: some rows begin with padding, and the keys reach back before the queries."""
    queries = mx.random.normal((3, 4, length, 8), key=mx.random.key(0))
    keys, values = (mx.random.normal((3, 2, length + 9, 8), key=mx.random.key(i)) for i in (1, 2))
    mask = create_causal_mask(length, offset=9, left_padding=mx.array([0, 4, 9]))
    ours = cpu.attention(queries, keys, values, 0.3, mask)
    stock = mx.fast.scaled_dot_product_attention(queries, keys, values, scale=0.3, mask=mask)
    assert np.allclose(np.array(ours), np.array(stock), atol=1e-5)


def test_a_row_that_is_masked_whole_is_no_nan() -> None:
    """A padding position attends to nothing; NaN there would spread through the cache."""
    x = mx.ones((1, 1, 3, 4))
    assert np.isfinite(np.array(cpu.attention(x, x, x, 1.0, mx.zeros((3, 3), mx.bool_)))).all()


def test_cross_entropy_and_swiglu_have_the_stock_values_and_gradients() -> None:
    logits, gate, x = (4 * mx.random.normal((5, 9), key=mx.random.key(i)) for i in range(3))
    targets = mx.array([0, 8, 3, 3, 1])
    pairs = [
        (lambda a: cpu.cross_entropy(a, targets).sum(), lambda a: nn.losses.cross_entropy(a, targets).sum(), logits),
        (lambda a: cpu.swiglu(a, x).sum(), lambda a: (nn.silu(a) * x).sum(), 30 * gate),
        (lambda a: cpu.swiglu(gate, a).sum(), lambda a: (nn.silu(gate) * a).sum(), x),
    ]
    for ours, stock, at in pairs:
        assert ours(at).item() == pytest.approx(stock(at).item(), rel=1e-5)
        assert np.allclose(np.array(mx.grad(ours)(at)), np.array(mx.grad(stock)(at)), atol=1e-5)


@pytest.mark.parametrize("dtype", [mx.float32, mx.bfloat16])
def test_an_adapted_layer_gives_what_the_stock_one_gives(dtype: mx.Dtype) -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = LoRALinear.from_base(nn.Linear(16, 24), r=4, scale=3.0)
            self.layer.lora_b = mx.random.normal((4, 24), key=mx.random.key(1))

    model, x = Model(), mx.random.normal((2, 5, 16), key=mx.random.key(2)).astype(dtype)
    model.layer.linear.set_dtype(dtype)

    def found() -> list[np.ndarray]:
        gradients = nn.value_and_grad(model, lambda m: m.layer(x).astype(mx.float32).square().sum())(model)[1]["layer"]
        return [np.array(a.astype(mx.float32)) for a in (model.layer(x), gradients["lora_a"], gradients["lora_b"])]

    stock = found()
    with cpu.fast_operations(model):
        ours = found()
    for one, other in zip(ours, stock, strict=True):
        assert np.abs(one - other).max() <= (1e-6 if dtype == mx.float32 else 0.01) * np.abs(other).max()
