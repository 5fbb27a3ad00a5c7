"""The gates for CI: print them and exit 0 to ship, with waivers or without, 2 not to, 3 on too little evidence, 1 when they are stale or broken."""

from plateau.core import files, params
from plateau.core.errors import BadInputError, GateFailedError, InsufficientEvidenceError, PlateauError
from plateau.core.figures import read, to_json
from plateau.core.params import Params
from plateau.core.progress import say
from plateau.core.stage import run
from plateau.core.system import System
from plateau.decision import deciding, freshness, looks
from plateau.evaluation import manifest
from plateau.lm import base
from plateau.metrics.evaluate import Evaluate
from plateau.metrics.gates import Gates
from plateau.metrics.train import Train
from plateau.metrics.unsealed import Unsealed
from plateau.report import report
from plateau.training import shaping

PARAMS = ("overfit", "gates", "evaluate.confidence")
REFUSALS = {"do_not_ship": GateFailedError, "insufficient_evidence": InsufficientEvidenceError}


def main(system: System, values: Params) -> None:
    """Print the gates of a system whose every stage up to overfit_check is up to date; the answer is the exit status."""
    freshness.check(system, "overfit_check")
    manifest.check(system)
    base.check_here(system.path("models", "base"))
    _check_params(system)
    judged = _judged(system, values)
    say(report.gate_table(judged.rows))
    evaluate = read(Evaluate, system.metrics("evaluate"))
    for line in (
        *report.waivers(judged),
        *looks.lines(system, evaluate, values["gates"]["max_looks"], values["evaluate"]["confidence"]),
    ):
        say(line)
    if system.metrics("unsealed").is_file():
        say(read(Unsealed, system.metrics("unsealed")).summary)
    if not judged.ships:
        raise REFUSALS[judged.answer](judged.reason)


def _check_params(system: System) -> None:
    """Raise PlateauError unless training ran with the params that are here; dvc.lock may have been made to say so."""
    recorded = read(Train, system.metrics("train")).params_sha256
    if recorded != shaping.digest(params.check(system.path("params.yaml"))):
        raise PlateauError(
            f"{system.path('params.yaml')}: not the params of the run in {system.metrics('train')}; run `dvc repro -f train`"
        )


def _judged(system: System, values: Params) -> Gates:
    """metrics/gates.json; raises PlateauError unless that and overfit.json hold what the files that they rest on, and params, give."""
    try:
        checked, judged = deciding.decide(system, values)
        recorded = {name: files.read_json(system.metrics(name)) for name in ("overfit", "gates")}
    except BadInputError as error:
        raise PlateauError(str(error)) from None
    for name, found in (("overfit", checked), ("gates", judged)):
        if to_json(found) != recorded[name]:
            raise PlateauError(
                f"{system.metrics(name)}: not what the metrics beside it and params.yaml give; run `{freshness.repro(system)}`"
            )
    return judged


if __name__ == "__main__":
    run(main, PARAMS, bad_input=PlateauError.exit_status)
