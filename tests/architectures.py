"""Every architecture of mlx-lm, small: a config of width 32 and two layers by the names and types of its fields, and a run through the pipeline."""

import dataclasses
import importlib
import inspect
import json
import pkgutil
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from mlx.utils import tree_flatten, tree_map

from plateau.core.system import System
from plateau.lm import generation
from plateau.lm.backend import mx
from plateau.lm.model import fuse, load, save_arrays
from plateau.prompts import tokens
from stages import train as stage
from tests import tiny

LAYERS, WIDTH = 2, 32
LARGEST = 5_000_000
# A field's value by the first pattern that its name matches and whose type it takes; defaults give way, for they are a real model's.
RULES: tuple[tuple[str, Any], ...] = (
    (r"(padded_)?vocab_size.*|embedding_size", 512),
    (r"n(um)?_(hidden_|transformer_)?layers?", LAYERS),
    (r"num_kv_reuse_layers", 1),
    (r"hidden_size|d_model|n_embd|dim|model_dim|hidden_dim|block_dim|emb_dim", WIDTH),
    (r"max_position_embeddings|n_positions|n_ctx|max_seq_len|block_size|model_max_length|original_max_.*", 512),
    (r"n(um)?_(attention_|query_)?heads?|num_q_heads|swa_num_attention_heads", 2),
    (r".*n(um)?_(key_value|kv|query)_(heads?|groups)|multi_query_group_num", 2),
    (r"(.*_)?head_dim|head_size|kv_channels|hidden_size_per_head|.*head_dim|mamba_d_head", 16),
    (r"mamba_d_ssm", 32),
    (r".*(intermediate|ffn_hidden|mlp_hidden|feed_forward).*(size|dim)|n_inner|ffn_dim|block_ff_dim", 64),
    (r"(n|num)_.*experts|moe_num_experts|num_experts", 4),
    (r"topk_method", "noaux_tc"),
    (r"scoring_func|score_function", "sigmoid"),
    (r"n_group|topk_group|n_groups|mamba_n_groups|num_expert_group", 1),
    (r".*(experts_per_tok(en)?|topk|top_k|moe_k)", 2),
    (r".*shared_experts?", 1),
    (r".*_lora_rank|.*low_rank.*|.*_rank", 16),
    (r"first_k_dense_replace|num_dense_layers|moe_layer_start_index", 1),
    (r"moe_layer_freq", 1),
    (r".*conv.*(kernel|cache|window|d_conv|size).*|conv_kernel|d_conv", 4),
    (r".*state_size|.*d_state", 16),
    (r".*(linear|mamba|ssm).*n(um)?_.*heads|mamba_n_heads", 2),
    (r".*(eps|epsilon)", 1e-5),
    (r".*theta|.*rotary_emb_base|rope_base", 10000.0),
    (r"partial_rotary_factor|rotary_pct|rope_pct", 1.0),
    (r"layer_types|layers_block_type", ["sliding_attention", "full_attention"]),
    (r"rotary_dim", 8),
    (r"sliding_window_pattern", 2),
    (r"sliding_window_pattern", "LG"),
    (r".*(sliding_window|window_size|chunk_size).*", 64),
    (r"sliding_window_layers", [0]),
    (r"tie_word_embeddings", True),
)
BY_TYPE: tuple[tuple[str, Any], ...] = (
    ("list", []),
    ("tuple", [0.0, 1.0]),
    ("dict", {}),
    ("bool", False),
    ("int", 2),
    ("float", 1.0),
    ("str", "silu"),
)
YARN = {
    "type": "yarn",
    "factor": 2.0,
    "original_max_position_embeddings": 64,
    "mscale": 1.0,
    "mscale_all_dim": 0,
    "beta_fast": 32,
    "beta_slow": 1,
}
# What the names and types of an architecture's fields do not tell; ... for a field that it computes.
ROPE = {"rope_theta": 10000.0, "rope_type": "default", "factor": 1.0}
KDA = {"kda_layers": [1], "full_attn_layers": [2], "num_heads": 2, "head_dim": 16, "short_conv_kernel_size": 4}
OF_ONE: dict[str, dict[str, Any]] = {
    "baichuan_m1": {"conv_window": 2, "tie_word_embeddings": False},
    "dbrx": {
        "ffn_config": {"ffn_hidden_size": 64, "moe_num_experts": 4, "moe_top_k": 2},
        "attn_config": {"kv_n_heads": 2, "clip_qkv": 8.0, "rope_theta": 10000.0},
    },
    "deepseek_v2": {"rope_scaling": YARN, "topk_method": "greedy"},
    "exaone4": {
        "sliding_window": None,
        "sliding_window_pattern": None,
        "layer_types": ["full_attention", "full_attention"],
    },
    "exaone_moe": {"is_moe_layer": [False, True]},
    "gemma3": {"text_config": {"model_type": "gemma3_text"}},
    "gemma3n": {
        "num_kv_shared_layers": 0,
        "activation_sparsity_pattern": None,
        "altup_active_idx": 0,
        "text_config": {"activation_sparsity_pattern": None},
    },
    "gemma4": {"num_kv_shared_layers": 0, "text_config": {"model_type": "gemma4_text"}},
    "gemma4_text": {"num_kv_shared_layers": 0},
    "glm_moe_dsa": {"rope_parameters": ROPE},
    "granitemoehybrid": {
        "layer_types": ["mamba", "attention"],
        "mamba_n_heads": 4,
        "mamba_d_head": 16,
        "mamba_proj_bias": False,
        "mamba_d_state": 16,
        "mamba_d_conv": 4,
        "mamba_n_groups": 1,
        "mamba_conv_bias": True,
    },
    "hunyuan": {"rope_scaling": {"factor": 1.0, "alpha": 1.0, "type": "dynamic"}},
    "jamba": {
        "attn_layer_offset": 0,
        "attn_layer_period": 2,
        "expert_layer_offset": 1,
        "expert_layer_period": 2,
        "layers_block_type": ...,
    },
    "kimi_k3": {"linear_attn_config": KDA},
    "kimi_linear": {"linear_attn_config": KDA},
    "lille-130m": {"n_embd": 96, "n_head": 2},
    "lfm2": {"layer_types": ["conv", "full_attention"], "full_attn_idxs": [1]},
    "lfm2-vl": {
        "text_config": {"model_type": "lfm2", "layer_types": ["conv", "full_attention"], "full_attn_idxs": [1]}
    },
    "lfm2_moe": {"layer_types": ["conv", "full_attention"], "full_attn_idxs": [1]},
    "llama4": {
        "num_hidden_layers": 4,
        "num_experts_per_tok": 1,
        "text_config": {
            "model_type": "llama4_text",
            "num_hidden_layers": 4,
            "num_experts_per_tok": 1,
            "no_rope_layers": [1, 1, 1, 1],
        },
    },
    "llama4_text": {"no_rope_layers": [1, 1]},
    "longcat_flash": {
        "attention_method": "MLA",
        "zero_expert_type": "identity",
        "mla_scale_q_lora": True,
        "mla_scale_kv_lora": True,
    },
    "longcat_flash_ngram": {
        "attention_method": "MLA",
        "zero_expert_type": "identity",
        "mla_scale_q_lora": True,
        "mla_scale_kv_lora": True,
    },
    "mellum": {"rope_parameters": {"full_attention": ROPE, "sliding_attention": ROPE}},
    "mamba2": {"num_heads": 4, "layer_types": ...},
    "mimo_v2_flash": {"partial_rotary_factor": 0.5, "hybrid_layer_pattern": [0, 1], "moe_layer_freq": [0, 1]},
    "minicpm": {"tie_word_embeddings": False},
    "minicpm3": {
        "rope_scaling": {
            "type": "longrope",
            "original_max_position_embeddings": 64,
            "long_factor": [1.0] * 8,
            "short_factor": [1.0] * 8,
        },
        "tie_word_embeddings": False,
    },
    "ministral3": {"rope_parameters": {**ROPE, "llama_4_scaling_beta": 0.1, "original_max_position_embeddings": 64}},
    "mistral3": {
        "text_config": {
            "model_type": "ministral3",
            "rope_parameters": {**ROPE, "llama_4_scaling_beta": 0.1, "original_max_position_embeddings": 64},
        }
    },
    "mistral4": {"rope_parameters": {**ROPE, "llama_4_scaling_beta": 0.1, "original_max_position_embeddings": 64}},
    "nemotron_h": {"hybrid_override_pattern": ["M", "*"], "layers_block_type": ..., "layer_types": ...},
    "olmo_hybrid": {"layer_types": ["linear_attention", "full_attention"]},
    "openelm": {"num_query_heads": [2, 2], "num_kv_heads": [2, 2], "ffn_multipliers": [1.0, 1.0]},
    "qwen3_5_moe": {"full_attention_interval": 2},
    "qwen3_vl_moe": {"tie_word_embeddings": False},
    "spark2_5": {"rope_parameters": {"full_attention": ROPE, "sliding_attention": ROPE}},
    "qwen3_next": {"full_attention_interval": 2, "layer_types": ["linear_attention", "full_attention"]},
    "plamo": {"n_shared_head": 1},
    "qwen3_5": {"layer_types": ["linear_attention", "full_attention"], "full_attention_interval": 2},
    "recurrent_gemma": {"block_types": ["recurrent", "attention"]},
}

