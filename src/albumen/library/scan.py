"""The walk: which files under a root are candidates. It only lists and stats; it opens no file.

Paths are bytes throughout, since names need not be valid UTF-8. The order is the same each time:
names sorted within a folder, files before folders, links last. Hidden files and folders
(names with a leading dot) and the folders in which systems keep their own copies are no candidates
and count as nothing; every other file is either an `Entry` or a `ScanProblem`.
"""

# Paths here are bytes, which pathlib does not take.
# ruff: noqa: PTH116, PTH118, PTH122

import os
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from albumen.library.patterns import Patterns
from albumen.library.records import Failure, LibraryError, Status

PICTURE_EXTENSIONS = frozenset(
    b".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .gif .bmp .dib .tif .tiff "
    b".heic .heics .heif .heifs .hif .avif .avifs".split()
)
"""A file is a candidate by its name; `decode` then goes by its content."""

SIDECAR_EXTENSIONS = (b".xmp", b".XMP")
"""What photo software writes beside a photo it does not want to change."""

UNREAD_EXTENSIONS = frozenset(
    b".3fr .arw .cr2 .cr3 .crw .dng .erf .nef .nrw .orf .pef .raf .raw .rw2 .sr2 .srw .x3f "
    b".jxl .jp2 .j2k .psd .xcf .svg .svgz .ico .tga .exr .hdr".split()
)
"""Pictures that Albumen doesn't read: skipped like any other file, with a better reason."""

SYSTEM_FOLDERS = frozenset(
    name.lower()
    for name in (
        b"@eaDir",  # Synology: thumbnails of every photo beside it
        b"#recycle",
        b"@Recycle",
        b"@Recently-Snapshot",
        b"#snapshot",
        b"$RECYCLE.BIN",
        b"System Volume Information",
        b"lost+found",
    )
)
"""Folders of systems: previews, snapshots and bins, which hold copies nobody looks for."""


class Entry(NamedTuple):
    """A candidate: a picture by its name, or a sidecar. `relative`: its path below the root.

    A tuple, since a walk makes one for each file, and these are made quickest.
    """

    relative: bytes
    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class ScanProblem:
    """A file or folder that the walk passes over, and why. `relative`: its path below the root."""

    relative: bytes
    failure: Failure


def scan(
    root: Path,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    hidden: bool = False,
    never: Sequence[Path] = (),
) -> Iterator[Entry | ScanProblem]:
    """Every file under `root` as an `Entry`, or as a `ScanProblem` that says why not.

    With `include`, only files that match one of these patterns; `exclude` is stronger. `never`
    lists folders not to be entered by whatever way (Albumen's own). If `root` is itself a file,
    `relative` is its name, below `root.parent`. Raises LibraryError if `root` can't be used.
    """
    status = _root_status(root)
    walk = _Walk(os.fsencode(root), Patterns(include), Patterns(exclude), hidden, never)
    if stat.S_ISDIR(status.st_mode):
        return walk.run(status)
    return iter([_file(os.fsencode(root.name), status)])


def _root_status(root: Path) -> os.stat_result:
    try:
        return root.stat()
    except FileNotFoundError:
        raise LibraryError(f"{root} does not exist; check the path, or mount its disk") from None
    except OSError as error:
        raise LibraryError(
            f"{root} can't be read ({_words(error)}); check its permissions"
        ) from None


