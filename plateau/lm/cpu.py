"""Training operations for mlx's CPU backend only, rebuilt from ones that it vectorises; other backends never load this.

mlx's CPU `exp` takes 12 to 18 ns an element, this one 2: attention, SwiGLU and cross-entropy are rebuilt on it. Values agree
with the stock operations to about 1e-6.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from plateau.lm.backend import mx, nn

LOG2_E = 1.4426950408889634
LOWEST, HIGHEST = -127.0, 126.0  # the exponents that exp2 takes; the lowest gives 0
ROUNDS = 12582912.0
COEFFICIENTS = (0.00958538242, 0.0559066273, 0.24024038, 0.693124175, 1.0)
HIDDEN = -1e30
BLOCKS = 4  # blocks of queries in an attention matrix; keys after a block's last query are not computed

Arrays = tuple[mx.array, ...]
Forward = Callable[..., Arrays]
# A backward pass: takes inputs, gradients of the outputs, and outputs; returns the gradients of the inputs.
Backward = Callable[[Arrays, Arrays, Arrays], Arrays]


def exp2(y: mx.array) -> mx.array:
    """2**y for float32 y in [LOWEST, HIGHEST], to 3e-6 relative; exactly 0 at LOWEST, for denormals would be ten times slower.

    The integer part of y goes into the exponent bits (rounded by adding a number so large that the sum has no fraction), the
    rest into a polynomial fitted for the least relative error on [-1/2, 1/2].
    """
    shifted = y + ROUNDS
    fraction = y - (shifted - ROUNDS)
    power = COEFFICIENTS[0] * fraction + COEFFICIENTS[1]
    for coefficient in COEFFICIENTS[2:]:
        power = power * fraction + coefficient
    return (power.view(mx.int32) + (shifted.view(mx.int32) << 23)).view(mx.float32)


def exp(x: mx.array) -> mx.array:
    """e**x for float32 x <= 0; 0 from -88 down."""
    return exp2(mx.maximum(x * LOG2_E, LOWEST))


def _differentiable(backward: Backward) -> Callable[[Forward], Forward]:
    """Give a function a backward pass of its own, run on the stream of its forward pass.

    mlx would run it on the default stream, where the two halves of a batch would wait for each other.
    """

    def with_backward(forward: Forward) -> Forward:
        def call(*inputs: mx.array) -> Arrays:
            stream = mx.default_stream(mx.default_device())
            function = mx.custom_function(forward)

            @function.vjp
            def _(inputs: Arrays, gradients: Arrays, outputs: Arrays) -> Arrays:
                with mx.stream(stream):
                    return backward(inputs, gradients, outputs)

            return function(*inputs)  # type: ignore[return-value]

        return call

    return with_backward


def _row_sum(x: mx.array) -> mx.array:
    """Sum over the last axis, kept; BLAS does it four times faster than mlx's own sum."""
    return x @ mx.ones((x.shape[-1], 1))


def _attend_backward(inputs: Arrays, gradients: Arrays, outputs: Arrays) -> Arrays:
    (queries, keys, values, bias), (attended, e, share) = inputs, outputs
    gradient = gradients[0] * share
    toward_values = e @ gradient
    gradient = gradient / LOG2_E
    inner = _row_sum(gradient * attended).swapaxes(-1, -2)
    toward_scores = e * (values @ gradient.swapaxes(-1, -2) - inner)
    return toward_scores.swapaxes(-1, -2) @ keys, toward_scores @ queries, toward_values, mx.zeros_like(bias)


@_differentiable(_attend_backward)
def _attend(queries: mx.array, keys: mx.array, values: mx.array, bias: mx.array) -> tuple[mx.array, mx.array, mx.array]:
    """Attention of queries [.., T, D], scaled by log2 e too, to keys and values [.., S, D]: outputs [.., T, D].

    With it what the backward pass needs again: exponentials [.., S, T] and the inverse of their sums [.., T, 1]. Keys come first,
    for mlx finds the highest of a column three times faster than that of a row. `bias` [S, T] hides what is not seen.
    """
    scores = keys @ queries.swapaxes(-1, -2) + bias
    e = exp2(mx.maximum(scores - scores.max(-2, keepdims=True), LOWEST))
    share = (1.0 / (mx.ones((1, e.shape[-2])) @ e)).swapaxes(-1, -2)
    return (e.swapaxes(-1, -2) @ values) * share, e, share


def _cross_entropy_backward(inputs: Arrays, gradients: Arrays, outputs: Arrays) -> Arrays:
    targets = inputs[1][:, None]
    gradient, (_, e, total) = gradients[0], outputs
    d = e * (gradient / total)[:, None]
    at_target = mx.take_along_axis(d, targets, -1) - gradient[:, None]
    return mx.put_along_axis(d, targets, at_target, -1), mx.zeros_like(inputs[1])


@_differentiable(_cross_entropy_backward)
def _cross_entropy(logits: mx.array, targets: mx.array) -> tuple[mx.array, mx.array, mx.array]:
    """Losses [N], and what the backward pass needs again: exponentials [N, V] and their sums [N]."""
    highest = logits.max(-1, keepdims=True)
    e = exp(logits - highest)
    total = _row_sum(e)
    picked = mx.take_along_axis(logits, targets[:, None], -1)
    return (mx.log(total) + highest - picked).squeeze(-1), e, total.squeeze(-1)


