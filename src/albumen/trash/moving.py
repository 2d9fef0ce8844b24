"""Moves within one file system that never replace a file: the kernel's own, or the next best."""

# Names here are bytes and lie relative to open folders, neither of which pathlib knows.

import ctypes
import errno
import os
from typing import NamedTuple

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_UNKNOWN_TO = frozenset((errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP))
"""What a file system (NFS, some of FUSE) or a kernel answers that cannot do it."""


class Place(NamedTuple):
    """Where a file lies or shall lie: a name, in an open folder or by its whole path."""

    name: bytes
    folder: int | None = None

    def status(self) -> os.stat_result | None:
        """The file's own status (of a link, the link's), or None where nothing lies."""
        try:
            return os.lstat(self.name, dir_fd=self.folder)
        except (FileNotFoundError, NotADirectoryError):
            return None


def move_in(source: Place, target: Place) -> None:
    """Move to a name that nobody else can mean, since it is random: this may be an old rename.

    Raises OSError; FileExistsError if something lies there nevertheless.
    """
    try:
        _rename_without_replacing(source, target)
    except OSError as error:
        if error.errno not in _UNKNOWN_TO:
            raise
        if target.status() is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        os.rename(source.name, target.name, src_dir_fd=source.folder, dst_dir_fd=target.folder)


def move_out(source: Place, target: Place) -> None:
    """Move to a name that anybody may take meanwhile: then FileExistsError, and nothing happened.

    Where the kernel cannot rename so, a second name is given, which fails if there is one, and the
    first taken away. Raises OSError(EOPNOTSUPP) where that is impossible too.
    """
    try:
        _rename_without_replacing(source, target)
    except OSError as error:
        if error.errno not in _UNKNOWN_TO:
            raise
        _link(source, target)
        os.unlink(source.name, dir_fd=source.folder)


def _link(source: Place, target: Place) -> None:
    try:
        os.link(
            source.name,
            target.name,
            src_dir_fd=source.folder,
            dst_dir_fd=target.folder,
            follow_symlinks=False,
        )
    except OSError as error:
        if error.errno in (*_UNKNOWN_TO, errno.EPERM, errno.EMLINK):
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP)) from None
        raise


def _rename_without_replacing(source: Place, target: Place) -> None:
    if _renameat2 is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    from_folder = _AT_FDCWD if source.folder is None else source.folder
    to_folder = _AT_FDCWD if target.folder is None else target.folder
    if _renameat2(from_folder, source.name, to_folder, target.name, _RENAME_NOREPLACE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _find_renameat2() -> "ctypes._NamedFuncPointer | None":
    """The C library's function: in glibc since 2.28, in musl since 1.2.6, on Linux alone."""
    try:
        found = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return None
    found.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    found.restype = ctypes.c_int
    return found


_renameat2 = _find_renameat2()
