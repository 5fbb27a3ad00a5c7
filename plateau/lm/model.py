"""Models and adapters in mlx-lm's own formats: load, add an adapter, save it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlx.utils import tree_flatten, tree_unflatten

from plateau.core.errors import BadInputError
from plateau.core.files import read_json, replacing, write_json
from plateau.lm.backend import ON_CPU, mx, nn
from plateau.lm.base import resolve

# Layers of gemma3n whose `weight` mlx-lm's own code reads; a layer with an adapter has no such attribute.
READ = ("prediction_coefs", "correction_coefs")


@dataclass(frozen=True)
class Adapter:
    """What is trained: `fine_tune_type` lora, dora or full; `num_layers` counted from the last, -1 for all."""

    fine_tune_type: str
    rank: int
    scale: float
    dropout: float
    num_layers: int

    def config(self, keys: Sequence[str] | None = None) -> dict[str, Any]:
        """mlx-lm's adapter_config.json; `keys` names what in a layer is adapted, None all that mlx-lm adapts."""
        lora_parameters: dict[str, Any] = {"rank": self.rank, "scale": self.scale, "dropout": self.dropout}
        if keys is not None:
            lora_parameters["keys"] = list(keys)
        return {
            "fine_tune_type": self.fine_tune_type,
            "num_layers": self.num_layers,
            "lora_parameters": lora_parameters,
        }


def load(base_dir: Path, adapter: Path | None = None) -> tuple[nn.Module, Any]:
    """Load a base model and, where given, an adapter folder, with mlx-lm; the model and mlx-lm's tokenizer.

    On a CPU the weights become float32, where alone it is fast. Raises BadInputError when the files do not fit.
    """
    model, tokenizer = _as_stored(base_dir, adapter)
    _ready(model)
    return model, tokenizer


def load_fused(base_dir: Path, adapter: Path) -> nn.Module:
    """The model that stock `mlx_lm.fuse` writes: the adapter merged, and what was quantised quantised again."""
    model, _ = _as_stored(base_dir, adapter)
    fuse(model)
    _ready(model)
    return model


def fuse(model: nn.Module) -> None:
    """Merge the adapter into the model's own weights, in memory, as `mlx_lm.fuse` does."""
    merged = [(name, layer.fuse()) for name, layer in model.named_modules() if hasattr(layer, "fuse")]
    if merged:
        model.update_modules(tree_unflatten(merged))
    mx.eval(model.parameters())


def quantised_bits(base_dir: Path) -> int | None:
    """Bits of a base model's weights; None where they are floats."""
    config = read_json(base_dir / "config.json")
    bits = (config.get("quantization") or config.get("quantization_config") or {}).get("bits")
    return None if bits is None else int(bits)


def _as_stored(base_dir: Path, adapter: Path | None) -> tuple[nn.Module, Any]:
    from mlx_lm import load as mlx_lm_load

    path = resolve(base_dir)
    try:
        model, tokenizer = mlx_lm_load(str(path), adapter_path=str(adapter) if adapter else None)
    except (ValueError, FileNotFoundError, KeyError) as error:
        raise BadInputError(f"{adapter or path}: mlx-lm cannot load it: {' '.join(str(error).split())}") from None
    return whole(model), tokenizer


def whole(model: nn.Module) -> nn.Module:
    """The model with the attributes that `nn.Module.__init__` sets; mlx-lm's recurrent_gemma does not call it, and then no layer can be frozen."""
    if not hasattr(model, "_no_grad"):
        nn.Module.__init__(model)
    return model


def _ready(model: nn.Module) -> None:
    from mlx_lm.utils import dequantize_model

    if ON_CPU:
        dequantize_model(model)
        model.set_dtype(mx.float32)
    model.eval()
    mx.eval(model.parameters())


def add_adapter(model: nn.Module, adapter: Adapter, seed: int, compute: bool = True) -> None:
    """Freeze the model and make the adapter's parameters trainable, with mlx-lm's layers; weights drawn from `seed`.

    Without `compute` no weight is, which counting parameters does not need.
    """
    from mlx_lm.tuner.utils import linear_to_lora_layers

    if adapter.num_layers > len(model.layers):
        raise BadInputError(f"num_layers: {adapter.num_layers} is more than the model's {len(model.layers)} layers")
    mx.random.seed(seed)
    model.freeze()
    if adapter.fine_tune_type == "full":
        for layer in model.layers[-max(adapter.num_layers, 0) :]:
            layer.unfreeze()
    else:
        use_dora = adapter.fine_tune_type == "dora"
        options = adapter.config(adapted_keys(model))["lora_parameters"]
        try:
            linear_to_lora_layers(model, adapter.num_layers, options, use_dora=use_dora)
        except ValueError as error:  # a layer that cannot have this kind of adapter
            raise BadInputError(f"fine_tune_type: {adapter.fine_tune_type}: mlx-lm: {error}") from None
        _refuse_rank(model, adapter.rank)
    model.eval()
    if compute:
        mx.eval(model.parameters())


