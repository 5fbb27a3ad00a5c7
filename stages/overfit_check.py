"""overfit_check: give each evaluation point a status and the run a verdict, and hold the figures to the gates."""

from plateau.core import files
from plateau.core.figures import read, to_json
from plateau.core.params import Params
from plateau.core.progress import say
from plateau.core.stage import run
from plateau.core.system import System
from plateau.decision import checkup, judging, overfit, wanted
from plateau.decision.criteria import Criteria
from plateau.evaluation import hashes
from plateau.metrics.convert import Convert
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.evaluations import Point
from plateau.metrics.selection import Selection
from plateau.metrics.split import Split
from plateau.metrics.train import Train

PARAMS = ("overfit", "gates")


def main(system: System, params: Params) -> None:
    """Write metrics/overfit.json and metrics/gates.json."""
    wanted.check(system)
    system.metrics("gates").unlink(
        missing_ok=True
    )  # so that no answer from earlier figures is left if this stage fails
    points = read(list[Point], system.metrics("evaluations"))
    selection, train = read(Selection, system.metrics("selection")), read(Train, system.metrics("train"))
    evaluate, split = read(Evaluate, system.metrics("evaluate")), read(Split, system.metrics("split"))
    convert, rules = read(Convert, system.metrics("convert")), overfit.Rules(**params["overfit"])
    checked = checkup.check(points, selection, train, evaluate, split, convert, rules)
    own = Criteria.read(system, params["gates"]["criteria"], overfit=checked, evaluate=evaluate, split=split)
    judged = judging.judge(params["gates"], checked, evaluate, hashes.digest(system), own)
    files.write_json(system.metrics("overfit"), to_json(checked))
    files.write_json(system.metrics("gates"), to_json(judged))
    say(f"{checked.verdict}: {checked.reason}")
    say(f"{judged.answer}: {judged.reason}")


if __name__ == "__main__":
    run(main, PARAMS)
