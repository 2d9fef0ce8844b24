"""SIGKILL at random moments: what was acknowledged is there, and the next run goes on from it.

The moments lie anywhere in a run, some in its first instants, some right after a commit. Each run
goes on where the one before was killed; when a library is complete, the next one is begun.
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
from typing import Any

import pytest
from tests.library.albums import album, state

from albumen.library.home import Home
from albumen.library.store import Store

RUN = """
import json, os, sys
from pathlib import Path
from albumen.library import indexing, ledger
from albumen.library.home import Home
from albumen.packs import open_pack

ledger.COMMIT_PHOTOS = indexing.BATCH = 5  # many small commits: more moments to be killed at

def tell(*what):
    os.write(1, json.dumps(what).encode() + b"\\n")  # whole or not at all, also when killed

def report(event):
    if isinstance(event, indexing.Committed):
        tell("committed", event.photos)

photos, pack = map(Path, sys.argv[1:])
for line in sys.stdin:  # a run for each, in a process of its own that has everything imported
    home = Home(Path(json.loads(line)))
    if (child := os.fork()) == 0:
        tell("started", os.getpid())
        summary = indexing.index(home, [photos], open_pack(pack), on_event=report)
        tell("whole", [summary.unchanged, summary.indexed])
        os._exit(0)
    os.waitpid(child, 0)
    tell("ended", 0)
"""


@dataclass
class Ran:
    """How a run went: the files that it acknowledged, its commits, how long it took.

    `whole`: how many files it found unchanged and how many it indexed, if it came to its end.
    """

    acknowledged: int = 0
    commits: int = 0
    seconds: float = 0.0
    whole: tuple[int, int] | None = None


@dataclass(frozen=True)
class Moment:
    """When to kill: so many seconds after so many commits, or after the start."""

    commits: int
    seconds: float


class Runs:
    """Runs of `index` over the same photos, each of which can be killed."""

    def __init__(self, photos: Path, pack: Path):
        command = [sys.executable, "-c", RUN, str(photos), str(pack)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, **pipes)

    def run(self, home: Home, kill_at: Moment | None = None) -> Ran:
        """Go on with that library, to the end if nobody kills it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(str(home.path)) + "\n")
        self._process.stdin.flush()
        kind, pid = self._told()
        assert kind == "started"
        began, ran = time.monotonic(), Ran()
        while kind != "ended":
            if kill_at and ran.commits == kill_at.commits:
                time.sleep(kill_at.seconds)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                kill_at = None
            kind, told = self._told()
            if kind == "committed":
                ran.acknowledged, ran.commits = told, ran.commits + 1
            elif kind == "whole":
                ran.whole = (told[0], told[1])
        ran.seconds = time.monotonic() - began
        return ran

    def _told(self) -> tuple[str, Any]:
        assert self._process.stdout is not None
        kind, told = json.loads(self._process.stdout.readline())
        return kind, told

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
    """What a series of kills came to: in how many runs something new was acknowledged before."""

    photos: int
    kills: int = 0
    libraries: int = 0
    with_acknowledged: int = 0
    most: int = 0
    undisturbed: float = 0.0


def a_moment(chance: random.Random, undisturbed: Ran) -> Moment:
    """Anywhere in a run, or while the library is made or opened, or soon after some commit."""
    match chance.randrange(3):
        case 0:
            return Moment(0, chance.uniform(0, undisturbed.seconds))
        case 1:
            return Moment(0, chance.uniform(0, 0.25))
        case _:
            return Moment(chance.randint(1, undisturbed.commits), chance.uniform(0, 0.02))


def kill_often(folder: Path, pack: Path, *, photos: int, kills: int, seed: int) -> Killed:
    """Index one library after the other, killed time and again; each comes to the same state."""
    chance, told = random.Random(seed), Killed(photos)
    runs = Runs(album(folder / "photos", photos), pack)
    undisturbed = Home(folder / "undisturbed")
    ran = runs.run(undisturbed)
    assert ran.whole == (0, photos)
    wanted, told.undisturbed = state(undisturbed), ran.seconds
    while told.kills < kills:
        told.libraries += 1
        _finish(Home(folder / f"home-{told.libraries}"), runs, told, kills, chance, ran)
        assert state(Home(folder / f"home-{told.libraries}")) == wanted
    runs.close()
    return told


def _finish(
    home: Home, runs: Runs, told: Killed, kills: int, chance: random.Random, undisturbed: Ran
) -> None:
    """Make a library: killed, looked at and run again until it is whole."""
    there = set[Row]()
    while True:
        ran = runs.run(home, a_moment(chance, undisturbed) if told.kills < kills else None)
        known, there = len(there), check(home, ran.acknowledged, there)
        if ran.whole:
            assert ran.whole == (known, told.photos - known)  # committed work is not done again
            return
        told.kills += 1
        new = len(there) - known
        told.with_acknowledged += ran.acknowledged > known
        told.most = max(told.most, new)


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