class _Walk:
    """One walk under one root. Real folders come first: a link never hides a real path."""

    def __init__(
        self,
        root: bytes,
        include: Patterns,
        exclude: Patterns,
        hidden: bool,
        never: Sequence[Path],
    ):
        self._root = root
        self._include, self._exclude, self._hidden = include, exclude, hidden
        self._links: deque[bytes] = deque()
        self._visited = {_identity(path.stat()) for path in never if path.exists()}
        self._never = frozenset(self._visited)
        self._linked_files: set[tuple[int, int]] = set()

    def run(self, status: os.stat_result) -> Iterator[Entry | ScanProblem]:
        """The whole walk; `status` is the root's own."""
        if _identity(status) not in self._never:
            yield from self._tree(b"", status)
        while self._links:
            yield from self._link(self._links.popleft())

    def _tree(self, top: bytes, status: os.stat_result) -> Iterator[Entry | ScanProblem]:
        """The folder `top` and all real folders below it; links are put off."""
        self._visited.add(_identity(status))
        folders = [top]
        while folders:
            below: list[bytes] = []
            yield from self._folder(folders.pop(), below)
            folders.extend(reversed(below))

    def _folder(self, folder: bytes, below: list[bytes]) -> Iterator[Entry | ScanProblem]:
        """One folder's files; its folders are added to `below`."""
        try:
            with os.scandir(os.path.join(self._root, folder) or b".") as listing:
                entries = sorted(listing, key=attrgetter("name"))
        except OSError as error:
            yield _problem(folder, "failed", f"the folder can't be read ({_words(error)})")
            return
        for entry in entries:
            relative = folder + b"/" + entry.name if folder else entry.name
            if not self._wanted(entry.name, relative):
                continue
            if entry.is_symlink():
                self._links.append(relative)
            elif entry.is_dir(follow_symlinks=False):
                if self._enter(entry, relative):
                    below.append(relative)
            elif not self._include or self._include.matches(relative):
                yield _candidate(entry, relative)

    def _wanted(self, name: bytes, relative: bytes) -> bool:
        if not self._hidden and name.startswith(b"."):
            return False
        return not self._exclude.matches(relative)

    def _enter(self, entry: os.DirEntry[bytes], relative: bytes) -> bool:
        """Whether to enter a real folder. Its identity is kept, for links that lead to it."""
        if entry.name.lower() in SYSTEM_FOLDERS or _is_trash(relative):
            return False
        try:
            identity = _identity(entry.stat(follow_symlinks=False))
        except OSError:
            return True  # listing it will give the reason
        self._visited.add(identity)
        return identity not in self._never

    def _link(self, relative: bytes) -> Iterator[Entry | ScanProblem]:
        """A symbolic link: its folder is entered once, its file taken once."""
        path = os.path.join(self._root, relative)
        try:
            status = os.stat(path)
        except OSError as error:
            if _picture_name(relative):
                yield _problem(relative, "failed", f"the link leads nowhere ({_words(error)})")
            return
        if stat.S_ISDIR(status.st_mode):
            if _identity(status) not in self._visited:
                yield from self._tree(relative, status)
        elif self._include and not self._include.matches(relative):
            return
        elif _identity(status) not in self._linked_files and not self._met(path):
            self._linked_files.add(_identity(status))
            yield _file(relative, status)

    def _met(self, link: bytes) -> bool:
        """Whether the walk has met the file by its real name: then the link adds nothing."""
        real = os.path.realpath(link)
        folder, name = os.path.split(real)
        try:
            visited = _identity(os.stat(folder)) in self._visited
        except OSError:
            return False
        inside = os.path.relpath(real, os.path.realpath(self._root))
        return visited and _picture_name(name) and self._wanted(name, inside)


def _is_trash(folder: bytes) -> bool:
    """Whether this is where desktops keep what was thrown away: copies nobody looks for."""
    name = folder.rpartition(b"/")[2]
    own = name.startswith(b".Trash-") or name in (b".Trash", b".Trashes")
    return own or (b"/" + folder).endswith(b"/.local/share/Trash")


def _candidate(entry: os.DirEntry[bytes], relative: bytes) -> Entry | ScanProblem:
    is_picture = _picture_name(entry.name) or is_sidecar(entry.name)
    if not is_picture and entry.is_file(follow_symlinks=False):
        return _not_a_picture(relative)
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        return _problem(relative, "failed", f"the file vanished or can't be seen ({_words(error)})")
    if is_picture and stat.S_ISREG(status.st_mode):  # nearly always: no second look at the name
        return Entry(relative, status.st_size, status.st_mtime_ns, status.st_ino)
    return _file(relative, status)


def _file(relative: bytes, status: os.stat_result) -> Entry | ScanProblem:
    """A file by its status. Pipes, sockets and devices are never opened: reading could hang."""
    if not stat.S_ISREG(status.st_mode):
        return _problem(relative, "skipped", f"not a file but a {_kind(status.st_mode)}")
    if not _picture_name(relative) and not is_sidecar(relative):
        return _not_a_picture(relative)
    return Entry(relative, status.st_size, status.st_mtime_ns, status.st_ino)


def is_sidecar(path: bytes) -> bool:
    """Whether this names a sidecar: it says something of the photo beside it, and is none."""
    name = path.rpartition(b"/")[2]
    return name.endswith(SIDECAR_EXTENSIONS) and not name.startswith(b"._")


def _picture_name(path: bytes) -> bool:
    stem, dot, extension = path.rpartition(b"/")[2].rpartition(b".")
    if dot + extension.lower() not in PICTURE_EXTENSIONS or not stem.strip(b"."):
        return False
    return not stem.startswith(b"._")  # AppleDouble: what macOS writes beside a file, by its name


def _not_a_picture(relative: bytes) -> ScanProblem:
    name = relative.rpartition(b"/")[2]
    extension = os.path.splitext(name)[1].lower()
    shown = extension.decode(errors="replace") or "no extension"
    if name.startswith(b"._"):
        reason = "a companion file of macOS, not a picture"
    elif extension in UNREAD_EXTENSIONS:
        reason = f"a kind of picture that Albumen does not read ({shown})"
    else:
        reason = f"not a picture by its name ({shown})"
    return _problem(relative, "skipped", reason)


def _problem(relative: bytes, status: Status, reason: str) -> ScanProblem:
    return ScanProblem(relative, Failure("scan", status, reason))


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "named pipe"
    return "socket" if stat.S_ISSOCK(mode) else "device"


def _words(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
