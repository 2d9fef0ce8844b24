"""The trash folders of the FreeDesktop.org trash specification 1.0: which one, and is it safe.

A file goes to a trash of its own file system, so that it is renamed and never copied: the home
trash ($XDG_DATA_HOME/Trash) if that is there, else $topdir/.Trash/$uid, which an administrator may
have prepared, else $topdir/.Trash-$uid, which is made. $topdir is where the file system is mounted.
"""

# Paths here are bytes, which pathlib does not take.
# ruff: noqa: PTH102, PTH103, PTH110, PTH117, PTH118, PTH119, PTH120

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_from_bytes

from albumen.trash.moving import Place

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SUFFIX = b".trashinfo"


class NoTrashError(Exception):
    """There is no trash to be had for a file, for the reason in the message."""


@dataclass(frozen=True, slots=True)
class Bin:
    """A trash folder, held open: nobody can slip another one under the same name.

    `path`: where it is; `files`, `info`: descriptors of its two folders.
    """

    path: bytes
    files: int
    info: int

    def place(self, name: bytes) -> Place:
        """Where the file of this name lies, or shall lie."""
        return Place(name, self.files)

    def reserve(self, name: bytes, about: bytes) -> None:
        """Take this name for ours: only one can make its .trashinfo, which says `about`."""
        descriptor = os.open(name + _SUFFIX, _NEW, 0o600, dir_fd=self.info)
        try:
            _write(descriptor, about)
        except BaseException:
            self.release(name)
            raise

    def renew(self, name: bytes, about: bytes) -> None:
        """Write the .trashinfo of a file again if a power cut left it empty."""
        info = name + _SUFFIX
        with suppress(FileNotFoundError):
            if os.stat(info, dir_fd=self.info).st_size == len(about):
                return
        again = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        _write(os.open(info, again, 0o600, dir_fd=self.info), about)

    def release(self, name: bytes) -> None:
        """Give the name up, unless a file lies under it."""
        info = Place(name + _SUFFIX, self.info)
        # Looked for first: a disk that became read-only forbids even to remove what is not there.
        if self.place(name).status() is None and info.status() is not None:
            os.unlink(info.name, dir_fd=info.folder)


def _write(descriptor: int, text: bytes) -> None:
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def about(bin: bytes, path: bytes, deleted: str) -> bytes:
    """The text of a .trashinfo. `path`: the file's real one; `deleted`: local time, ISO 8601."""
    top = top_of(bin)
    told = os.path.relpath(path, top) if top is not None else path
    return (
        f"[Trash Info]\nPath={quote_from_bytes(told, safe='/')}\nDeletionDate={deleted}\n"
    ).encode("ascii")


def top_of(bin: bytes) -> bytes | None:
    """The $topdir of a trash folder, to which its paths are relative; None for the home trash."""
    above, name = os.path.split(bin)
    if name == b".Trash-%d" % os.getuid():
        return above
    if name == b"%d" % os.getuid() and os.path.basename(above) == b".Trash":
        return os.path.dirname(above)
    return None


@contextmanager
def open_bin(path: bytes) -> Iterator[Bin]:
    """Open a trash folder by its path, as it is. Raises OSError where there is none of ours."""
    folder = os.open(path, _FOLDER | os.O_NOFOLLOW)
    opened = [folder]
    try:
        if top_of(path) is not None and os.fstat(folder).st_uid != os.getuid():
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), path)
        for name in (b"files", b"info"):
            opened.append(os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder))
        yield Bin(path, *opened[1:])
    finally:
        for descriptor in opened:
            os.close(descriptor)


def find(folder: bytes) -> bytes:
    """The path of the trash for files in `folder` (a real path); made if there is none.

    Raises NoTrashError, with what to do about it.
    """
    top, home = mount_of(folder), home_trash()
    at_home = mount_of(_existing(home)) == top
    try:
        if at_home:
            os.makedirs(home, mode=0o700, exist_ok=True)
            return _complete(os.path.realpath(home))
        return _shared(top) or _own(top)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        where = os.fsdecode(home if at_home else top)
        raise NoTrashError(f"no trash can be made for it in {where} ({reason})") from None


def home_trash() -> bytes:
    """$XDG_DATA_HOME/Trash; a relative XDG_DATA_HOME counts as unset, as its specification says."""
    data = os.environb.get(b"XDG_DATA_HOME", b"")
    if not os.path.isabs(data):
        data = os.fsencode(Path.home() / ".local/share")
    return os.path.join(data, b"Trash")


def mount_of(folder: bytes) -> bytes:
    """The topmost folder of the file system that `folder` is in."""
    top, mounted = os.path.realpath(folder), _mount_points()
    while not (os.path.ismount(top) or top in mounted):
        top = os.path.dirname(top)
    return top


def _mount_points() -> frozenset[bytes]:
    """As the kernel lists them: a part of a file system mounted elsewhere too (a bind mount) looks
    like a plain folder, but no file can be renamed out of it."""
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    except OSError:
        return frozenset()
    points = (line.split(b" ")[4] for line in lines)
    return frozenset(point.decode("unicode_escape").encode("latin-1") for point in points)


def _existing(path: bytes) -> bytes:
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return path


def _shared(top: bytes) -> bytes | None:
    """$topdir/.Trash/$uid, if an administrator made .Trash, and made it so that nobody is fooled.

    The specification asks that it be no link and have its sticky bit, else it must not be used.
    """
    shared = os.path.join(top, b".Trash")
    try:
        mode = os.lstat(shared).st_mode
    except OSError:
        return None
    if not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
        return None
    own = os.path.join(shared, b"%d" % os.getuid())
    try:
        return _ours(own)
    except (OSError, NoTrashError):
        return None


def _own(top: bytes) -> bytes:
    return _ours(os.path.join(top, b".Trash-%d" % os.getuid()))


def _ours(bin: bytes) -> bytes:
    """Make the folder for us alone, or check that the one which is there is ours and no link."""
    _make(bin)
    status = os.lstat(bin)
    if not stat.S_ISDIR(status.st_mode):
        raise NoTrashError(f"there is no trash for it: {os.fsdecode(bin)} is no folder")
    if status.st_uid != os.getuid():
        raise NoTrashError(f"there is no trash for it: {os.fsdecode(bin)} is another user's")
    return _complete(bin)


def _complete(bin: bytes) -> bytes:
    for name in (b"files", b"info"):
        _make(os.path.join(bin, name))
    return bin


def _make(folder: bytes) -> None:
    with suppress(FileExistsError):
        os.mkdir(folder, 0o700)
