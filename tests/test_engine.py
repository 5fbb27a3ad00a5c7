"""Many batches, out of core: the same bytes from one process, several or a Dask cluster, and whatever the memory."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plateau.core.errors import BadInputError, PlateauError
from plateau.core.system import System
from plateau.data import engine, records, spill
from stages import prepare
from tests.test_params import ROOT
from tests.test_records import TARGET, analysis, transcript


def double(number: int) -> int:
    if number < 0:
        raise BadInputError(f"{number} is negative")
    if number == 666:
        os._exit(1)
    return 2 * number


def test_results_come_in_order_from_processes_as_from_one() -> None:
    with engine.local(2) as several, engine.local(1) as one:
        assert list(several.map(double, range(100))) == list(one.map(double, range(100))) == list(range(0, 200, 2))
        assert list(several.map(double, [])) == []
        with pytest.raises(BadInputError, match="-1 is negative"):
            list(several.map(double, [*range(50), -1]))


def test_no_more_batches_are_read_ahead_than_workers_need() -> None:
    taken = []

    def batches() -> Iterator[int]:
        for number in range(200):
            taken.append(number)
            yield number

    with engine.local(2) as pool:
        for number in pool.map(double, batches()):
            assert len(taken) <= number // 2 + 8 + engine.INLINE_BATCHES
    assert len(taken) == 200


def test_a_worker_that_dies_is_one_clear_line() -> None:
    with engine.local(2) as pool, pytest.raises(PlateauError, match="a worker process was killed"):
        list(pool.map(double, [*range(50), 666]))


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import multiprocessing, time\nfrom plateau.data import engine\nfrom tests.test_engine import double\n"
        "if __name__ == '__main__':\n    with engine.local(2) as pool:\n        list(pool.map(double, range(50)))\n"
        "        print(*[child.pid for child in multiprocessing.active_children()], flush=True)\n        time.sleep(60)\n"
    )
    (tmp_path / "run.py").write_text(code)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, tmp_path / "run.py"], stdout=subprocess.PIPE, text=True, env=environment
    ) as run:
        assert run.stdout
        workers = [int(pid) for pid in run.stdout.readline().split()]
        run.kill()
    assert len(workers) == 2
    for _ in range(100):
        if not any(alive(pid) for pid in workers):
            return
        time.sleep(0.1)
    raise AssertionError("workers outlive their parent")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def practice(root: Path, count: int = 400) -> System:
    """Transcripts and analyses in different orders, with conflicts, repeats, orphans and bad rows among them."""
    draw = random.Random(1)
    numbers = list(range(count))
    found: dict[str, list[str]] = {"transcripts": [], "analyses": []}
    for kind, make in (("transcripts", transcript), ("analyses", analysis)):
        draw.shuffle(numbers)
        for number in numbers:
            start = {"start": f"2025-03-{1 + number % 28:02}T10:00:00Z"} if kind == "transcripts" else {}
            row = make(f"c{number}", **(start or {"score": number % 6, "label": "a"}))
            copies = 2 if number % 17 == 0 else 0 if number % 13 == (0 if kind == "analyses" else 1) else 1
            found[kind] += [json.dumps(row)] * copies
            if number % 29 == 0:
                found[kind].append(json.dumps({**row, "id": f"c{number}", "start": "x", "target": {"label": "b"}}))
            if number % 31 == 0:
                found[kind].append('{"id": "')
    (root / "schemas").mkdir(parents=True)
    (root / "schemas" / "target.schema.json").write_text(json.dumps(TARGET))
    (root / "data" / "raw").mkdir(parents=True)
    for kind, lines in found.items():
        (root / "data" / "raw" / f"{kind}.jsonl").write_text("\n".join(lines))
    return System(root)


def outputs(system: System, **options: Any) -> list[bytes]:
    prepare.main(system, {"prepare": {"max_rejected": 0.9, **options}})
    places = [("data", "prepared.parquet"), ("data", "rejected.jsonl"), ("metrics", "prepare.json")]
    return [system.path(*place).read_bytes() for place in places]


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "BATCH_ROWS", 7)


@pytest.mark.usefixtures("small_batches")
def test_one_process_and_several_and_any_memory_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = practice(tmp_path)
    one = outputs(system, workers=1)
    assert len(one[1].splitlines()) > 40
    assert outputs(system, workers=2) == one
    monkeypatch.setattr(prepare, "MIB", 40)  # so that 16 of them make many buckets and runs
    assert outputs(system, workers=1, memory_mb=16) == one


@pytest.mark.slow
@pytest.mark.usefixtures("small_batches")
def test_a_dask_cluster_gives_the_same_bytes(tmp_path: Path) -> None:
    system = practice(tmp_path)
    assert outputs(system, engine="dask", workers=2) == outputs(system, workers=1)


def test_a_scheduler_that_is_not_there_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PATIENCE", "1s")
    with pytest.raises(BadInputError, match=r"prepare\.scheduler: no Dask scheduler at tcp://127.0.0.1:1"):
        outputs(practice(tmp_path), engine="dask", scheduler="tcp://127.0.0.1:1")


ROWS = st.lists(st.tuples(st.integers(0, 9), st.text(max_size=2)), max_size=40)


@given(rows=ROWS, size=st.integers(1, 9), memory=st.integers(1, 400))
def test_rows_sorted_out_of_core_are_sorted(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str]], size: int, memory: int
) -> None:
    table = pa.table(
        {"n": pa.array([n for n, _ in rows], pa.int64()), "s": pa.array([s for _, s in rows], pa.string())}
    )
    found = spill.in_order(table.to_batches(max_chunksize=size), ["n", "s"], tmp_path_factory.mktemp("runs"), memory)
    assert [tuple(row.values()) for batch in found for row in batch.to_pylist()] == sorted(
        rows, key=lambda row: (row[0], row[1].encode())
    )


@given(sizes=st.lists(st.integers(0, 9), max_size=9), size=st.integers(1, 5), limit=st.integers(1, 100))
def test_rebatched_rows_are_the_same_in_batches_within_bounds(sizes: list[int], size: int, limit: int) -> None:
    numbers = iter(range(1000))
    batches = [pa.record_batch({"n": pa.array([next(numbers) for _ in range(count)], pa.int64())}) for count in sizes]
    found = list(spill.rebatched(batches, size, limit))
    assert [n for batch in found for n in batch["n"].to_pylist()] == list(range(sum(sizes)))
    assert all(0 < len(batch) <= size for batch in found)


def test_killed_in_the_middle_and_run_again_it_gives_the_same_bytes_and_leaves_nothing_behind(tmp_path: Path) -> None:
    system = practice(tmp_path, 3000)
    (tmp_path / "params.yaml").write_text(
        (ROOT / "params.yaml").read_text().replace("max_rejected: 0.05", "max_rejected: 0.9")
    )
    command = [sys.executable, "-m", "stages.prepare", str(tmp_path)]
    for delay in (0.3, 0.5, 0.7):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as run:
            deadline = time.monotonic() + 20
            while not list(tmp_path.glob("data/.prepared.*")) and run.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(delay - 0.3)
            run.send_signal(signal.SIGKILL)
    killed = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    assert killed.returncode == 0
    places = [("data", "prepared.parquet"), ("data", "rejected.jsonl"), ("metrics", "prepare.json")]
    found = [system.path(*place).read_bytes() for place in places]
    left = sorted(path.name for path in system.path("data").iterdir())
    assert left == ["corrected.jsonl", "prepared.parquet", "raw", "rejected.jsonl"]
    assert outputs(system, workers=1) == found
