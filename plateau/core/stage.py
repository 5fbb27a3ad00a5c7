"""What every stage module ends with: `run(main, PARAMS)` reads the command line and params, and reports errors to people."""

import argparse
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from plateau.core import command, params, supervision
from plateau.core.errors import BadInputError, PlateauError
from plateau.core.progress import complain
from plateau.core.system import System

Main = Callable[[System, params.Params], None]
PLAN = "--plan"  # say what the stage would cost, instead of running it
LIBRARY = (("mlx_lm", "models"), ("mlx_lm", "tuner"), ("mlx_lm", "generate.py"), ("mlx", "nn"))

if supervision.is_stage():  # here, for each stage imports this module before mlx, which takes seconds to load
    supervision.watch()


def run(
    main: Main,
    keys: Sequence[str],
    untracked: Sequence[str] = (),
    bad_input: int = BadInputError.exit_status,
    plan: Main | None = None,
    note: str = "",
) -> None:
    """Call `main(system, params)` for `python -m stages.<name> [SYSTEM]`, or `plan` where `--plan` is asked for.

    DVC knows the stage's params `keys`, and not those `untracked`, which change no byte of its outs. The exit status is 0, or that
    of the error (plateau/core/errors.py); `bad_input` is the one for params or data that a person must correct. `note` is added to what
    `--help` says of the stage.
    """

    def work() -> None:
        asked = command.parsed(lambda parser: _declare(parser, plan, note), "", sys.argv[1:])
        system = command.system(asked.system)
        chosen = plan if plan and asked.plan else main
        with command.naming(system):
            command.refuse_foreign_params(system)
            chosen(system, params.load(system, [*keys, *untracked]))

    guarded(work, bad_input)


def guarded(work: Callable[[], None], bad_input: int = BadInputError.exit_status) -> None:
    """Call `work`; an error becomes one line and the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        work()
    except PlateauError as error:
        complain(str(error))
        sys.exit(bad_input if isinstance(error, BadInputError) else error.exit_status)
    except OSError as error:
        name = error.filename2 or error.filename  # of a copy the second is what is written
        place = f" ({name})" if name else ""
        complain(f"{error.strerror or error}{place}; what was complete before is kept")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if (code := _code_of_models(error)) is None:
            raise
        complain(f"mlx-lm cannot work with this model ({code}): {type(error).__name__}: {' '.join(str(error).split())}")
        sys.exit(bad_input)


def _code_of_models(error: Exception) -> str | None:
    """File and line of mlx-lm's or mlx's own code of models that raised an error; None where other code did."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    parts = Path(frame.filename).parts
    inside = next((n for n in range(len(parts) - 1) if parts[n : n + 2] in LIBRARY), None)
    return None if inside is None else f"{'/'.join(parts[inside:])}, line {frame.lineno}"


def _declare(parser: argparse.ArgumentParser, plan: Main | None, note: str) -> None:
    if plan:
        parser.add_argument(PLAN, action="store_true", help="say what it would cost, and do nothing else")
    parser.description = " ".join([str(parser.description), note]).strip()
