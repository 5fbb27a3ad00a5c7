"""reference (frozen in DVC): train the small model that stands in for a real one; `dvc repro -f reference` makes the same bytes again."""

from plateau.core.params import Params
from plateau.core.stage import run
from plateau.core.system import System
from simulator.teaching import pretraining

PARAMS = ()


def main(system: System, _: Params) -> None:
    """Write models/reference/."""
    pretraining.make(system.path("models", "reference"))


if __name__ == "__main__":
    run(main, PARAMS)
