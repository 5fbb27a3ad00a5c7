"""metrics/unsealed.json."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from plateau.core.figures import Count, Estimate
from plateau.metrics.compared import Compared


@dataclass(frozen=True)
class Unsealed:
    """The scores of the chosen adapter on the blind rows, which were opened once, for this adapter."""

    blind: Annotated[str, "SHA-256 of data/split/blind.parquet, whose rows are no longer blind"]
    adapter: Annotated[str, "SHA-256 of the adapter's weights"]
    rows: Annotated[Count, "blind rows"]
    score: Annotated[Estimate, "the adapter's mean score on the blind rows, 0 to 1"]
    schema_valid: Annotated[
        Estimate, "share of the adapter's outputs on the blind rows that are valid by the target schema"
    ]
    gains: Annotated[Mapping[str, Compared], "the adapter's score on the blind rows less the score of each baseline"]

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
