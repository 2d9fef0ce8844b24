"""To the trash: files are looked at, noted, moved and noted again, some at a time."""

# Paths here are bytes, which pathlib does not take.
# ruff: noqa: PTH118, PTH119, PTH120, PTH122

import errno
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from albumen.library.store import Store
from albumen.trash import bins, journal, known, native
from albumen.trash.batches import in_batches
from albumen.trash.bins import Bin, NoTrashError
from albumen.trash.journal import Entry
from albumen.trash.known import CHANGED, LAST_COPY, Known
from albumen.trash.moving import Place, move_in
from albumen.trash.records import Refused, Trashed
from albumen.trash.settling import Ending, about, flush, real_path, settle

STEM_BYTES = 80
"""Of a file's name, in the trash: with what is added it fits every file system."""


def trash(store: Store, paths: Iterable[Path]) -> Iterator[Trashed | Refused]:
    """Move photos to the trash, and say of each whether it is there or why it is not.

    Each file is at every moment in exactly one place, where it lay or in the trash, and the
    journal knows of it before it moves. A kill at whatever moment leaves no more to do than what
    every further call begins with (`settle_begun`). Ctrl-C waits until a batch has told of what
    it moved, and comes as KeyboardInterrupt then. Raises LibraryError if the library cannot be
    written; what was moved until then is noted by the next call.

    Refused are files that the library does not know, or knows otherwise, and the last copy of a
    photo whose other copies are in the trash.
    """
    yield from in_batches(store, paths, lambda some: _move_batch(store, some))


def _move_batch(store: Store, paths: Sequence[Path]) -> list[Trashed | Refused]:
    """What became of each."""
    chosen, refused = _choose(store, paths)
    with ExitStack() as opened:
        trashes = _Trashes(opened)
        begun, without_trash = _begin(store, chosen, trashes)
        reasons = _move(begun, trashes)
        moved = [_outcome(ending, reasons) for ending in settle(store, begun)]
    return [*moved, *refused, *without_trash]


def _choose(store: Store, paths: Sequence[Path]) -> tuple[list[Known], list[Refused]]:
    """The files that may be trashed, and those that may not. One named twice is taken once."""
    chosen: dict[int, Known] = {}
    refused: list[Refused] = []
    for path in paths:
        found = known.find(store.db, path)
        if isinstance(found, Refused):
            refused.append(found)
        elif found.location in chosen:
            continue
        elif known.is_last_copy(store.db, found, chosen):
            refused.append(Refused(_path(found), LAST_COPY))
        else:
            chosen[found.location] = found
    return list(chosen.values()), refused


class _Trashes:
    """The trash folders of a batch, each found once and held open."""

    def __init__(self, opened: ExitStack) -> None:
        self._opened = opened
        self._of_folder: dict[bytes, bytes] = {}
        self._bins: dict[bytes, Bin] = {}

    def find(self, real: bytes) -> bytes | None:
        """The trash for a file; None where only the system knows it. Raises NoTrashError."""
        if native.IS_USED:
            return None
        folder = os.path.dirname(real)
        if folder not in self._of_folder:
            path = self._of_folder[folder] = bins.find(folder)
            if path not in self._bins:
                self._bins[path] = self._opened.enter_context(bins.open_bin(path))
        return self._of_folder[folder]

    def reserve(self, entry: Entry) -> None:
        """Take the file's name in the trash for ours."""
        if entry.bin is not None and entry.name is not None:
            self._bins[entry.bin].reserve(entry.name, about(entry))

    def take(self, entry: Entry) -> None:
        """Move the file there."""
        source = Place(real_path(entry.path))
        if entry.bin is None or entry.name is None:
            native.send(source.name)
        else:
            move_in(source, self._bins[entry.bin].place(entry.name))

    def flush(self) -> None:
        """Have on the disk what was reserved."""
        flush(os.path.join(path, b"info") for path in self._bins)


def _begin(
    store: Store, chosen: Sequence[Known], trashes: _Trashes
) -> tuple[list[Entry], list[Refused]]:
    """Note in the journal what is about to be moved, and where to."""
    begun: list[Entry] = []
    refused: list[Refused] = []
    with store.db.transaction():
        for file in chosen:
            try:
                bin, status = trashes.find(file.real), os.lstat(file.real)
            except NoTrashError as error:
                refused.append(Refused(_path(file), str(error)))
                continue
            except OSError as error:
                refused.append(Refused(_path(file), _words(error, None)))
                continue
            if file.is_unchanged(status):
                name = None if bin is None else name_in_bin(file.real)
                begun.append(journal.begin(store.db, file, status, bin, name))
            else:
                refused.append(Refused(_path(file), CHANGED))
    return begun, refused


def _move(begun: Sequence[Entry], trashes: _Trashes) -> dict[int, str]:
    """Reserve every name, have that on the disk, then move; the reasons of the unmoved, by id."""
    reasons: dict[int, str] = {}
    for step in (trashes.reserve, trashes.take):
        for entry in begun:
            if entry.id not in reasons:
                try:
                    step(entry)
                except OSError as error:
                    reasons[entry.id] = _words(error, entry.bin)
        trashes.flush()
    return reasons


def _outcome(ending: Ending, reasons: dict[int, str]) -> Trashed | Refused:
    entry = ending.entry
    if ending.now == "trashed":
        return Trashed(entry.id, entry.shown)
    if ending.now == "open":
        return Refused(
            entry.shown,
            "its disk went away while it was moved; connect it again, then: albumen trash list",
        )
    return Refused(entry.shown, reasons.get(entry.id, CHANGED))


def name_in_bin(path: bytes) -> bytes:
    """The file's name with something random in it, so that no other program means the same.

    Programs show the name that the .trashinfo tells.
    """
    stem, extension = os.path.splitext(os.path.basename(path))
    if len(extension) > 16:
        stem, extension = stem + extension, b""
    short = stem[:STEM_BYTES].decode("utf-8", "ignore").encode() if _is_long(stem) else stem
    return short + b"." + secrets.token_hex(6).encode() + extension


def _is_long(stem: bytes) -> bool:
    return len(stem) > STEM_BYTES


def _path(file: Known) -> Path:
    return Path(os.fsdecode(file.path))


def _words(error: OSError, bin: bytes | None) -> str:
    """Why a file was not moved, and what to do."""
    trash = "the trash" if bin is None else f"the trash {os.fsdecode(bin)}"
    reason = (error.strerror or str(error)).lower()
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return f"the disk of {trash} is full; make room on it and try again"
        case errno.EROFS | errno.EACCES | errno.EPERM:
            return f"its folder or {trash} may not be written to ({reason}); check permissions"
        case errno.ENOENT:
            return f"it, or {trash}, is no longer there"
        case errno.EXDEV:
            return f"it cannot be moved to {trash} without copying it ({reason})"
    return f"it could not be moved to {trash} ({reason})"
