"""Start the processes of a run on several ranks, and fail when any rank fails, which `mlx.launch` itself does not do."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from plateau.core.errors import BadInputError, PlateauError
from plateau.core.figures import read
from plateau.metrics.train import Train
from plateau.training.outcome import refuse_broken

POLL_SECONDS = 0.1
GRACE_SECONDS = 10


def local(command: Sequence[str], ranks: int) -> None:
    """Run `command` as `ranks` processes of this machine over mlx's ring; raises PlateauError when one of them fails."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as hosts:
        json.dump([[f"127.0.0.1:{port}"] for port in _free_ports(ranks)], hosts)
        hosts.flush()
        environments = [{**os.environ, "MLX_RANK": str(rank), "MLX_HOSTFILE": hosts.name} for rank in range(ranks)]
        processes = [subprocess.Popen(command, env=environment) for environment in environments]
        try:
            _wait(processes)
        finally:
            _end(processes)


def hosts(command: Sequence[str], hostfile: str, done: Path) -> None:
    """Run `command` on the machines of an mlx.launch host file, which share this folder.

    mlx.launch exits with 0 even when a rank dies. So the run counts as finished only if rank 0 has written `done`, its last file.
    """
    if not Path(hostfile).is_file():
        raise BadInputError(f"train.hostfile: {hostfile}: no such file; write one with `mlx.distributed_config`")
    done.unlink(missing_ok=True)
    launcher = [str(Path(sys.executable).with_name("mlx.launch")), "--hostfile", hostfile, *command]
    # An input that stays open without data; mlx.launch loops at full speed on a closed one.
    with subprocess.Popen(launcher, stdin=subprocess.PIPE) as process:
        try:
            status = process.wait()
        finally:
            process.terminate()
    if done.exists():
        refuse_broken(read(Train, done))
    if status or not done.exists():
        raise PlateauError(f"a rank of {hostfile} failed (mlx.launch exited with {status}); its output is above")


def _wait(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    while True:
        statuses = [process.poll() for process in processes]
        failed = [(rank, status) for rank, status in enumerate(statuses) if status not in (None, 0)]
        if failed:
            rank, status = failed[0]
            raise PlateauError(f"rank {rank} of {len(processes)} exited with {status}; the others were stopped")
        if None not in statuses:
            return
        time.sleep(POLL_SECONDS)


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
