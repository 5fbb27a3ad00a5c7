"""Every architecture that mlx-lm builds goes through plan, two updates, save, fuse and generate; the others say why not."""

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from tests import architectures, tiny
from tests.architectures import NOT_BUILT, NOT_TRAINED


def through(tmp_path: Path, tokenizer_dir: Path, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of transformers, about configs that it does not know
        made = architectures.system(tmp_path, tokenizer_dir, architectures.config(name))
        architectures.through_the_pipeline(made)


@pytest.mark.parametrize("name", ["gpt2", "exaone", "qwen"])
def test_models_whose_norms_have_other_names_go_through_the_pipeline(
    tmp_path: Path, tokenizer_dir: Path, name: str
) -> None:
    through(tmp_path, tokenizer_dir, name)


@pytest.mark.parametrize("name", ["phi", "bailing_moe_v3"])
def test_models_whose_inner_part_or_head_is_another_go_through_the_pipeline(
    tmp_path: Path, tokenizer_dir: Path, name: str
) -> None:
    through(tmp_path, tokenizer_dir, name)


@pytest.mark.parametrize("name", ["gemma3n", "afm7", "llama4", "recurrent_gemma"])
def test_models_with_which_mlx_lm_itself_ends_in_an_error_go_through_the_pipeline(
    tmp_path: Path, tokenizer_dir: Path, name: str
) -> None:
    """Layers whose weight mlx-lm reads, or whose adapter it refuses; a cache without batches; a module without its start."""
    through(tmp_path, tokenizer_dir, name)


def test_an_error_in_the_code_of_a_model_is_one_line(tmp_path: Path, tokenizer_dir: Path) -> None:
    made = architectures.system(tmp_path, tokenizer_dir, architectures.config("deepseek_v41"))
    done = finished(made)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith("error: mlx-lm cannot work with this model (mlx")
    assert NOT_TRAINED["deepseek_v41"] in done.stderr


def finished(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "-m", "stages.train", str(folder)]
    return subprocess.run(command, cwd=tiny.ROOT, capture_output=True, text=True, check=False)


def test_the_lists_of_what_mlx_lm_refuses_name_its_architectures() -> None:
    assert {*NOT_BUILT, *NOT_TRAINED} <= set(architectures.names())
    assert len(architectures.names()) - len(NOT_BUILT) - len(NOT_TRAINED) > 90


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(set(architectures.names()) - {*NOT_BUILT, *NOT_TRAINED}))
def test_every_architecture_goes_through_the_pipeline(tmp_path: Path, tokenizer_dir: Path, name: str) -> None:
    through(tmp_path, tokenizer_dir, name)


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(NOT_BUILT))
def test_what_is_not_built_fails_in_mlx_lm_itself(tmp_path: Path, tokenizer_dir: Path, name: str) -> None:
    with warnings.catch_warnings(), pytest.raises(BaseException) as refused:  # noqa: PT011, PT012 (any of mlx-lm's)
        warnings.simplefilter("ignore")
        architectures.base(tmp_path / "model", tokenizer_dir, architectures.config(name))
    assert NOT_BUILT[name] in " ".join(str(refused.value).split())


@pytest.mark.soak
@pytest.mark.parametrize("name", sorted(NOT_TRAINED))
def test_what_is_not_trained_fails_in_mlx_lm_itself(tmp_path: Path, tokenizer_dir: Path, name: str) -> None:
    with pytest.raises(BaseException) as refused:  # noqa: PT011 (any of mlx-lm's)
        through(tmp_path, tokenizer_dir, name)
    assert NOT_TRAINED[name] in " ".join(str(refused.value).split())
