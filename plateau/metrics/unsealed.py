"""metrics/unsealed.json."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from plateau.core.figures import Count, Estimate
from plateau.metrics.compared import Compared


@dataclass(frozen=True)
class Unsealed:
    """What the chosen adapter scored on the blind rows, which were opened for it, once."""

    blind: Annotated[str, "SHA-256 of data/split/blind.parquet: these rows are blind no more"]
    adapter: Annotated[str, "SHA-256 of the adapter's weights"]
    rows: Annotated[Count, "blind rows"]
    score: Annotated[Estimate, "the adapter's mean score on them, 0 to 1"]
    schema_valid: Annotated[Estimate, "share of its outputs that the target schema accepts"]
    gains: Annotated[Mapping[str, Compared], "its score on them, less that of each baseline"]

    @property
    def summary(self) -> str:
        """What the blind rows said, in a line."""
        told = {f"gain over {name}": one.difference for name, one in self.gains.items()}
        said = ", ".join(
            f"{name} {one.value:.4g} ({one.low:.4g} to {one.high:.4g})"
            for name, one in {"score": self.score, **told}.items()
            if one.low is not None
        )
        return f"{self.rows:,} blind rows were opened for the adapter {self.adapter[:12]}: {said}"
