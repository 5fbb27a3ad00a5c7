"""The verdict and the gates, from the metrics files that they rest on: overfit_check writes them, the gate holds what is written to them."""

from dataclasses import replace

from plateau.core import command
from plateau.core.figures import read
from plateau.core.params import Params
from plateau.core.system import System
from plateau.decision import checkup, judging, overfit
from plateau.decision.criteria import Criteria
from plateau.evaluation import hashes
from plateau.metrics.convert import Convert
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.evaluations import Point
from plateau.metrics.gates import Gates
from plateau.metrics.overfit import Overfit
from plateau.metrics.selection import Selection
from plateau.metrics.split import Split
from plateau.metrics.train import Train


def decide(system: System, params: Params) -> tuple[Overfit, Gates]:
    """What metrics/overfit.json and metrics/gates.json hold, by the sections overfit and gates of params."""
    points = read(list[Point], system.metrics("evaluations"))
    selection, train = read(Selection, system.metrics("selection")), read(Train, system.metrics("train"))
    evaluate, split = read(Evaluate, system.metrics("evaluate")), read(Split, system.metrics("split"))
    convert, rules = read(Convert, system.metrics("convert")), overfit.Rules(**params["overfit"])
    checked = checkup.check(points, selection, train, evaluate, split, convert, rules)
    checked = replace(checked, suggestion=command.for_system(checked.suggestion, system))
    own = Criteria.read(system, params["gates"]["criteria"], overfit=checked, evaluate=evaluate, split=split)
    return checked, judging.judge(params["gates"], checked, evaluate, hashes.digest(system), own)
