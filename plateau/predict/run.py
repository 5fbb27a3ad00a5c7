"""Predict the records of a file and write the answers. Finished parts are kept, so a stopped run resumes."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plateau.core import files
from plateau.core.progress import say
from plateau.core.system import System
from plateau.core.version import SCHEMA_VERSION
from plateau.data import engine, fields
from plateau.predict import items, work
from plateau.predict.admission import Admission
from plateau.predict.columns import Columns, writer
from plateau.predict.items import Shard
from plateau.predict.predictor import Predictor

_SAID_EVERY = 10.0  # seconds


class Pace:
    """Prints progress, speed and remaining time every few seconds."""

    def __init__(self, done: int, total: int) -> None:
        self._first, self._total = done, total
        self._began = self._said = time.monotonic()

    def at(self, done: int) -> None:
        """Print the progress, unless it was printed within the last few seconds."""
        now = time.monotonic()
        if now - self._said >= _SAID_EVERY or done == self._total:
            self._said = now
            speed = (done - self._first) / max(now - self._began, 1e-9)
            left = "" if done == self._total else f", {_clock((self._total - done) / max(speed, 1e-9))} left"
            say(f"{done:,} of {self._total:,} rows, {speed:,.1f} a second{left}")


def predict(
    system: System,
    values: Mapping[str, Any],
    admission: Admission,
    given: Path,
    out: Path,
    part: Shard,
    constrained: bool,
) -> None:
    """Predict the records of an input, or of one shard, and write them to `out`, with a metadata file beside it."""
    writer(out)
    job = _job(given, admission, part, constrained)
    if work.complete(out, job):
        say(f"{out}: is there already, whole")
        return
    with work.begun(out, job) as rows:
        predictor = Predictor(system, values, admission, constrained)
        columns = Columns(tuple(fields.fields(predictor.schema)))
        with engine.local(predictor.options["workers"]) as pool:
            read = predictor.input(given, rows.folder)
            contacts, total = predictor.contacts(pool, read)
            mine = len(range(part.part - 1, total, part.parts))
            if rows.done:
                say(f"going on after {rows.done:,} of {mine:,} rows")
            pace = Pace(rows.done, mine)
            for batch in predictor.predictions(pool, read, contacts, part, rows.done):
                rows.add([columns.row(made) for made in batch])
                pace.at(rows.done)
        counts = rows.finish(columns, _said(system, admission))
    lost = counts["rows"] - counts["answered"]
    say(
        f"{out}: {counts['rows']:,} rows, {counts['answered']:,} answered, {counts['schema_valid']:,} of them schema-valid"
        + (f"; {lost:,} have a reason instead" if lost else "")
    )


def _job(given: Path, admission: Admission, part: Shard, constrained: bool) -> dict[str, Any]:
    """Everything that decides the bytes of the output. A run resumes only if all of it is unchanged."""
    found = {path.as_posix(): files.sha256(path) for path in items.paths(given) if path.is_file()}
    return {
        "input": str(given),
        "files": found,
        "shard": f"{part.part}/{part.parts}",
        "constrained": constrained,
        "evaluated": admission.manifest,
        "schema_version": SCHEMA_VERSION,
    }


def _said(system: System, admission: Admission) -> dict[str, Any]:
    """The metadata: the system, the answer of the gates on the adapter, and the reason if it was used against them."""
    gates = {"answer": admission.answer, "reason": admission.reason, "waived": admission.waived}
    return {"system": str(system.root), "gates": gates, "not_gated": admission.not_gated}


def _clock(seconds: float) -> str:
    """Format seconds as hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
