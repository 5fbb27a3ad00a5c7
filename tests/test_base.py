"""A pinned model is the one that was pinned, whenever it is used."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from plateau.core.errors import BadInputError, PlateauError
from plateau.lm import base
from tests import tiny


@pytest.fixture
def pinned(tmp_path: Path, tokenizer_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system whose base is a local folder, which lies beside it."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "system"))
    folder = tiny.system(tmp_path / "system", tokenizer_dir, iters=8)
    shutil.move(folder / "models" / "base", tmp_path / "model")
    base.fetch(str(tmp_path / "model"), folder / "models" / "base")
    return folder


def change(path: Path) -> None:
    """Other bytes, of the same length."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_file_that_changed_since_it_was_pinned_is_refused_in_one_line(pinned: Path, name: str) -> None:
    assert base.resolve(pinned / "models" / "base").name == "model"
    change(pinned.parent / "model" / name)
    with pytest.raises(BadInputError, match=f"{name}: changed since .* pins it") as refused:
        base.resolve(pinned / "models" / "base")
    assert "\n" not in str(refused.value)


def test_changed_weights_are_refused_also_by_a_run_that_goes_on(pinned: Path) -> None:
    with pytest.raises(PlateauError, match="stopped at iteration 4"):
        tiny.train(pinned, updates=4)
    change(pinned.parent / "model" / "model.safetensors")
    with pytest.raises(BadInputError, match="changed since"):
        tiny.train(pinned)


def test_weights_that_came_later_are_refused_and_other_files_are_not(pinned: Path) -> None:
    model = pinned.parent / "model"
    (model / "README.md").write_text("words")
    base.resolve(pinned / "models" / "base")
    shutil.copy(model / "model.safetensors", model / "model-2.safetensors")
    with pytest.raises(BadInputError, match=r"model-2\.safetensors: came after"):
        base.resolve(pinned / "models" / "base")


def test_the_gate_compares_pinned_weights_that_are_here_and_asks_for_none(pinned: Path) -> None:
    model = pinned.parent / "model"
    base.check_here(pinned / "models" / "base")
    change(model / "model.safetensors")
    with pytest.raises(BadInputError, match="changed since"):
        base.check_here(pinned / "models" / "base")
    model.rename(model.with_name("elsewhere"))
    base.check_here(pinned / "models" / "base")


def test_unchanged_files_are_hashed_once_and_touched_ones_again(pinned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    honest = base.sha256

    def counted(path: Path) -> str:
        hashed.append(path.name)
        return honest(path)

    monkeypatch.setattr(base, "sha256", counted)
    base.resolve(pinned / "models" / "base")
    assert hashed == []
    os.utime(pinned.parent / "model" / "model.safetensors", (1, 1))
    for _ in range(2):
        base.resolve(pinned / "models" / "base")
    assert hashed == ["model.safetensors"]


@pytest.mark.parametrize("memory", ["", "[]", '{"x": 1}', "{"])
def test_a_broken_memory_of_sizes_and_times_means_that_files_are_hashed(pinned: Path, memory: str) -> None:
    base._memory().write_text(memory)
    base.resolve(pinned / "models" / "base")
    change(pinned.parent / "model" / "model.safetensors")
    base._memory().write_text(memory)
    with pytest.raises(BadInputError, match="changed since"):
        base.resolve(pinned / "models" / "base")


def test_what_is_pinned_is_the_same_on_every_machine(pinned: Path) -> None:
    source = json.loads((pinned / "models" / "base" / "source.json").read_text())
    assert set(source) == {"path", "files"}
    assert all(len(digest) == 64 for digest in source["files"].values())


@pytest.fixture
def hub(tmp_path: Path, tokenizer_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache that holds one commit of acme/tiny, laid out as huggingface_hub does; its repository's folder."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "system"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    repository = tmp_path / "hub" / "models--acme--tiny"
    (repository / "blobs").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    snapshot(repository, COMMIT, tiny.base(tmp_path / "made", tokenizer_dir))
    return repository


COMMIT, LATER = "a" * 40, "b" * 40


def snapshot(repository: Path, commit: str, folder: Path) -> None:
    """Each file as a link to a blob."""
    place = repository / "snapshots" / commit
    place.mkdir(parents=True)
    for file in folder.iterdir():
        shutil.copyfile(file, repository / "blobs" / f"{commit[0]}-{file.name}")
        (place / file.name).symlink_to(f"../../blobs/{commit[0]}-{file.name}")


@pytest.fixture
def from_hub(hub: Path, tokenizer_dir: Path) -> Path:
    """A system whose base is that model, by a branch."""
    folder = tiny.system(hub.parent.parent / "system", tokenizer_dir, iters=8)
    shutil.rmtree(folder / "models" / "base")
    base.fetch("acme/tiny@main", folder / "models" / "base")
    return folder


def test_a_branch_of_the_hub_is_pinned_by_its_commit(hub: Path, from_hub: Path, tokenizer_dir: Path) -> None:
    source = json.loads((from_hub / "models" / "base" / "source.json").read_text())
    assert (source["repo"], source["commit"]) == ("acme/tiny", COMMIT)
    assert "model.safetensors" in source["files"]
    snapshot(hub, LATER, tiny.base(hub.parent / "other", tokenizer_dir, seed=1))
    (hub / "refs" / "main").write_text(LATER)
    assert base.resolve(from_hub / "models" / "base").name == COMMIT


def test_changed_weights_of_the_hub_are_refused_also_by_a_run_that_goes_on(hub: Path, from_hub: Path) -> None:
    with pytest.raises(PlateauError, match="stopped at iteration 4"):
        tiny.train(from_hub, updates=4)
    change(hub / "blobs" / "a-model.safetensors")
    with pytest.raises(BadInputError, match=r"model\.safetensors: changed since") as refused:
        tiny.train(from_hub)
    assert "\n" not in str(refused.value)


def test_a_commit_that_is_here_whole_is_used_without_asking_the_hub(
    from_hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    honest = base._download

    def counted(repo: str, revision: str, is_here: bool = False) -> Path:
        asked.append(not is_here)
        return honest(repo, revision, is_here)

    monkeypatch.setattr(base, "_download", counted)
    base.resolve(from_hub / "models" / "base")
    assert asked == [False]


def test_a_commit_that_is_gone_is_one_line(hub: Path, from_hub: Path) -> None:
    shutil.rmtree(hub / "snapshots")
    base.check_here(from_hub / "models" / "base")
    with pytest.raises(BadInputError, match=f"cannot get acme/tiny@{COMMIT} from the hub") as refused:
        base.resolve(from_hub / "models" / "base")
    assert "\n" not in str(refused.value)


def run_python(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Python with a sitecustomize that imports mlx."""
    (folder / "sitecustomize.py").write_text("import mlx.core\n")
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{tiny.ROOT}"}
    return subprocess.run(
        [sys.executable, *command], cwd=tiny.ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere mlx needs no BLAS of ours")
def test_mlx_that_came_first_stops_a_stage_in_one_line_and_nothing_else(tmp_path: Path) -> None:
    for stage in ("stages.train", "stages.opponents", "stages.answers"):
        done = run_python(tmp_path, "-m", stage)
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "error: mlx was imported before Plateau" in done.stderr
    notebook = run_python(tmp_path, "-c", "import plateau.lm.backend")
    assert (notebook.returncode, notebook.stderr) == (0, "")
