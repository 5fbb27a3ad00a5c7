"""base: find and pin the model that is fine-tuned."""

from plateau.base import fetch
from plateau.params import Params
from plateau.stage import run
from plateau.system import System

PARAMS = ("model",)


def main(system: System, params: Params) -> None:
    """Write models/base/."""
    fetch(params["model"], system.path("models", "base"))


if __name__ == "__main__":
    run(main, PARAMS)
