"""Signals and parents: a stage stops at a clean point when it is asked to, or when the dvc that started it is gone."""

import os
import signal
from collections.abc import Callable

import psutil


def interruption() -> Callable[[], bool]:
    """Take over SIGINT and SIGTERM; the function returned says whether to stop now.

    `kill -9` on dvc leaves its stages running: so a stage also stops when the dvc process above it is gone.
    """
    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda caught, _: received.append(caught))
    above = _dvc_above()
    return lambda: bool(received) or (above is not None and not above.is_running())


def _dvc_above() -> psutil.Process | None:
    """The dvc process that runs this stage, None where a person started it."""
    if "DVC_STAGE" not in os.environ:
        return None
    for process in psutil.Process().parents():
        try:
            if any("dvc" in os.path.basename(word) for word in process.cmdline()[:3]):  # noqa: PTH119
                return process
        except psutil.Error:
            continue
    return None
