"""The base model's files: what `model` in params.yaml names, found and pinned; weights of big models stay where they are."""

import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from plateau.core.errors import BadInputError
from plateau.core.files import read_json, replacing, sha256, write_json

REFERENCE = Path(__file__).parent.parent.parent / "models" / "reference"
SOURCE = "source.json"
SMALL = ("*.json", "*.jinja", "*.model", "*.txt", "*.tiktoken")
LOADED = (*SMALL, "*.safetensors", "*.py")  # what mlx-lm and transformers read of a model's folder
HUB_NAME = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>[\w./-]+)")


def fetch(model: str, out: Path) -> None:
    """Write into `out` what `model` names: "reference", a local folder, or a hub repo as owner/name@revision.

    The reference model is copied whole. Of any other, `out` gets the tokenizer, the config, and a source.json with the place and
    the SHA-256 of every file that is loaded. Raises BadInputError where there is no such model or it has no chat template.
    """
    if model == "reference":
        check(REFERENCE, "the reference model; restore it with `git checkout models/reference`")
        with replacing(out) as temporary:
            shutil.copytree(REFERENCE, temporary)
        return
    hub = HUB_NAME.fullmatch(model)
    _refuse_left_behind(model)
    if Path(model).is_dir():
        folder, source = Path(model), {"path": str(Path(model))}
    elif hub:
        folder = _download(hub["repo"], hub["revision"])
        source = {**hub.groupdict(), "commit": folder.name}  # a branch moves, a commit does not
    else:
        raise BadInputError(
            f"model: '{model}' is no folder here; give \"reference\", a local folder, or a hub repo as owner/name@revision"
        )
    check(folder, "model")
    with replacing(out) as temporary:
        temporary.mkdir()
        for pattern in SMALL:
            for file in sorted(folder.glob(pattern)):
                shutil.copyfile(file, temporary / file.name)
        files = _loaded(folder)
        hashes = {name: sha256(file) for name, file in files.items()}
        write_json(temporary / SOURCE, {**source, "files": hashes})
    _remember(folder, {name: [*_stamp(file), hashes[name]] for name, file in files.items()})


def _refuse_left_behind(model: str) -> None:
    """Raise BadInputError where an experiment runs in a copy of the repository and the model folder is not in that copy, because neither git nor DVC tracks it."""
    repository = os.environ.get("DVC_ROOT", "")  # of a queued or temporary experiment: the repository that it copies
    if model and repository and not Path(model).is_dir() and Path(repository, model).is_dir():
        raise BadInputError(
            f"model: {model} is tracked by neither git nor DVC, so that this experiment, in a copy of the repository, lacks it; run "
            f"`dvc add {model}` and commit, or give the folder's absolute path"
        )


def resolve(base_dir: Path) -> Path:
    """The folder that holds the weights of `base_dir`; raises BadInputError when the weights are gone or differ from the pinned ones."""
    if not (base_dir / SOURCE).exists():
        return base_dir
    source = read_json(base_dir / SOURCE)
    _refuse_left_behind(source.get("path", ""))
    commit = source.get("commit", source.get("revision"))
    folder = Path(source["path"]) if "path" in source else _downloaded(source["repo"], commit, source["files"])
    _compare(folder, source["files"], base_dir / SOURCE)
    return folder


def check_here(base_dir: Path) -> None:
    """Raise BadInputError where the weights of `base_dir` are on this machine and differ from the pinned ones; weights on another machine are not checked."""
    if not (base_dir / SOURCE).exists():
        return
    source = read_json(base_dir / SOURCE)
    try:
        folder = Path(source["path"]) if "path" in source else _download(source["repo"], source["commit"], is_here=True)
    except BadInputError:
        return
    here = _loaded(folder)
    _compare(folder, {name: digest for name, digest in source["files"].items() if name in here}, base_dir / SOURCE)


