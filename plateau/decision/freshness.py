"""Check with DVC that the pipeline of a system is up to date."""

import logging

from plateau.core.errors import PlateauError
from plateau.core.system import System


def check(system: System, stage: str) -> None:
    """Raise PlateauError, in one line, unless DVC finds `stage` and all stages before it up to date, data and code included."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.scm import SCMError

    logging.getLogger("dvc").setLevel(
        logging.ERROR
    )  # for a frozen stage DVC logs a warning that its deps are not checked
    pipeline = system.path("dvc.yaml")
    try:
        with Repo(Repo.find_root(str(system.path()))) as repo:
            stale = repo.status(targets=[f"{pipeline.resolve()}:{stage}"], with_deps=True)
    except (DvcException, SCMError) as error:
        raise PlateauError(
            f"{pipeline}: no pipeline that DVC can read: {' '.join(str(error).split())}; see `dvc status`"
        ) from None
    if stale:
        names = ", ".join(sorted(name.rpartition(":")[2] for name in stale))
        raise PlateauError(f"stale or missing: {names}; run `{repro(system)}`")


def repro(system: System) -> str:
    """The command that brings a system up to date."""
    return f"dvc repro {system.path('dvc.yaml').as_posix()}" if system.root.name else "dvc repro"
