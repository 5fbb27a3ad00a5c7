"""base: find the model that is fine-tuned, and record the hashes of its files."""

from plateau.core.params import Params
from plateau.core.progress import say
from plateau.core.stage import run
from plateau.core.system import System
from plateau.lm.base import fetch

PARAMS = ("model",)


def main(system: System, params: Params) -> None:
    """Write models/base/."""
    fetch(params["model"], system.path("models", "base"))
    say(f"{system.path('models', 'base')}: {params['model']}")


if __name__ == "__main__":
    run(main, PARAMS)
