"""Eight processes and photos of one name: all lie in the trash, and all come back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def at_once(folder: Path, tmp_path: Path, count: int, libraries: str) -> str:
    """How many were in the trash, and how many came back."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.trash.at_once", str(folder), str(count), libraries],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "ALBUMEN_HOME": str(tmp_path / "libraries")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_eight_libraries_meet_in_the_home_trash(tmp_path: Path, data: Path) -> None:
    assert at_once(tmp_path, tmp_path, 48, "libraries") == "48 48"


def test_eight_processes_of_one_library_meet_on_another_disk(
    tmp_path: Path, data: Path, other_disk: Path
) -> None:
    assert at_once(other_disk, tmp_path, 48, "library") == "48 48"


@pytest.mark.long
@pytest.mark.parametrize("libraries", ["libraries", "library"])
def test_a_thousand_come_back_from_the_home_trash(
    tmp_path: Path, data: Path, libraries: str
) -> None:
    assert at_once(tmp_path, tmp_path, 1000, libraries) == "1000 1000"


@pytest.mark.long
@pytest.mark.parametrize("libraries", ["libraries", "library"])
def test_a_thousand_come_back_from_another_disk(
    tmp_path: Path, data: Path, other_disk: Path, libraries: str
) -> None:
    assert at_once(other_disk, tmp_path, 1000, libraries) == "1000 1000"
