"""What a person sees of a run in progress: one live line on a terminal, one plain line an evaluation point elsewhere."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from plateau.core.progress import say
from plateau.lm.backend import mx
from plateau.training.checkpoints import State
from plateau.training.settings import Settings
from plateau.training.stopping import losses_of, standing

WIDE = 125  # columns from which the line has room for a bar and whole words
SHORT = (("patience left", "left"), (" tokens/s", "/s"), (" GiB", "G"), (" at ", "@"))


class Display:
    """Shows iteration, losses, patience left, tokens a second, time left and memory; called after every update and point.

    The first `known` evaluation points are not shown: the run that this one continues has shown them.
    """

    def __init__(self, settings: Settings, known: int = 0, shown: bool = True) -> None:
        self._settings, self._shown = settings, shown
        self._console = Console(stderr=True)
        self._narrow = self._console.width < WIDE
        bar = () if self._narrow else (TextColumn("train"), BarColumn(20))
        columns = (*bar, MofNCompleteColumn(), TextColumn("{task.fields[status]}"), TimeRemainingColumn())
        hidden = not (shown and self._console.is_terminal)
        self._bar = Progress(*columns, console=self._console, disable=hidden)
        self._task = self._bar.add_task("train", total=settings.iters, status="")
        self._points = known
        self._first: tuple[float, int] | None = None
        self.tokens_per_second = 0.0

    def __enter__(self) -> "Display":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, state: State) -> None:
        """Show the state as it is now."""
        now = time.perf_counter()
        self._first = self._first or (now, state.row_tokens)
        if now > self._first[0]:
            self.tokens_per_second = (state.row_tokens - self._first[1]) / (now - self._first[0])
        if len(state.points) > self._points:
            self._points = len(state.points)
            if self._shown and not self._console.is_terminal:
                say(self._line(state))
        self._bar.update(self._task, completed=state.iteration, status=self._status(state))

    def _status(self, state: State) -> str:
        loss = f"loss {state.loss_sum / state.loss_tokens:.3f}" if state.loss_tokens else ""
        val = f"val {_shown(state.points[-1].val_loss)}" if state.points else ""
        memory = f"{mx.get_peak_memory() / 2**30:.1f} GiB"
        words = " ".join([loss, val, self._standing(state), f"{self.tokens_per_second:,.0f} tokens/s", memory]).strip()
        for long, short in SHORT if self._narrow else ():
            words = words.replace(long, short)
        return words

    def _line(self, state: State) -> str:
        point = state.points[-1]
        lr = "" if point.lr is None else f" lr {point.lr:.3g}"
        losses = f"train_loss {_shown(point.train_loss)} val_loss {_shown(point.val_loss)}"
        return (
            f"iteration {point.iteration} {losses} {self._standing(state)}{lr} {self.tokens_per_second:,.0f} tokens/s"
        )

    def _standing(self, state: State) -> str:
        iterations = [point.iteration for point in state.points]
        now = standing(losses_of(state.points), self._settings.rules, iterations)
        if now.best is None:
            return ""
        best = state.points[now.best]
        left = max(0, self._settings.rules.patience - now.waited)
        return f"best {_shown(best.val_loss)} at {best.iteration} patience left {left}"


def _shown(loss: float | None) -> str:
    return "not finite" if loss is None else f"{loss:.4f}"
