"""SIGKILL at random moments: what was acknowledged is there, and the next run goes on from it.

The moments begin before the library is made, and each run goes on where the one before was killed.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.library.albums import album, index, state

from albumen.library.home import Home
from albumen.library.store import Store
from albumen.packs import open_pack

RUN = """
import json, os, sys
from pathlib import Path
from albumen.library import indexing, ledger
from albumen.library.home import Home
from albumen.packs import open_pack

ledger.COMMIT_PHOTOS = indexing.BATCH = 5  # many small commits: more moments to be killed at

def report(event):
    if isinstance(event, indexing.Committed):
        print(json.dumps(["committed", event.photos]), flush=True)

home, photos, pack = map(Path, sys.argv[1:])
for line in sys.stdin:  # a run for each, in a process of its own that has everything imported
    if (child := os.fork()) == 0:
        print(json.dumps(["started", os.getpid()]), flush=True)
        indexing.index(Home(home), [photos], open_pack(pack), on_event=report)
        os._exit(0)
    os.waitpid(child, 0)
    print(json.dumps(["ended", 0]), flush=True)
"""


class Runs:
    """Runs of `index` on the same library, each of which can be killed."""

    def __init__(self, home: Home, photos: Path, pack: Path):
        command = [sys.executable, "-c", RUN, str(home.path), str(photos), str(pack)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, **pipes)

    def run_and_kill(self, commits: int, seconds: float) -> int:
        """Kill a run so long after so many commits. Returns how many files it acknowledged."""
        assert self._process.stdin is not None
        self._process.stdin.write("run\n")
        self._process.stdin.flush()
        kind, pid = self._told()
        assert kind == "started"
        acknowledged = 0
        while commits > 0 and kind != "ended":
            kind, number = self._told()
            acknowledged, commits = max(acknowledged, number), commits - 1
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        while kind != "ended":
            kind, number = self._told()
            acknowledged = max(acknowledged, number)
        return acknowledged

    def _told(self) -> tuple[str, int]:
        assert self._process.stdout is not None
        kind, number = json.loads(self._process.stdout.readline())
        return kind, number

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


Row = tuple[bytes, bytes, bytes]


def check(home: Home, acknowledged: int, before: set[Row]) -> set[Row]:
    """The library is sound and holds what it held and what was acknowledged. Returns its rows."""
    if not home.db.exists():
        assert (acknowledged, before) == (0, set())
        return set()
    with Store.open(home) as store:
        assert store.check() is None
        rows = store.db.execute(
            """SELECT l.relative, p.content_hash, e.vector
               FROM location l JOIN photo p ON p.id = l.photo AND p.status = 'decoded'
               LEFT JOIN embedding e ON e.photo = p.id"""
        ).fetchall()
    found = set(rows)
    assert found >= before
    assert len(rows) == len(found) == len({content for _, content, _ in rows})  # nothing doubled
    assert len(rows) >= acknowledged
    assert all(vector is not None for _, _, vector in rows)
    return found


@dataclass
class Killed:
    """What a series of kills came to: in how many runs something was acknowledged before."""

    kills: int
    photos: int
    with_acknowledged: int = 0
    acknowledged: int = 0


def kill_often(folder: Path, pack: Path, *, photos: int, kills: int, seed: int) -> Killed:
    """Index, killed time and again; then to the end, and compare with an undisturbed run."""
    chance, told = random.Random(seed), Killed(kills, photos)
    album(folder / "photos", photos)
    home, there = Home(folder / "home"), set[Row]()
    runs = Runs(home, folder / "photos", pack)
    for _ in range(kills):
        # As often at any time from before the library is made, as soon after some commit.
        commits = chance.choice((0, 0, 0, 1, 2, 3))
        acknowledged = runs.run_and_kill(commits, chance.uniform(0, 0.02 if commits else 0.25))
        there = check(home, acknowledged, there)
        told.with_acknowledged += acknowledged > 0
        told.acknowledged = max(told.acknowledged, acknowledged)
    runs.close()
    summary = index(home, folder / "photos", pack=open_pack(pack))
    assert (summary.unchanged, summary.indexed) == (len(there), photos - len(there))
    undisturbed = Home(folder / "undisturbed")
    index(undisturbed, folder / "photos", pack=open_pack(pack))
    assert state(home) == state(undisturbed)
    return told


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment_nothing_acknowledged_is_lost(
    tmp_path: Path, tiny_pack: Path, seed: int
) -> None:
    kill_often(tmp_path, tiny_pack, photos=120, kills=4, seed=seed)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_killed_two_hundred_times_nothing_acknowledged_is_lost(
    tmp_path: Path, tiny_pack: Path
) -> None:
    told = kill_often(tmp_path, tiny_pack, photos=1600, kills=200, seed=7)
    assert told.with_acknowledged > 50  # else the moments were badly chosen
