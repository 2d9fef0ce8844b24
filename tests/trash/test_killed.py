"""A kill at every step: each file is always in one place, and the next command puts it in order.

tests/trash/killing.py does it; here some of the steps, and all of them where time does not count.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where that can be: each of hundreds of kills is followed by ten flushes."""
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=shared) as name:
        yield Path(name)


def kill(folder: Path, doing: str, *, every: int, first: int = 1, old: bool = False) -> int:
    """How often the program was killed; all was well each time."""
    command = [sys.executable, "-m", "tests.trash.killing", str(folder), doing, str(every)]
    done = subprocess.run(
        [*command, str(first), *(["old"] if old else [])],
        cwd=Path(__file__).parents[2],
        env=os.environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize("old", [False, True], ids=["renameat2", "without"])
@pytest.mark.parametrize("doing", ["trash", "restore"])
def test_killed_at_some_steps_nothing_is_lost(folder: Path, doing: str, old: bool) -> None:
    assert kill(folder, doing, every=41, first=17, old=old) > 5


@pytest.mark.long
@pytest.mark.parametrize("old", [False, True], ids=["renameat2", "without"])
@pytest.mark.parametrize("doing", ["trash", "restore"])
def test_killed_at_every_step_nothing_is_lost(folder: Path, doing: str, old: bool) -> None:
    assert kill(folder, doing, every=1, old=old) > 300
