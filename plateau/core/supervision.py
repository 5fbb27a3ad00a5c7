"""Stop a stage when it is asked to stop, or when the dvc that started it has ended.

`kill -9` on dvc leaves its stages running. Such an orphan would hold the locks that the next run needs, and dvc would delete its outputs. So a thread watches the parent processes from the first moment, also while a C library keeps the main thread busy.
"""

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

POLL_SECONDS = 0.5
GRACE_SECONDS = 8  # from the signal until this process ends itself; Docker kills a container after 10
LAUNCHED = {"DVC_STAGE", "MLX_RANK"}  # one of these is set where dvc or a launcher of ranks started this process

_unfinished = threading.Lock()


def is_stage() -> bool:
    """Whether this process is `python -m stages.<name>`, and not a notebook, a test or a client of the library."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec is not None and spec.name.startswith("stages.")


def watch() -> None:
    """Start the thread that ends this process GRACE_SECONDS after SIGTERM or SIGINT, whatever the main thread does.

    The end of a parent process, up to the dvc that runs this stage, counts as SIGTERM; where one has ended already, this process ends at once.
    """
    above = _above() if LAUNCHED & os.environ.keys() else []
    if "DVC_STAGE" in os.environ and not above:
        sys.exit("error: the dvc that ran this stage is gone; run `dvc repro` again")
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)  # written to even while a C library computes
    threading.Thread(target=_end_when_due, args=(reading, above), name="supervision", daemon=True).start()


def interruption() -> Callable[[], bool]:
    """Handle SIGINT and SIGTERM; the function returned says whether to stop now."""
    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda caught, _: received.append(caught))
    return lambda: bool(received)


@contextmanager
def finishing() -> Iterator[None]:
    """Let the block finish before the process ends, so that a state is written whole."""
    with _unfinished:
        yield


def gone(process: psutil.Process) -> bool:
    """Whether a process has ended, also where nobody has collected its exit status, as in a container without an init."""
    try:
        return not process.is_running() or process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def _end_when_due(reading: int, above: Sequence[psutil.Process]) -> None:
    """Wait for a signal, or raise one when a parent process has ended; then end this process after the time of grace."""
    asked = False
    while not asked:
        if select.select([reading], [], [], POLL_SECONDS)[0]:
            asked = bool({signal.SIGTERM, signal.SIGINT} & set(os.read(reading, 512)))
        elif any(map(gone, above)):
            _complain("the dvc that ran this stage is gone")
            os.kill(os.getpid(), signal.SIGTERM)
            asked = True
    time.sleep(GRACE_SECONDS)
    _unfinished.acquire()
    _complain("stopped in the middle of a step; the next `dvc repro` goes on from the last saved state")
    os._exit(1)


def _complain(text: str) -> None:
    """Print one line for people; the reader may have ended too."""
    try:
        os.write(2, f"error: {text}\n".encode())
    except OSError:
        return


def _above() -> list[psutil.Process]:
    """The parent processes, from the nearest to the one that runs this stage: dvc, or a Python that uses dvc as a library.

    Empty where there is none, because init, a shell or a supervisor has adopted this process. A Python of another session
    counts as a supervisor.
    """
    parents = psutil.Process().parents()
    for place, process in enumerate(parents):
        try:
            words = [Path(word).name for word in process.cmdline()[:3] if " " not in word]  # no command of a shell
            is_python = bool(words) and "python" in words[0].lower() and _same_session(process.pid)
        except psutil.Error:
            continue
        if is_python or any(word.split(".")[0] == "dvc" for word in words):
            return parents[: place + 1]
    return []


def _same_session(pid: int) -> bool:
    try:
        return os.getsid(pid) == os.getsid(0)
    except OSError:
        return False
