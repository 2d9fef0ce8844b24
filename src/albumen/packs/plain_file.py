"""Opening a file that is a file: no link, which could lead anywhere; no pipe, which could hang."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from albumen.packs.errors import PackError


def open_plain(path: Path) -> BinaryIO:
    """The file, opened for reading.

    Raises `PackError` for a link or another thing that is no file, and OSError as `open` does.
    """
    if path.is_symlink():
        raise PackError(f"{path} is a link; a pack holds plain files only")
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    handle = os.open(path, os.O_RDONLY | flags | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise PackError(f"{path} is no plain file; a pack holds plain files only")
    return os.fdopen(handle, "rb")
