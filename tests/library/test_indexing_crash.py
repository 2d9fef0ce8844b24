"""SIGKILL at random moments: what was acknowledged is there, and the next run goes on from it."""

import json
import random
import subprocess
import sys
import time
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
    if isinstance(event, indexing.Started):
        print(json.dumps(["started", 0]), flush=True)
    if isinstance(event, indexing.Committed):
        print(json.dumps(["committed", event.photos]), flush=True)

home, photos, pack = map(Path, sys.argv[1:])
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


def check(home: Home, acknowledged: int) -> int:
    """The library is sound and holds at least what was acknowledged. Returns what it holds."""
    with Store.open(home) as store:
        assert store.check() is None
        [(files, embedded, doubled)] = store.db.execute(
            """SELECT count(*), count(e.id), count(*) - count(DISTINCT p.content_hash)
               FROM location l JOIN photo p ON p.id = l.photo AND p.status = 'decoded'
               LEFT JOIN embedding e ON e.photo = p.id"""
        ).fetchall()
    assert files >= acknowledged
    assert embedded == files
    assert doubled == 0
    return int(files)


def kill_often(folder: Path, pack: Path, *, photos: int, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    album(folder / "photos", photos)
    home = Home(folder / "home")
    for _ in range(kills):
        acknowledged = run_and_kill(home, folder / "photos", pack, chance.uniform(0, 0.25))
        there = check(home, acknowledged)
    summary = index(home, folder / "photos", pack=open_pack(pack))
    assert (summary.unchanged, summary.indexed) == (there, photos - there)
    undisturbed = Home(folder / "undisturbed")
    index(undisturbed, folder / "photos", pack=open_pack(pack))
    assert state(home) == state(undisturbed)


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment_nothing_acknowledged_is_lost(
    tmp_path: Path, tiny_pack: Path, seed: int
) -> None:
    kill_often(tmp_path, tiny_pack, photos=120, kills=4, seed=seed)


@pytest.mark.long
def test_killed_two_hundred_times_nothing_acknowledged_is_lost(
    tmp_path: Path, tiny_pack: Path
) -> None:
    kill_often(tmp_path, tiny_pack, photos=1600, kills=200, seed=7)
