"""A program run as a whole: its time, its processor time, and the memory of its process tree."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

INDEX = """
import json, sys
from pathlib import Path
from albumen.library import indexing
from albumen.library.home import Home
from albumen.packs import open_pack

home, photos = Home(Path(sys.argv[1])), [Path(sys.argv[2])]
copies = open_pack("fingerprint")
summary = indexing.index(home, photos, open_pack(sys.argv[3]), fingerprint=copies)
print(json.dumps({"seconds": summary.seconds, "indexed": summary.indexed}))
"""
SAMPLED_EVERY = 0.05  # seconds; adding up a process's pages takes up to some milliseconds


@dataclass(frozen=True)
class Measured:
    """seconds: from start to end. processor: of all its processes. peak: PSS in MB, the largest sum
    over the process tree; pages that processes share count once. out: what it printed."""

    seconds: float
    processor: float
    peak: float
    out: str


def index_command(home: Path, photos: Path, pack: Path | str) -> list[str | Path]:
    """Index a folder; prints how many photos, and the seconds from the first file to the last.

    As `albumen index` does, evidence of copies included, but for grouping them afterwards, which
    `bench.grouping` measures: generated photos are all parts of a few, and so far too much alike.
    """
    return [sys.executable, "-c", INDEX, home, photos, pack]


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    memory: bool = True,
    good: Sequence[int] = (0,),
) -> Measured:
    """Run the command to its end; SystemExit, with what it said, if it fails.

    memory: whether to sample it, which takes some processor time of its own. good: the exit codes
    of success.
    """
    before = os.times()
    began = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
        cwd=cwd,
    )
    peak = [0.0]
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, ended, peak), daemon=True)
    if memory:
        watcher.start()
    out, err = process.communicate()
    seconds = time.perf_counter() - began
    ended.set()
    if memory:
        watcher.join()
    after = os.times()
    if process.returncode not in good:
        raise SystemExit(f"{command[0]} ended with {process.returncode}:\n{err[-2000:]}")
    used = (
        after.children_user + after.children_system - before.children_user - before.children_system
    )
    return Measured(seconds, used, peak[0], out)


def _watch(top: int, ended: threading.Event, peak: list[float]) -> None:
    while not ended.wait(SAMPLED_EVERY):
        peak[0] = max(peak[0], sum(_pss(pid) for pid in _tree(top)))


def _tree(top: int) -> list[int]:
    """The process and all below it."""
    found = [top]
    for pid in found:
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def _pss(pid: int) -> float:
    """Proportional set size in MB; 0 of a process that has just ended."""
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1000
    return 0.0