# Architectures that mlx-lm does not build, or that fail in mlx-lm itself on the way, with its own words.
NOT_BUILT = {
    "bitnet": "[metal_kernel] No Metal back-end.",
    "muse_spark": "Dense feed-forward layers are not supported.",
    "nemotron-nas": "Number of block_configs (0) must match num_hidden_layers (2)",
    "olmo": "olmo asks for another package",
    "prism_hadamard_qwen35": "Unsupported Hadamard pack",
}
NOT_TRAINED = {
    "deepseek_v41": "[gather_axis] Cannot calculate VJP with respect to indices.",
}

# mlx ends with a segmentation fault in its block-sparse attention, on a config as small as this.
CRASHES = ("phi3small",)


def names() -> list[str]:
    """The architectures of mlx-lm, by the model_type that a config names; without those that crash mlx."""
    import mlx_lm.models

    found = []
    for module in pkgutil.iter_modules(mlx_lm.models.__path__):
        source = Path(str(mlx_lm.models.__path__[0])) / f"{module.name}.py"
        if module.name not in CRASHES and re.search(
            r"^class Model\(", source.read_text(encoding="utf-8"), re.MULTILINE
        ):
            found.append(module.name)
    return found


def config(name: str) -> dict[str, Any]:
    """A config of the architecture: width 32, two layers; a nested text_config holds the same."""
    try:
        module = importlib.import_module(f"mlx_lm.models.{name}")
    except SystemExit as error:  # olmo, without its package
        raise ImportError(f"{name} asks for another package") from error
    values: dict[str, Any] = {}
    for part in _parts(module):
        for field in dataclasses.fields(part):
            if (value := _value(field)) is not dataclasses.MISSING:
                values[field.name] = value
    inner = {**values, "model_type": name, "eos_token_id": 1, **OF_ONE.get(name, {})}
    inner = {key: value for key, value in inner.items() if value is not ...}
    text = inner.pop("text_config", None)
    return inner if text is None else {**inner, "text_config": {**inner, **text}}