def cross_entropy(logits: mx.array, targets: mx.array) -> mx.array:
    """Negative log-likelihood [N] of targets [N] under logits [N, V], one pass of exponentials for both directions."""
    return _cross_entropy(logits, targets)[0]


def _swiglu_backward(inputs: Arrays, gradients: Arrays, outputs: Arrays) -> Arrays:
    (gate, x), gradient, sigmoid = inputs, gradients[0], outputs[1]
    silu = gate * sigmoid
    return gradient * x * (sigmoid + silu * (1 - sigmoid)), gradient * silu


@_differentiable(_swiglu_backward)
def _swiglu(gate: mx.array, x: mx.array) -> tuple[mx.array, mx.array]:
    sigmoid = 1.0 / (1.0 + exp2(mx.minimum(mx.maximum(gate * -LOG2_E, LOWEST), HIGHEST)))
    return gate * sigmoid * x, sigmoid


def swiglu(gate: mx.array, x: mx.array) -> mx.array:
    """silu(gate) * x."""
    return _swiglu(gate, x)[0]


def attention(
    queries: mx.array, keys: mx.array, values: mx.array, scale: float, mask: mx.array | str | None
) -> mx.array:
    """Causal attention of queries [B, H, T, D] to keys and values [B, K, S, D] that end where they do, H a multiple of K.

    `mask` is "causal", a boolean array that broadcasts to [B, H, T, S] and hides the future too, or None for a single query.
    """
    batch, heads, length, width = queries.shape
    groups, before = keys.shape[1], keys.shape[2] - length
    shared = heads // groups
    queries = (queries * (scale * LOG2_E)).reshape(batch, groups, shared, length, width)
    step = -(-length // BLOCKS)
    blocks: list[mx.array] = []
    for start in range(0, length, step):
        end = min(length, start + step)
        seen = before + end
        bias = mx.concatenate([_bias(mask, start, end, before, seen)] * shared, -1)
        asked = queries[..., start:end, :].reshape(batch, groups, -1, width)
        if blocks:  # one block after the other: side by side they would push each other out of the cache
            asked = mx.depends([asked], blocks[-1:])[0]
        attended = _attend(asked, keys[..., :seen, :], values[..., :seen, :], bias)[0]
        blocks.append(attended.reshape(batch, heads, end - start, -1))
    return mx.concatenate(blocks, -2)


def _bias(mask: mx.array | str | None, start: int, end: int, before: int, seen: int) -> mx.array:
    """The mask that is added to the scores [B, K, S, T] of queries `start` to `end`: 0 where a query sees the key, a large negative number where it does not."""
    if isinstance(mask, mx.array):  # finite, for a row of padding is masked whole
        shown = mask[..., start:end, :seen].swapaxes(-1, -2)
        return mx.where(shown, 0.0, HIDDEN)
    if mask is None:
        return mx.zeros((seen, end - start))
    hidden = mx.arange(seen)[:, None] > mx.arange(before + start, seen)[None]
    return mx.where(hidden, HIDDEN, 0.0)


def _lora(layer: Any, x: mx.array) -> mx.array:
    """The output of a layer with LoRA; one BLAS call scales the adapter's second product and adds it to the layer's own output."""
    added = layer.dropout(x) @ layer.lora_a
    y: mx.array = layer.linear(x)
    return mx.addmm(y, added, layer.lora_b, alpha=layer.scale).astype(x.dtype)


@contextmanager
def fast_operations(model: nn.Module) -> Iterator[None]:
    """Monkeypatch mlx-lm's attention, SwiGLU and LoRALinear with this module's CPU operations; the originals are restored on exit."""
    from mlx_lm.tuner.lora import LoRALinear  # after the backend, which loads BLAS before mlx

    module: Any = sys.modules[type(model).__module__]
    stock_attention = getattr(module, "scaled_dot_product_attention", None)

    def fast_attention(
        queries: mx.array,
        keys: mx.array,
        values: mx.array,
        cache: Any = None,
        scale: float = 1.0,
        mask: Any = None,
        **rest: Any,
    ) -> mx.array:
        if _is_plain(queries, keys, cache, mask) and rest.get("sinks") is None:
            return attention(queries, keys, values, scale, mask)
        assert stock_attention is not None
        attended: mx.array = stock_attention(queries, keys, values, cache=cache, scale=scale, mask=mask, **rest)
        return attended

    replaced: list[tuple[Any, str, Any]] = [
        (module, "scaled_dot_product_attention", fast_attention),
        (module, "swiglu", swiglu),
        (LoRALinear, "__call__", _lora),
    ]
    replaced = [(owner, name, function) for owner, name, function in replaced if hasattr(owner, name)]
    stock = [(owner, name, getattr(owner, name)) for owner, name, _ in replaced]
    try:
        for owner, name, function in replaced:
            setattr(owner, name, function)
        yield
    finally:
        for owner, name, function in stock:
            setattr(owner, name, function)


def _is_plain(queries: mx.array, keys: mx.array, cache: Any, mask: Any) -> bool:
    """Whether `attention` can replace mlx-lm's: float32, no quantised cache, and a mask of a kind that it knows."""
    if queries.dtype != mx.float32 or hasattr(cache, "bits"):
        return False
    if not isinstance(mask, mx.array):
        return queries.shape[2] == 1 if mask is None else mask == "causal"
    for_all_heads = mask.ndim == 2 or (mask.ndim == 4 and mask.shape[1] == 1)
    return bool(mask.dtype == mx.bool_ and for_all_heads and mask.shape[-2:] == (queries.shape[2], keys.shape[2]))
