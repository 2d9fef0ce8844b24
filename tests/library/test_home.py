"""The folder that holds everything, and its lock."""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from albumen.library.home import Home, default
from albumen.library.records import LibraryError
from albumen.library.store import Store

HOLD = """
import sys
from pathlib import Path
from albumen.library.home import Home
with Home(Path(sys.argv[1])).writer_lock():
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another(home: Home) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", HOLD, str(home.path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write anywhere; a test of permissions must not be root."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_albumen_home_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ALBUMEN_HOME", str(tmp_path / "mine"))
    assert default().db == tmp_path / "mine" / "library.db"


def test_without_it_the_library_lies_in_the_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ALBUMEN_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default().path == tmp_path / "albumen"


def test_the_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "home")
    Store.open(home, create=True).close()
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700


def test_a_second_writer_is_told_who_is_at_work(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with (
        held_by_another(home) as process,
        pytest.raises(LibraryError, match=rf"another albumen index.*pid {process.pid}\b"),
        home.writer_lock(),
    ):
        pass


def test_a_killed_writer_leaves_no_lock(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with held_by_another(home) as process:
        process.kill()
        process.wait()
        with home.writer_lock():
            pass


def test_a_folder_that_cannot_be_written_is_named(open_folder: Path) -> None:
    home = Home(open_folder / "home")
    open_folder.chmod(0o555)
    with as_nobody(), pytest.raises(LibraryError, match=r"cannot write.*permission denied"):
        Store.open(home, create=True)


def test_a_library_in_a_read_only_folder_can_be_searched(open_folder: Path) -> None:
    home = Home(open_folder / "home")
    with Store.open(home, create=True) as store:
        store.set_setting("pack", "starter")
    for path in (home.path, *home.path.iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)
    with as_nobody(), Store.open(home) as store:
        assert store.setting("pack") == "starter"
        with pytest.raises(LibraryError, match="cannot be written to"):
            store.set_setting("pack", "other")
