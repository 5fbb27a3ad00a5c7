"""overfit_check: give each evaluation point a status and the run a verdict, and hold the figures to the gates."""

from plateau.core import files
from plateau.core.figures import to_json
from plateau.core.params import Params
from plateau.core.progress import say
from plateau.core.stage import run
from plateau.core.system import System
from plateau.decision import deciding, wanted

PARAMS = ("overfit", "gates")


def main(system: System, params: Params) -> None:
    """Write metrics/overfit.json and metrics/gates.json."""
    wanted.check(system)
    system.metrics("gates").unlink(
        missing_ok=True
    )  # so that no answer from earlier figures is left if this stage fails
    checked, judged = deciding.decide(system, params)
    files.write_json(system.metrics("overfit"), to_json(checked))
    files.write_json(system.metrics("gates"), to_json(judged))
    say(f"{checked.verdict}: {checked.reason}")
    say(f"{judged.answer}: {judged.reason}")


if __name__ == "__main__":
    run(main, PARAMS)
