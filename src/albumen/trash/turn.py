"""Only one process of a library moves files at a time; the next waits for the batch to end."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from albumen.library.home import Home
from albumen.library.records import LibraryError

WAIT_SECONDS = 120.0
"""A batch takes a second or so; one that takes this long has a disk that hangs."""


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
        yield
    finally:
        os.close(lock)


def _take(lock: int, home: Home) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise LibraryError(
                    f"another albumen is moving files of {home.path} for minutes; wait until it "
                    "ends, or stop it: what it began is put in order by the next command"
                ) from None
            time.sleep(0.01)
