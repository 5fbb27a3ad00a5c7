"""Prepare to convert on made-up conversations, time and memory by stage: `python -m benchmarks.data [RECORDS ...]`.

Also what validation and temporal features gain over plain jsonschema and over a loop. Without arguments, 100,000 records.
"""

import datetime as dt
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import yaml

from plateau.core import params
from simulator.contacts import conversations

CHUNK = 20_000
STAGES = ("prepare", "temporal", "split", "convert")
FIRST, LAST = dt.date(2025, 1, 1), dt.date(2025, 12, 31)


def chunk(folder: Path, number: int, count: int) -> None:
    """One contact centre's year as `transcripts/<number>.jsonl` and `analyses/<number>.jsonl`, ids and customers its own."""
    kept = list(conversations.simulate(count, FIRST, LAST, f"benchmark {number}"))
    for item in kept:
        for key in ("id", "customer_id"):
            item.transcript[key] = f"{number:04d}-{item.transcript[key]}"
    found = {
        "transcripts": [item.transcript for item in kept],
        "analyses": conversations.label(kept, 0.03, str(number)),
    }
    for kind, records in found.items():
        path = folder / kind / f"{number:04d}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")


def make(folder: Path, records: int) -> None:
    """A system of so many conversations, all of them kept, not in order of time."""
    sizes = [min(CHUNK, records - start) for start in range(0, records, CHUNK)]
    with ProcessPoolExecutor() as pool:
        raw = folder / "data" / "raw"
        list(pool.map(chunk, [raw] * len(sizes), range(len(sizes)), sizes))
    values = params.check(Path("params.yaml"))
    values["split"] |= {"train_size": None, "valid_size": records // 50, "test_size": records // 20}
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    shutil.copytree("models/reference", folder / "models" / "base")
    shutil.copytree("schemas", folder / "schemas")


class Cost(NamedTuple):
    """What a command took: seconds, seconds of processor time, and the most MiB that its processes held at once."""

    seconds: float
    processor: float
    peak: float


def watch(command: list[str]) -> Cost:
    """Run a command and the processes that it starts."""
    began, worked, peak = time.perf_counter(), _worked(), 0
    process = psutil.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        held = 0
        for one in [process, *_children(process)]:
            try:
                held += one.memory_info().rss
            except psutil.Error:
                continue
        peak = max(peak, held)
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return Cost(time.perf_counter() - began, _worked() - worked, peak / 2**20)


def _worked() -> float:
    """Processor seconds of all processes that have ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _children(process: psutil.Popen) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def pipeline(records: int) -> None:
    """One row a stage of the table in benchmarks/README.md, and one for all."""
    with tempfile.TemporaryDirectory() as name:
        make(Path(name), records)
        measure(Path(name), records)


def measure(folder: Path, records: int) -> None:
    """Run the stages on a system that `make` made."""
    costs = []
    for stage in STAGES:
        costs.append(watch([sys.executable, "-m", f"stages.{stage}", str(folder)]))
        show(records, stage, costs[-1])
    show(
        records, "all", Cost(*(sum(cost[part] for cost in costs) for part in (0, 1)), max(cost.peak for cost in costs))
    )


def show(records: int, stage: str, cost: Cost) -> None:
    """Print one row."""
    each = cost.seconds / records * 1e6
    print(
        f"| {records:,} | {stage} | {cost.seconds:.1f} | {each:.0f} | {cost.processor:.1f} | {cost.peak:,.0f} |",
        flush=True,
    )


def _rate(work: Callable[[], Any], count: int) -> float:
    """Microseconds for each of `count` records, the best of three."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times) / count * 1e6


def validation() -> None:
    """Accepting good transcripts: the compiled contract against jsonschema."""
    import jsonschema

    from plateau.data.contracts import Contract

    contract = Contract.load(Path("schemas/transcript.schema.json"))
    plain = jsonschema.Draft202012Validator(contract.schema)
    records = [item.transcript for item in conversations.simulate(500, FIRST, LAST, "validation")]
    ours = _rate(lambda: [contract.check(record) for record in records], len(records))
    theirs = _rate(lambda: [plain.is_valid(record) for record in records], len(records))
    print(f"validation: {ours:.1f} us a record, jsonschema {theirs:.1f} us, {theirs / ours:.0f} times")


def temporal(count: int = 100_000) -> None:
    """Temporal features on vectors against a loop over rows that does the same, as the seeds' script does it."""
    import holidays
    import numpy as np

    from plateau.data import calendar

    options = params.check(Path("params.yaml"))["temporal"]
    seconds = np.sort(np.random.default_rng(0).integers(1_735_700_000, 1_767_200_000, count))
    utc = seconds.astype("datetime64[s]").astype("datetime64[us]")
    zone, closed = calendar._zone(options["time_zone"]), holidays.country_holidays(options["holidays"])

    def loop() -> list[Any]:
        return [_row(dt.datetime.fromtimestamp(second, zone), options, closed) for second in seconds.tolist()]

    ours, theirs = _rate(lambda: calendar.features(utc, options), count), _rate(loop, count)
    print(f"temporal: {ours:.2f} us a record, a loop {theirs:.1f} us, {theirs / ours:.0f} times")


def _row(local: dt.datetime, options: dict[str, Any], closed: Any) -> tuple[Any, ...]:
    """The features of one row, a row at a time."""
    day = local.strftime("%A")
    opening, _, closing = options["business_hours"].get(day.lower(), "").partition("-")
    clock = local.strftime("%H:%M")
    is_open = local.date() not in closed and opening <= clock < closing
    part = ("night", "morning", "afternoon", "evening")[local.hour // 6]
    return local.strftime("%Y-%m-%dT%H:%M:%S"), part, day, is_open, local.month in options["peak_months"]


def main() -> None:
    """Print the tables."""
    validation()
    temporal()
    print("| records | stage | seconds | us a record | processor seconds | peak MiB |\n|---|---|---|---|---|---|")
    for records in [int(text) for text in sys.argv[1:]] or [100_000]:
        pipeline(records)


if __name__ == "__main__":
    main()
