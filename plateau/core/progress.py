"""Show progress: a bar with the time left on a terminal, one plain line for each event elsewhere."""

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

T = TypeVar("T")


def say(text: str) -> None:
    """Print one event on a line of its own."""
    _print(text, sys.stdout)


def complain(text: str) -> None:
    """Print an error to standard error."""
    _print(f"error: {text}", sys.stderr)


def _print(text: str, stream: TextIO) -> None:
    """Print and flush; where the reader has closed the pipe, as `head -1` does, the work goes on and its exit status stays."""
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield `items`, with a progress bar on a terminal and one line at the end elsewhere."""
    if not sys.stderr.isatty():
        count = 0
        for item in items:
            yield item
            count += 1
        say(f"{description}: {count:,} done")
        return
    from rich.console import Console
    from rich.progress import track as bar

    yield from bar(items, description=description, total=total, console=Console(stderr=True))
