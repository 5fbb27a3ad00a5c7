"""What a run will cost is said before any time is spent."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from plateau.core.files import write_json
from plateau.lm.model import Adapter, count_parameters
from plateau.prompts.tokens import open_tokens
from plateau.training import preflight
from tests import tiny
from tests.test_trainer import settings

MISTRAL_7B = {
    "model_type": "mistral",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "intermediate_size": 14336,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-5,
    "vocab_size": 32768,
    "tie_word_embeddings": False,
}


def test_mistral_7b_at_rank_8_on_16_layers_has_10485760_trainable_parameters(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(MISTRAL_7B))
    model = preflight.from_config(config, Adapter("lora", 8, 20.0, 0.0, 16))
    trainable, total = count_parameters(model)
    assert trainable == 10_485_760
    assert round(100 * trainable / (total - trainable), 3) == 0.145


def test_plan_counts_what_is_there(tmp_path: Path, tokenizer_dir: Path) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir)
    adapter = Adapter("lora", 4, 2.0, 0.0, -1)
    model = preflight.from_config(folder / "models" / "base" / "config.json", adapter)
    train, valid = (open_tokens(folder / "data" / "tokens" / f"{name}.arrow") for name in ("train", "valid"))
    plan = preflight.plan(model, adapter, train, valid, settings(batch_size=8))
    assert plan.rows == 60
    assert plan.tokens_an_epoch == sum(len(train.ids(row)) for row in range(60))
    assert plan.supervised_tokens_an_epoch == int(np.sum(train.lengths - train.completion_start))
    assert plan.updates_an_epoch == 8
    assert 0 <= plan.padding_waste < 0.5
    assert plan.evaluation_seconds > 0


def test_rows_that_were_cut_are_named_with_their_file(tmp_path: Path, tokenizer_dir: Path) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir)
    cut, whole = {"truncated": 12, "truncated_rows": [3, 17]}, {"truncated": 0, "truncated_rows": []}
    write_json(folder / "metrics" / "convert.json", {"train": cut, "valid": whole, "test": cut})
    command = [sys.executable, "-m", "stages.train", "--plan", str(folder)]
    done = subprocess.run(command, cwd=tiny.ROOT, capture_output=True, text=True, check=True)
    assert "train.parquet: 12 rows lost turns to max_seq_length, among them row 3, 17" in done.stdout
    assert "an evaluation about " in done.stdout
    assert "valid.parquet" not in done.stdout
    assert "test.parquet" not in done.stdout


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"lr": 5.0}, "outside the usual"), ({"eval_every": 99}, "epochs"), ({"warmup": 24}, "warmup")],
)
def test_plan_alone_warns_and_needs_no_weights(
    tmp_path: Path, tokenizer_dir: Path, changes: dict[str, float], word: str
) -> None:
    folder = tiny.system(tmp_path, tokenizer_dir, **changes)
    (folder / "models" / "base" / "model.safetensors").unlink()
    command = [sys.executable, "-m", "stages.train", "--plan", str(folder)]
    done = subprocess.run(command, cwd=tiny.ROOT, capture_output=True, text=True, check=True)
    assert "trainable parameters 3,712 of " in done.stdout
    assert word in done.stdout
    assert "17 validation rows" in done.stdout


def test_recomputing_activations_leaves_the_run_as_it_is(tmp_path: Path, tokenizer_dir: Path) -> None:
    found = []
    for name, grad_checkpoint in [("kept", False), ("recomputed", True)]:
        folder = tiny.system(tmp_path / name, tokenizer_dir, **{"train.grad_checkpoint": grad_checkpoint})
        tiny.train(folder)
        found.append([point["val_loss"] for point in tiny.points(folder)])
    assert found[0] == pytest.approx(found[1], rel=1e-5)
