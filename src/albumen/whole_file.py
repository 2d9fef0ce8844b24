"""Files that are whole or as they were before: written beside the old, then put in its place."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

ENDING = ".new"
"""What a file is called until it is whole; one that a kill left may be removed."""


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """A new file that takes the place of `path` if all goes well, and else leaves no trace.

    durable: also when the power fails a moment later; for what cannot be made again.
    Raises OSError, for example on a full disk.
    """
    # A part of the name, since the whole with an addition may be longer than a disk allows.
    new = path.with_name(f"{path.name[:50]}.{secrets.token_hex(4)}{ENDING}")
    try:
        with new.open("xb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
