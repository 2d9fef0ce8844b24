"""Reading a pack's files: each is checked, by size, hash and kind, before anything parses it."""

import os
import stat
from pathlib import Path

from blake3 import blake3

from albumen.packs.errors import PackError
from albumen.packs.manifest import AGAIN, Manifest
from albumen.packs.onnx_file import NotONNXError, uses_external_data


def read_file(folder: Path, manifest: Manifest, name: str) -> bytes:
    """The bytes of one of the pack's files, as the manifest promises them.

    Raises `PackError` for a link, for a file that is missing, and for a wrong size or hash.
    """
    record = manifest.files[name]
    try:
        # A link could lead anywhere; a pack is a folder of plain files.
        handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        linked = (folder / name).is_symlink()
        reason = "is a link; a pack holds plain files only" if linked else error.strerror
        raise PackError(f"{folder / name}: {reason}; {AGAIN}") from error
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size != record.size:
            raise PackError(
                f"{folder / name} has {status.st_size:,} bytes instead of {record.size:,}; {AGAIN}"
            )
        data = file.read(record.size)
    if blake3(data, max_threads=blake3.AUTO).hexdigest() != record.blake3:
        raise PackError(f"{folder / name} is not what the pack was made with (wrong hash); {AGAIN}")
    return data


def read_onnx(folder: Path, manifest: Manifest, name: str) -> bytes:
    """The bytes of an ONNX model that holds all of its weights; raises `PackError`."""
    data = read_file(folder, manifest, name)
    try:
        outside = uses_external_data(data)
    except NotONNXError as error:
        raise PackError(f"{folder / name} is no ONNX model ({error}); {AGAIN}") from error
    if outside:
        raise PackError(f"{folder / name} keeps weights in other files, which is not allowed")
    return data
