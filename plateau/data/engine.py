"""Map a function over batches, results in order: in this process, in several processes, or on a Dask cluster.

The result is the same in all three cases: batches are cut beforehand, and the function is pure.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

from plateau.core.errors import BadInputError, PlateauError

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

B = TypeVar("B")
R = TypeVar("R")

INLINE_BATCHES = 16
PATIENCE = "30s"


class Engine:
    """Runs batches; it starts a pool of processes once there are enough batches to be worth it."""

    def __init__(self, submit: Callable[..., Any] | None, workers: int) -> None:
        self._submit, self._workers = submit, workers
        self._pool: ProcessPoolExecutor | None = None

    def map(self, function: Callable[[B], R], batches: Iterable[B]) -> Iterator[R]:
        """Apply `function` to each batch and yield the results in order; about four batches per worker are in memory."""
        from concurrent.futures import BrokenExecutor

        batches = iter(batches)
        if self._submit is None:
            head = list(islice(batches, INLINE_BATCHES)) if self._workers > 1 and self._pool is None else []
            if self._workers == 1 or (head and len(head) < INLINE_BATCHES):
                yield from map(function, chain(head, batches))
                return
            batches = chain(head, batches)
        try:
            yield from self._ordered(self._submit or self._processes().submit, function, batches)
        except BrokenExecutor:
            raise PlateauError(
                "a worker process was killed, probably for memory; lower prepare.workers, or free memory"
            ) from None

    def _ordered(self, submit: Callable[..., Any], function: Callable[[B], R], batches: Iterable[B]) -> Iterator[R]:
        waiting: deque[Any] = deque()
        for batch in batches:
            waiting.append(submit(function, batch))
            if len(waiting) >= 4 * self._workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _processes(self) -> "ProcessPoolExecutor":
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._workers, context, _begin_worker)
        return self._pool

    def close(self) -> None:
        """End the worker processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _begin_worker() -> None:
    """Ignore Ctrl-C, which the parent handles, and end when the parent ends, even if it is killed."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def start(options: Mapping[str, Any]) -> AbstractContextManager[Engine]:
    """Start the engine that the section prepare of params.yaml names."""
    if options["engine"] == "dask":
        return dask(options["scheduler"], options["workers"])
    return local(options["workers"])


@contextmanager
def local(workers: int | None) -> Iterator[Engine]:
    """`workers` processes on this machine; None means one per CPU core."""
    engine = Engine(None, workers or cores())
    try:
        yield engine
    finally:
        engine.close()


@contextmanager
def dask(scheduler: str | None, workers: int | None) -> Iterator[Engine]:
    """Connect to the Dask scheduler at this address; None starts a local cluster."""
    import distributed

    own = (
        None
        if scheduler
        else distributed.LocalCluster(
            n_workers=workers or cores(), threads_per_worker=1, processes=True, dashboard_address=None
        )
    )
    try:
        try:
            client = distributed.Client(own or scheduler, timeout=PATIENCE)
        except (OSError, ValueError) as error:
            raise BadInputError(f"prepare.scheduler: no Dask scheduler at {scheduler}: {error}") from None
        with client:
            count = sum(client.nthreads().values())
            yield Engine(lambda function, batch: client.submit(function, batch, pure=False), max(1, count))
    finally:
        if own is not None:
            own.close()


def cores() -> int:
    """The number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
