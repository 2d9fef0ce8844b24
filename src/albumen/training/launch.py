"""Several processes of one run on this machine; one that is lost ends the others, in words."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import IO

from albumen.training.errors import TrainingError

PATIENCE = 30.0
"""Seconds in which the others may notice that one is lost, and end by themselves."""


def launch(command: Sequence[str], count: int, tell: Callable[[str], None]) -> int:
    """Run `command` `count` times, joined by the environment; its exit code once all have ended.

    What the first process says is seen; of the others only what the first one to fail said. Raises
    `TrainingError` if a process was ended by a signal.
    """
    # The processes get Ctrl-C as well, and save; this one waits for them.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    with ExitStack() as files:
        said = [files.enter_context(tempfile.TemporaryFile("w+")) for _ in range(count)]
        try:
            children = _start(command, count, said)
            failed = _wait(children)
        finally:
            signal.signal(signal.SIGINT, before)
        words = _read(said[failed]) if failed else ""
    if failed is None:
        return 0
    code = children[failed].returncode
    if code < 0:
        raise TrainingError(
            f"process {failed + 1} of {count} was ended by {signal.Signals(-code).name}"
            f"{' (too little memory, perhaps)' if -code == signal.SIGKILL else ''}; the same "
            "command goes on from the last checkpoint"
        )
    if failed:
        tell(f"process {failed + 1} of {count}: {words}")
    return code


def _read(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip()


def _start(
    command: Sequence[str], count: int, said: Sequence[IO[str]]
) -> list[subprocess.Popen[bytes]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "NODE_RANK": "0"}
    shared |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    if "OMP_NUM_THREADS" not in os.environ:
        shared["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // count))
    children = []
    for rank in range(count):
        own = {"RANK": str(rank), "LOCAL_RANK": str(rank)}
        children.append(
            subprocess.Popen(
                command,
                env=os.environ | shared | own,
                stdout=None if rank == 0 else subprocess.DEVNULL,
                stderr=None if rank == 0 else said[rank],
            )
        )
    return children


def _wait(children: Sequence[subprocess.Popen[bytes]]) -> int | None:
    """Which one failed first, None if none did; afterwards none runs any more."""
    failed: int | None = None
    limit = float("inf")
    while any(child.poll() is None for child in children):
        if failed is None:
            failed = next((i for i, child in enumerate(children) if child.poll()), None)
            limit = time.monotonic() + PATIENCE if failed is not None else limit
        if time.monotonic() > limit:
            for child in children:
                child.kill()
        time.sleep(0.1)
    if failed is None:
        failed = next((i for i, child in enumerate(children) if child.returncode), None)
    return failed
