"""One process of a library at a time: who waits, and when it is told to wait no longer."""

import fcntl
import os
import threading
import time
from pathlib import Path

import pytest

from albumen.library.home import Home
from albumen.library.records import LibraryError
from albumen.trash import turn as turns
from albumen.trash.turn import turn


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_the_next_waits_until_the_turn_ends(home: Home) -> None:
    events: list[str] = []

    def next_one() -> None:
        with turn(home):
            events.append("second")

    with turn(home):
        thread = threading.Thread(target=next_one)
        thread.start()
        time.sleep(0.05)
        events.append("first")
    thread.join()
    assert events == ["first", "second"]


def test_who_holds_it_too_long_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.1)
    with turn(home), pytest.raises(LibraryError, match=rf"pid {os.getpid()}\) .* stop it"):  # noqa: SIM117
        with turn(home):
            pass


def test_a_queue_that_moves_is_waited_for(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = os.open(home.path / "trash.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    monkeypatch.setattr(turns, "time", _Clock(lock))
    with turn(home):
        assert os.pread(lock, 64, 0).split()[0] == str(os.getpid()).encode()


class _Clock:
    """At each look 100 seconds have gone by and another process has its turn; five times."""

    def __init__(self, lock: int):
        self.lock, self.looks = lock, 0

    def monotonic(self) -> float:
        return self.looks * 100.0

    def monotonic_ns(self) -> int:
        return self.looks

    def sleep(self, seconds: float) -> None:
        self.looks += 1
        os.pwrite(self.lock, f"another {self.looks}".encode(), 0)
        if self.looks == 5:
            fcntl.flock(self.lock, fcntl.LOCK_UN)


def test_a_folder_that_cannot_be_written_gives_a_reason(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="cannot write to the library folder"):  # noqa: SIM117
        with turn(Home(tmp_path / "none")):
            pass
