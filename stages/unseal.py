"""Open the blind rows of split.blind_size, once: evaluate the chosen adapter on them, which no stage has read before."""

from plateau.core import files
from plateau.core.figures import to_json
from plateau.core.params import Params
from plateau.core.progress import say
from plateau.core.stage import run
from plateau.core.system import System
from plateau.evaluation import manifest, unsealing

PARAMS = ("seed", "convert", "max_seq_length", "evaluate")


def main(system: System, params: Params) -> None:
    """Write metrics/unsealed.json, which says that the rows were opened, and for which adapter."""
    unsealing.check_sealed(system)
    manifest.check(system)
    found = unsealing.evaluated(system, params)
    files.write_json(system.metrics("unsealed"), to_json(found))
    say(found.summary)


if __name__ == "__main__":
    run(main, PARAMS)
