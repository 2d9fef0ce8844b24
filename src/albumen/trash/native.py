"""The trash of macOS and Windows, which only the system can put back from: send2trash's work."""

import os
import sys

from albumen.errors import AlbumenError

IS_USED = sys.platform in ("darwin", "win32")


def send(path: bytes) -> None:
    """Have the system move a file to its trash. Raises OSError where it does not."""
    try:
        import send2trash
    except ImportError as error:
        raise AlbumenError(
            "the trash of this system needs the package send2trash: pip install send2trash"
        ) from error
    send2trash.send2trash(os.fsdecode(path))
