"""The gates for CI: print them and exit 0 to ship, 2 not to, 3 on too little evidence, 1 when something is broken."""

from plateau.core import files
from plateau.core.errors import BadInputError, InsufficientEvidenceError, PlateauError
from plateau.core.params import Params
from plateau.core.progress import say
from plateau.core.stage import run
from plateau.core.system import System
from plateau.report import report

PARAMS: tuple[str, ...] = ()
REFUSALS = {"do_not_ship": BadInputError, "insufficient_evidence": InsufficientEvidenceError}


def main(system: System, _: Params) -> None:
    """Print the rows of metrics/gates.json; its answer is the exit status."""
    path = system.metrics("gates")
    try:
        gates = files.read_json(path)
        say(report.gate_table(gates["rows"]))
        if gates["answer"] != "ship":
            refusal = REFUSALS[gates["answer"]](gates["reason"])
    except (BadInputError, KeyError, TypeError) as error:
        raise PlateauError(f"{path}: no gates to read: {error!r}; run `dvc repro`") from None
    if gates["answer"] != "ship":
        raise refusal


if __name__ == "__main__":
    run(main, PARAMS)
