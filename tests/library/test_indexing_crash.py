"""SIGKILL at random moments: what was acknowledged is there, and the next run goes on from it.

The moments begin before the library is made, and each run goes on where the one before was killed.
"""

import json
import random
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
import json, sys
from pathlib import Path
from albumen.library import indexing, ledger
from albumen.library.home import Home
from albumen.packs import open_pack

ledger.COMMIT_PHOTOS = indexing.BATCH = 5  # many small commits: more moments to be killed at

def report(event):
    if isinstance(event, indexing.Committed):
        print(json.dumps(["committed", event.photos]), flush=True)

home, photos, pack = map(Path, sys.argv[1:])
print(json.dumps(["started", 0]), flush=True)
indexing.index(Home(home), [photos], open_pack(pack), on_event=report)
"""


def run_and_kill(home: Home, photos: Path, pack: Path, seconds: float) -> int:
    """Start a run, kill it so long after it began. Returns how many files it acknowledged."""
    command = [sys.executable, "-c", RUN, str(home.path), str(photos), str(pack)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == ["started", 0]
        time.sleep(seconds)
        process.kill()
        lines = process.stdout.read().splitlines()
    acknowledged = [json.loads(line)[1] for line in lines if line.endswith("]")]
    return max(acknowledged, default=0)


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
    for _ in range(kills):
        acknowledged = run_and_kill(home, folder / "photos", pack, chance.uniform(0, 0.25))
        there = check(home, acknowledged, there)
        told.with_acknowledged += acknowledged > 0
        told.acknowledged = max(told.acknowledged, acknowledged)
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
