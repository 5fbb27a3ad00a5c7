"""The base model's files: what `model` in params.yaml names, found and pinned; weights of big models stay where they are."""

import json
import re
import shutil
from pathlib import Path

from plateau.core.errors import BadInputError
from plateau.core.files import read_json, replacing, sha256, write_json

REFERENCE = Path(__file__).parent.parent.parent / "models" / "reference"
SOURCE = "source.json"
SMALL = ("*.json", "*.jinja", "*.model", "*.txt", "*.tiktoken")
HUB_NAME = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>[\w./-]+)")


def fetch(model: str, out: Path) -> None:
    """Write into `out` what `model` names: "reference", a local folder, or a hub repo as owner/name@revision.

    The reference model is copied whole. Of any other, `out` gets the tokenizer, the config, and a source.json with the place and
    the SHA-256 of every file. Raises BadInputError where there is no such model or it has no chat template.
    """
    if model == "reference":
        check(REFERENCE, "the reference model; restore it with `git checkout models/reference`")
        with replacing(out) as temporary:
            shutil.copytree(REFERENCE, temporary)
        return
    hub = HUB_NAME.fullmatch(model)
    if Path(model).is_dir():
        folder, source = Path(model), {"path": str(Path(model))}
    elif hub:
        folder, source = _download(hub["repo"], hub["revision"]), hub.groupdict()
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
        files = {file.name: sha256(file) for file in sorted(folder.iterdir()) if file.is_file()}
        write_json(temporary / SOURCE, {**source, "files": files})


def resolve(base_dir: Path) -> Path:
    """The folder that holds the weights of `base_dir`; raises BadInputError when they are gone or are not those pinned."""
    if not (base_dir / SOURCE).exists():
        return base_dir
    source = read_json(base_dir / SOURCE)
    folder = Path(source["path"]) if "path" in source else _download(source["repo"], source["revision"])
    for name in source["files"]:
        if not (folder / name).is_file():
            raise BadInputError(f"{folder / name}: missing, but {base_dir / SOURCE} pins it; run `dvc repro -f base`")
    return folder


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


def _download(repo: str, revision: str) -> Path:
    """The hub cache's folder of a pinned revision, downloaded where it is not there yet."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repo, revision=revision, allow_patterns=[*SMALL, "*.safetensors"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise BadInputError(
            f"model: cannot get {repo}@{revision} from the hub: {' '.join(str(error).split())}"
        ) from None
