"""The one folder that holds everything Albumen writes, and the lock of whoever writes to it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from albumen.library.records import LibraryError


@dataclass(frozen=True, slots=True)
class Home:
    """The folder and what lies where in it."""

    path: Path

    @property
    def db(self) -> Path:
        """The library itself, an SQLite file."""
        return self.path / "library.db"

    @property
    def cache(self) -> Path:
        """What can be made again at any time: vector matrices, thumbnails."""
        return self.path / "cache"

    @property
    def packs(self) -> Path:
        """Packs beside the built-in one."""
        return self.path / "packs"

    def make(self) -> None:
        """Create the folder, for its owner's eyes only. Raises LibraryError where that fails."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self.path, error) from error

    @contextmanager
    def writer_lock(self) -> Iterator[None]:
        """Be the only one who indexes into this library.

        The kernel holds the lock and drops it with the process, however that ends: a lock left by
        a killed run never has to be cleared by hand. Raises LibraryError if another run has it.
        """
        self.make()
        descriptor = self._open_lock()
        try:
            self._take(descriptor)
            yield
        finally:
            os.close(descriptor)

    def _open_lock(self) -> int:
        try:
            return os.open(self.path / "writer.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def _take(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            known = f" (pid {holder})" if holder else ""  # it may only just be writing it
            raise LibraryError(
                f"another albumen index is running on {self.path}{known}; "
                "wait until it ends, or stop it"
            ) from None
        except OSError as error:
            raise _unusable(self.path, error) from error
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            raise _unusable(self.path, error) from error


def default() -> Home:
    """`ALBUMEN_HOME`, or the user's data folder."""
    chosen = os.environ.get("ALBUMEN_HOME")
    path = Path(chosen).expanduser() if chosen else platformdirs.user_data_path("albumen")
    return Home(path.absolute())


def _unusable(path: Path, error: OSError) -> LibraryError:
    reason = (error.strerror or str(error)).lower()
    return LibraryError(
        f"cannot write to the library folder {path} ({reason}); free or mend it, "
        "or choose another with --library or ALBUMEN_HOME"
    )