def _compare(folder: Path, pinned: Mapping[str, str], source: Path) -> None:
    """Raise BadInputError unless a model's folder holds the files pinned, and no other that is loaded.

    A file whose size and time are those of an earlier look is taken to have the bytes that it had then; any other is hashed.
    """
    again = f"{source} pins it; take it back, or run `dvc repro -f base` to pin what is there now"
    files, known = _loaded(folder), _remembered(folder)
    for name in pinned:
        if name not in files:
            raise BadInputError(f"{folder / name}: missing, but {again}")
    for name in files:
        if name not in pinned:
            raise BadInputError(f"{folder / name}: came after {source} pinned this folder; run `dvc repro -f base`")
    looked = {name: _look(file, known.get(name)) for name, file in files.items()}
    for name, (_, _, digest) in looked.items():
        if digest != pinned[name]:
            raise BadInputError(f"{folder / name}: changed since {again}")
    if looked != known:
        _remember(folder, looked)


def _loaded(folder: Path) -> dict[str, Path]:
    """The files of a model's folder that are loaded, by name."""
    found = {file for pattern in LOADED for file in folder.glob(pattern) if file.is_file()}
    return {file.name: file for file in sorted(found)}


def _look(file: Path, known: list[Any] | None) -> list[Any]:
    """Size, time and SHA-256 of a file; hashed unless size and time are those known."""
    stamp = _stamp(file)
    return known if known is not None and known[:2] == stamp else [*stamp, sha256(file)]


def _stamp(file: Path) -> list[int]:
    status = file.stat()
    return [status.st_size, status.st_mtime_ns]


def _remembered(folder: Path) -> dict[str, list[Any]]:
    """Size, time and hash of each file at the last check of a model's folder on this machine; empty before the first check."""
    try:
        found: dict[str, list[Any]] = json.loads(_memory().read_text(encoding="utf-8"))[str(folder.resolve())]
        return found if all(len(values) == 3 for values in found.values()) else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _remember(folder: Path, looked: Mapping[str, list[Any]]) -> None:
    try:
        others = json.loads(_memory().read_text(encoding="utf-8"))
        others = others if isinstance(others, dict) else {}
    except (OSError, ValueError):
        others = {}
    write_json(_memory(), {**others, str(folder.resolve()): dict(looked)})


def _memory() -> Path:
    """The file with sizes and times; it is not beside the hashes, because times differ from machine to machine."""
    return Path(os.environ.get("DVC_ROOT", ".")) / ".work" / "weights.json"


def check(folder: Path, what: str) -> None:
    """Raise BadInputError unless the folder holds a model that mlx-lm loads and a chat template."""
    if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
        raise BadInputError(f"{what}: {folder} holds no model (config.json and *.safetensors are needed)")
    if not has_chat_template(folder):
        raise BadInputError(
            f"{what}: {folder} has no chat template; take an instruction-tuned model, or add a chat_template.jinja beside its tokenizer"
        )


def has_chat_template(folder: Path) -> bool:
    """Whether the tokenizer in `folder` brings a chat template."""
    if (folder / "chat_template.jinja").is_file() or (folder / "chat_template.json").is_file():
        return True
    try:
        config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(config.get("chat_template"))


def _downloaded(repo: str, commit: str, names: Iterable[str]) -> Path:
    """The hub cache's folder of a commit with the named files; the hub is asked only for files that are not in the cache."""
    try:
        folder = _download(repo, commit, is_here=True)
    except BadInputError:
        return _download(repo, commit)
    return folder if all((folder / name).is_file() for name in names) else _download(repo, commit)


def _download(repo: str, revision: str, is_here: bool = False) -> Path:
    """The hub cache's folder of a revision; files that are missing are downloaded, unless only local files are allowed."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        found = snapshot_download(repo, revision=revision, allow_patterns=list(LOADED), local_files_only=is_here)
        return Path(found)
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise BadInputError(
            f"model: cannot get {repo}@{revision} from the hub: {' '.join(str(error).split())}"
        ) from None
