"""overfit_check: a status for each evaluation point, a verdict on the run, and the gates."""

from plateau.core import files
from plateau.core.params import Params
from plateau.core.progress import say
from plateau.core.stage import run
from plateau.core.system import System
from plateau.decision import checkup, gates

PARAMS = ("overfit", "gates")


def main(system: System, params: Params) -> None:
    """Write metrics/overfit.json and metrics/gates.json."""
    system.metrics("gates").unlink(missing_ok=True)  # an answer from earlier figures must not outlive them
    points, train, selection, evaluate = (
        checkup.finite(files.read_json(system.metrics(name)))
        for name in ("evaluations", "train", "selection", "evaluate")
    )
    checked = checkup.check(points, selection, train, evaluate, params["overfit"])
    judged = gates.judge(params["gates"], checked, evaluate)
    files.write_json(system.metrics("overfit"), checked)
    files.write_json(system.metrics("gates"), judged)
    say(f"{checked['verdict']}: {checked['reason']}")
    say(f"{judged['answer']}: {judged['reason']}")


if __name__ == "__main__":
    run(main, PARAMS)
