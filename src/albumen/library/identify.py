"""What a file's content is: its bytes are read once, by the BLAKE3 hash of which it is known."""

# ruff: noqa: PTH118

import os
import stat
from collections.abc import Callable
from dataclasses import replace

from blake3 import blake3

from albumen.library.decode.bounds import MAX_FILE_HERE
from albumen.library.records import Failure, Identified, Seen

MAX_BYTES = 256 << 20
"""Larger files are skipped: no camera's picture, and they would fill the memory."""

CHANGED = "it changed while it was read; it is taken up in the next run"

_PIECE = 1 << 20
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK  # a name that became a pipe must not hang us


def identify(seen: Seen, is_settled: Callable[[bytes], bool]) -> Identified | Failure:
    """Read the file and hash it. `is_settled`: whether nothing is left to do for a content.

    Of a file of more than MAX_FILE_HERE bytes no more than a piece is held. The result carries the
    file's size and time as of the reading. A file that vanishes, changes while it is read, is too
    large or may not be read gives a Failure.
    """
    path = os.path.join(os.fsencode(seen.root.path), seen.relative)
    try:
        descriptor = os.open(path, _FLAGS)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            return _identify(seen, file.fileno(), is_settled)
    except FileNotFoundError:
        return _failed("it vanished before it could be read")
    except PermissionError:
        return _failed("no permission to read it; mend that and run again")
    except OSError as error:
        return _failed(f"reading it failed ({(error.strerror or str(error)).lower()})")


def _identify(seen: Seen, file: int, is_settled: Callable[[bytes], bool]) -> Identified | Failure:
    before = os.fstat(file)
    if not stat.S_ISREG(before.st_mode):
        return Failure("identify", "skipped", "it is not a plain file", lasting=False)
    if before.st_size > MAX_BYTES:
        return Failure("identify", "skipped", f"larger than {MAX_BYTES >> 20} MB")
    if before.st_size == 0:
        return Failure("identify", "failed", "the file is empty")
    size, content_hash, data = _read(file, before.st_size)
    after = os.fstat(file)
    if size != before.st_size or (after.st_size, after.st_mtime_ns) != (
        before.st_size,
        before.st_mtime_ns,
    ):
        return _failed(CHANGED)
    seen = replace(seen, size=before.st_size, mtime_ns=before.st_mtime_ns, inode=before.st_ino)
    settled = is_settled(content_hash)
    return Identified(seen, content_hash, None if settled else data, settled)


def _read(file: int, size: int) -> tuple[int, bytes, bytes | None]:
    """How many of the first `size` bytes there are, their hash, and they, unless they are many."""
    if size <= MAX_FILE_HERE:
        data = read_all(file, size)
        return len(data), blake3(data).digest(), data
    hasher, done = blake3(), 0
    while piece := os.read(file, min(_PIECE, size - done)):
        hasher.update(piece)
        done += len(piece)
    return done, hasher.digest(), None


def read_all(file: int, size: int) -> bytes:
    """The first `size` bytes, or fewer if the file ends before."""
    data = os.read(file, size)
    while len(data) < size:
        more = os.read(file, size - len(data))
        if not more:
            break
        data += more
    return data


def read_again(path: bytes, size: int, content_hash: bytes) -> bytes:
    """The file of this size and content, read once more. Raises OSError, also if it changed."""
    descriptor = os.open(path, _FLAGS)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        data = read_all(file.fileno(), size)
    if blake3(data).digest() != content_hash:
        raise OSError(CHANGED)
    return data


def _failed(reason: str) -> Failure:
    return Failure("identify", "failed", reason, lasting=False)
