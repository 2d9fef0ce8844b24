"""Only one process of a library moves files at a time; the next waits for the batch to end."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from albumen.library.home import Home
from albumen.library.records import LibraryError

WAIT_SECONDS = 120.0
"""A turn takes a second or two; whose takes this long has a disk that hangs, or was stopped."""


@contextmanager
def turn(home: Home) -> Iterator[None]:
    """Be the only one who moves this library's files to the trash, or back.

    Whoever has the turn may take every move that the journal holds as begun for one that was
    broken off: the kernel drops the lock with the process, however that ends.
    """
    try:
        lock = os.open(home.path / "trash.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise LibraryError(f"cannot write to the library folder {home.path} ({reason})") from error
    try:
        _take(lock, home)
        os.pwrite(lock, f"{os.getpid():<12} {time.monotonic_ns():<24}\n".encode(), 0)
        yield
    finally:
        os.close(lock)


def _take(lock: int, home: Home) -> None:
    """Wait for the turn, however many are before us, as long as turns end."""
    whose, since = b"", time.monotonic()
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            has_it = os.pread(lock, 64, 0)
        if has_it != whose:
            whose, since = has_it, time.monotonic()
        elif time.monotonic() - since > WAIT_SECONDS:
            pid = whose.split(b" ")[0].decode("ascii", "replace") or "unknown"
            raise LibraryError(
                f"another albumen (pid {pid}) has been moving files of {home.path} for minutes; "
                "wait until it ends, or stop it: what it began is put in order by the next command"
            )
        time.sleep(0.01)
