"""Progress: a bar with an ETA on a terminal, one plain line an event elsewhere."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def say(text: str) -> None:
    """Print one event on a line of its own."""
    print(text, flush=True)


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
