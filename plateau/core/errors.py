"""Errors for people: what is wrong, where, and what to do. A stage prints the error and exits with the status of its class."""


class PlateauError(Exception):
    """Something is broken; exit status 1."""

    exit_status = 1


class BadInputError(PlateauError):
    """Params or data that a person must correct; exit status 2."""

    exit_status = 2


class GateFailedError(PlateauError):
    """A gate that was not met; exit status 2."""

    exit_status = 2


class InsufficientEvidenceError(PlateauError):
    """Too little evidence to decide; exit status 3."""

    exit_status = 3
