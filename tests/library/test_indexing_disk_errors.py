"""A disk that is full or broken, at any moment: a clear error, and nothing acknowledged is lost.

strace makes the system calls on the library's files fail, so that SQLite meets what it would meet.
"""

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.library.albums import album, counts, index, problems, state
from tests.tracing import needs_strace

from albumen.library.home import Home
from albumen.library.store import Store
from albumen.packs import open_pack

PHOTOS = 60
FAULTS = ("pwrite64:error=ENOSPC", "pwrite64:error=EIO", "fdatasync:error=EIO")
TOLD = {"ENOSPC": "is full; free some space", "EIO": "reports an error"}


def index_with_fault(
    home: Home, photos: Path, pack: Path, fault: str, *paths: Path
) -> subprocess.CompletedProcess[str]:
    """`albumen index`, in which calls on these paths fail as `fault` says."""
    call = fault.partition(":")[0]
    watch = [word for path in paths for word in ("-P", str(path))]
    strace = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={fault}"]
    program = [sys.executable, "-m", "albumen.cli.main", "index", str(photos), "--pack", str(pack)]
    command = [*strace, *watch, *program, "--library", str(home.path), "--json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@needs_strace
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_a_disk_that_fails_while_it_is_written_to_costs_nothing_acknowledged(
    tmp_path: Path, tiny_pack: Path, fault: str, seed: int
) -> None:
    photos, home = album(tmp_path / "photos", PHOTOS), Home(tmp_path / "home")
    index(home, album(tmp_path / "earlier", 5, first=900), pack=open_pack(tiny_pack))
    first = random.Random(f"{seed} {fault}").randint(1, 3 if "sync" in fault else 30)
    files = [home.db.with_name(home.db.name + end) for end in ("", "-wal", "-journal")]
    done = index_with_fault(home, photos, tiny_pack, f"{fault}:when={first}+", *files)
    assert done.returncode == 3, (done.stdout, done.stderr)
    assert TOLD[fault.partition("error=")[2]] in done.stderr
    assert done.stderr.count("\n") == 1
    events = [json.loads(line) for line in done.stdout.splitlines()]
    acknowledged = max((e["photos"] for e in events if e["event"] == "committed"), default=0)
    with Store.open(home) as store:
        assert store.check() is None
        there = store.stats().embeddings["tiny"]
    assert there >= 5 + acknowledged
    summary = index(home, photos, pack=open_pack(tiny_pack))
    assert (summary.unchanged, summary.indexed) == (there - 5, PHOTOS + 5 - there)
    undisturbed = Home(tmp_path / "undisturbed")
    index(undisturbed, tmp_path / "earlier", pack=open_pack(tiny_pack))
    index(undisturbed, photos, pack=open_pack(tiny_pack))
    assert state(home) == state(undisturbed)


@needs_strace
def test_a_photo_that_the_disk_does_not_give_is_told_and_taken_next_time(
    tmp_path: Path, tiny_pack: Path
) -> None:
    photos, home = album(tmp_path / "photos", 12), Home(tmp_path / "home")
    bad = photos / "photo-00003.jpg"
    done = index_with_fault(home, photos, tiny_pack, "read:error=EIO", bad)
    assert done.returncode == 0, done.stderr
    assert problems(home) == {
        bad.name: ("identify", "failed", "reading it failed (input/output error)")
    }
    assert counts(index(home, photos, pack=open_pack(tiny_pack))) == {"indexed": 1, "unchanged": 11}


@needs_strace
def test_a_search_on_a_full_disk_finds_all_the_same(tmp_path: Path, tiny_pack: Path) -> None:
    photos, home = album(tmp_path / "photos", 12), Home(tmp_path / "home")
    shutil.copytree(tiny_pack, home.path / "packs" / "tiny")
    index(home, photos, pack=open_pack(tiny_pack))
    program = [sys.executable, "-m", "albumen.cli.main", "search", "red", "--pack", "tiny"]
    command = [*program, "--library", str(home.path), "--json", "-n", "5"]
    strace = ["strace", "-f", "-o", "/dev/null", "-e", "trace=write", "-e"]
    full = [*strace, "inject=write:error=ENOSPC", "-P", str(home.cache)]
    well = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    shutil.rmtree(home.cache)
    done = subprocess.run([*full, *command], capture_output=True, text=True, timeout=300)
    assert done.stdout == well.stdout