def unadapted(model: nn.Module) -> list[str]:
    """The names of modules in a layer that get no adapter, because mlx-lm would fail with one.

    That is a layer whose weight mlx-lm's own code of the model reads (READ), and one that holds several matrices, whose adapter
    `mlx_lm.load` refuses.
    """
    return sorted({name for name, module in _inner(model) if name.split(".")[-1] in READ or _is_of_several(module)})


def adapted_keys(model: nn.Module) -> list[str] | None:
    """The names of modules in a layer that get an adapter, where some must get none; None where mlx-lm adapts all that it can."""
    if not (left_out := unadapted(model)):
        return None
    adapted = {name for name, module in _inner(model) if isinstance(module, _adaptable()) or hasattr(module, "lora_a")}
    within = {
        f"{name}.{part}" for name in adapted for part in ("linear", "embedding")
    }  # of an adapter that is there already
    return sorted(adapted - within - set(left_out))


def _inner(model: nn.Module) -> list[tuple[str, nn.Module]]:
    return [(str(name), module) for layer in model.layers for name, module in layer.named_modules()]


def _is_of_several(module: nn.Module) -> bool:
    return hasattr(module, "to_lora") and isinstance(getattr(module, "output_dims", None), list)


def _adaptable() -> tuple[type[nn.Module], ...]:
    from mlx_lm.models.switch_layers import QuantizedSwitchLinear, SwitchLinear

    return (nn.Linear, nn.QuantizedLinear, nn.Embedding, nn.QuantizedEmbedding, SwitchLinear, QuantizedSwitchLinear)


def _refuse_rank(model: nn.Module, rank: int) -> None:
    """Raise BadInputError for a rank beyond the smaller side of every adapted matrix: no adapter of this model can have it."""
    arrays = dict(tree_flatten(model.trainable_parameters()))
    pairs = [(array, arrays[f"{name[:-1]}b"]) for name, array in arrays.items() if name.endswith(".lora_a")]
    # LoRALinear: [inputs, rank] and [rank, outputs]; of experts: [experts, rank, inputs] and [experts, outputs, rank]
    sides = [(a.shape[0], b.shape[1]) if a.ndim == 2 else (a.shape[2], b.shape[1]) for a, b in pairs]
    most = max((min(pair) for pair in sides), default=rank)
    if rank > most:
        raise BadInputError(f"rank: {rank} is more than {most}, the most that an adapted layer of this model can have")


@contextmanager
def recomputed(model: nn.Module, grad_checkpoint: bool) -> Iterator[None]:
    """Inside the block, recompute each layer's activations in the backward pass, if asked to: less memory, more time."""
    from mlx_lm.tuner.trainer import grad_checkpoint as patch

    kind = type(model.layers[0])
    stock = kind.__call__
    try:
        if grad_checkpoint:
            patch(model.layers[0])
        yield
    finally:
        kind.__call__ = stock


def trainable_parameters(model: nn.Module) -> dict[str, mx.array]:
    """The arrays that training changes, by name."""
    return dict(tree_flatten(model.trainable_parameters()))


def count_parameters(model: nn.Module) -> tuple[int, int]:
    """Number of trainable and of all parameters; a quantised weight counts as one parameter for each number that it encodes."""
    from mlx_lm.utils import get_total_parameters

    return sum(array.size for array in trainable_parameters(model).values()), int(get_total_parameters(model))


def save_adapter(model: nn.Module, adapter: Adapter, folder: Path) -> None:
    """Write `adapters.safetensors` and `adapter_config.json` into `folder`, which mlx-lm loads as an adapter path."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "adapter_config.json", adapter.config(adapted_keys(model)))
    save_arrays(folder / "adapters.safetensors", trainable_parameters(model))


def save_arrays(path: Path, arrays: dict[str, mx.array], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file whole or not at all."""
    with replacing(path) as temporary:
        try:
            mx.save_safetensors(str(temporary), arrays, metadata or {})
        except RuntimeError as error:
            raise OSError(f"cannot write {path}; is the disk full? ({error})") from None


def load_arrays(path: Path) -> dict[str, mx.array]:
    """Read a safetensors file."""
    arrays: dict[str, mx.array] = mx.load(str(path))  # type: ignore[assignment]
    return arrays
