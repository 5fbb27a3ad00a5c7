"""What every stage module ends with: `run(main, PARAMS)` reads the command line and params, and reports errors to people."""

import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from plateau.core import params, supervision
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
) -> None:
    """Call `main(system, params)` for `python -m stages.<name> [SYSTEM_DIR]`, or `plan` where `--plan` is asked for.

    DVC knows the stage's params `keys`, and not those `untracked`, which change no byte of its outs. The exit status is 0, or that
    of the error (plateau/core/errors.py); `bad_input` is the one for params or data that a person must correct.
    """
    if plan and PLAN in sys.argv:
        sys.argv.remove(PLAN)
        main = plan
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        system = _system(sys.argv[1:])
        main(system, params.load(system, [*keys, *untracked]))
    except PlateauError as error:
        complain(str(error))
        sys.exit(bad_input if isinstance(error, BadInputError) else error.exit_status)
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
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


def _system(arguments: Sequence[str]) -> System:
    """The system named on the command line, the current folder by default."""
    folder = Path(arguments[0] if arguments else ".")
    if len(arguments) > 1 or not (folder / "params.yaml").is_file():
        raise BadInputError(
            f"{' '.join(arguments) or '.'}: not a system folder (no params.yaml in it); pass one, such as systems/star"
        )
    return System(folder)