def _parts(module: Any) -> list[type]:
    """The dataclasses of a module, those of the modules that it builds on first, its own ModelArgs last."""
    used = {getattr(value, "__module__", None) or "" for value in vars(module).values()}
    used |= {value.__name__ for value in vars(module).values() if inspect.ismodule(value)}
    beside = sorted(name for name in used - {module.__name__} if name.startswith("mlx_lm.models."))
    others = [part for name in beside for part in _classes(sys.modules[name])]
    return others + sorted(_classes(module), key=lambda part: part.__name__ == "ModelArgs")


def _classes(module: Any) -> list[type]:
    return [value for value in vars(module).values() if isinstance(value, type) and dataclasses.is_dataclass(value)]


def _value(field: Any) -> Any:
    required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    words = str(field.type).lower()
    for pattern, value in RULES:
        if re.fullmatch(pattern, field.name) and _fits(value, words):
            return value
    if field.name == "text_config":
        return {}
    if not required:
        return dataclasses.MISSING
    return next((value for word, value in BY_TYPE if word in words), None)


def _fits(value: Any, words: str) -> bool:
    return ("list" in words) if isinstance(value, list) else type(value).__name__ in words.partition("list")[0]


def base(folder: Path, tokenizer_dir: Path, values: dict[str, Any]) -> None:
    """A model folder with random weights; raises what mlx-lm raises where it builds no such model."""
    from mlx_lm.utils import _get_classes

    shutil.copytree(tokenizer_dir, folder, dirs_exist_ok=True)
    (folder / "config.json").write_text(json.dumps(values))
    kind, arguments = _get_classes(values)
    mx.random.seed(0)
    model = kind(arguments.from_dict(values))
    size = sum(array.size for _, array in tree_flatten(model.parameters()))
    if size > LARGEST:
        raise ValueError(f"the config makes a model of {size:,} parameters")
    model.update(tree_map(_drawn, model.parameters()))
    mx.eval(model(mx.array([[1, 2, 3]])))
    save_arrays(folder / "model.safetensors", dict(tree_flatten(model.parameters())), {"format": "mlx"})
    load(folder)


def _drawn(array: mx.array) -> mx.array:
    """The parameter itself; of one that is all zero, which lets no gradient pass, small random numbers."""
    if array.dtype not in (mx.float32, mx.bfloat16, mx.float16) or mx.any(array != 0).item():
        return array
    return (0.02 * mx.random.normal(array.shape)).astype(array.dtype)


def through_the_pipeline(folder: Path) -> None:
    """Plan, two updates, save, fuse, generate; raises where any of it fails or training changes nothing."""
    from plateau.core import params

    system = System(folder)
    stage.show_plan(system, params.load(system, [*stage.PARAMS, *stage.UNTRACKED]))
    tiny.train(folder)
    points = tiny.points(folder)
    assert [point["iteration"] for point in points] == [0, 2]
    assert points[0]["val_loss"] != points[1]["val_loss"]
    model, tokenizer = load(folder / "models" / "base", folder / "adapters" / "checkpoints" / "0000002")
    fuse(model)
    rows = tokens.open_tokens(folder / "data" / "tokens" / "valid.arrow")
    prompts = [rows.ids(row)[: rows.completion_start[row]].tolist() for row in range(2)]
    outputs = generation.generate(model, tokenizer, prompts, max_tokens=4, batch_size=2)
    assert len(outputs) == 2


def system(folder: Path, tokenizer_dir: Path, values: dict[str, Any]) -> Path:
    """A tiny system whose base is such a model."""
    base(folder / "model", tokenizer_dir, values)
    made = tiny.system(
        folder / "system", tokenizer_dir, iters=2, eval_every=2, batch_size=4, train_rows=16, valid_rows=4
    )
    shutil.rmtree(made / "models" / "base")
    shutil.move(folder / "model", made / "models" / "base")
    return made
