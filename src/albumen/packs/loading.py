"""Reading a pack's files: each is checked, by size, hash and kind, before anything parses it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from blake3 import blake3

from albumen.packs.errors import PackError
from albumen.packs.manifest import AGAIN, Manifest
from albumen.packs.onnx_file import NotONNXError, uses_external_data
from albumen.packs.plain_file import open_plain


def read_file(folder: Path, manifest: Manifest, name: str) -> bytes:
    """The bytes of one of the pack's files, as the manifest promises them.

    Raises `PackError` for a link, for a file that is missing, and for a wrong size or hash.
    """
    record = manifest.files[name]
    try:
        with open_plain(folder / name) as file:
            data = file.read(record.size + 1)
    except OSError as error:
        raise PackError(f"{folder / name} cannot be read ({error.strerror}); {AGAIN}") from error
    if len(data) != record.size:
        given = "more" if len(data) > record.size else f"{len(data):,}"
        raise PackError(f"{folder / name} has {given} bytes instead of {record.size:,}; {AGAIN}")
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


@contextmanager
def checked_onnx(folder: Path, manifest: Manifest, name: str) -> Iterator[Path]:
    """The path of a model that `read_onnx` finds nothing wrong with, to be opened in this block.

    Raises `PackError` if the file was another by the end of the block.
    """
    path = folder / name
    before = _identity(path)
    read_onnx(folder, manifest, name)
    yield path
    if _identity(path) != before:
        raise PackError(f"{path} was changed while it was opened; run the command again")


def _identity(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.lstat()
    except OSError:
        return None  # which reading it will tell
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
