"""A system is a folder with its own dvc.yaml, params.yaml and schemas/; this module says where its stages read and write."""

from dataclasses import dataclass
from pathlib import Path

SPLITS = ("train", "valid", "test")
SHARED_SCHEMAS = Path(__file__).parent.parent.parent / "schemas"


@dataclass(frozen=True)
class System:
    """Paths of one system; `root` is "." for the embedded default, `systems/<name>` for the others."""

    root: Path

    def path(self, *parts: str) -> Path:
        """A path below the system's folder."""
        return self.root.joinpath(*parts)

    def split(self, name: str) -> Path:
        """Parquet rows of one split: train, valid or test."""
        return self.path("data", "split", f"{name}.parquet")

    def tokens(self, name: str) -> Path:
        """Arrow token file of one split."""
        return self.path("data", "tokens", f"{name}.arrow")

    def metrics(self, name: str) -> Path:
        """A metrics file, such as metrics/train.json."""
        return self.path("metrics", f"{name}.json")

    def schema(self, name: str) -> Path:
        """The system's own schemas/<name>.schema.json where it has one, else the shared one."""
        own = self.path("schemas", f"{name}.schema.json")
        return own if own.exists() else SHARED_SCHEMAS / f"{name}.schema.json"
