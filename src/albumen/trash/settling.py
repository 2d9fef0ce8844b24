"""What became of a move: looked up on the disk and written down.

After a move that went well, after one that failed, and after one whose process was killed at
whatever moment, the same is asked: where does the file lie now? So there is one way to end a move,
and it is always taken.
"""

# Paths here are bytes, which pathlib does not take.
# ruff: noqa: PTH118, PTH120

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from albumen.library.store import Store
from albumen.trash import bins, journal
from albumen.trash.bins import Bin
from albumen.trash.journal import Entry
from albumen.trash.known import content_of
from albumen.trash.moving import Place, move_out
from albumen.trash.turn import turn


@dataclass(frozen=True, slots=True)
class Ending:
    """How a move ended. "open": the disk is away, so nobody can say.

    `status`, `content`: of the file in the trash, if that is not the one meant to be moved.
    """

    entry: Entry
    now: Literal["not moved", "trashed", "restored", "open"]
    status: os.stat_result | None = None
    content: bytes | None = None


def settle(store: Store, entries: Sequence[Entry]) -> list[Ending]:
    """Find out how these moves ended, have it on the disk, and note it, all or nothing.

    Only who has the turn may: then no move is under way.
    """
    endings = [_ending(entry) for entry in entries]
    flush(folder for ending in endings for folder in _folders(ending.entry))
    with store.db.transaction():
        for ending in endings:
            _note(store, ending)
    return endings


def settle_begun(store: Store) -> None:
    """Put in order what killed processes left behind; whoever has the turn does it first."""
    settle(store, journal.begun(store.db))


def tidy(store: Store) -> None:
    """Put in order what killed processes began and what other programs put back."""
    returned = [entry for entry in journal.trashed(store.db) if _is_back(entry)]
    if returned or journal.begun(store.db):
        with turn(store.home):
            settle_begun(store)
            with store.db.transaction():
                for entry in returned:
                    journal.set_restored(store.db, entry)


def real_path(path: bytes) -> bytes:
    """The path without links above the file itself."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def about(entry: Entry) -> bytes:
    """What the .trashinfo of a file says, for other programs."""
    assert entry.bin is not None
    return bins.about(entry.bin, real_path(entry.path), entry.local_time)


def flush(folders: Iterable[bytes]) -> None:
    """Have on the disk what was made, moved and removed in these folders."""
    for folder in sorted(set(folders)):
        with suppress(OSError):  # gone meanwhile, or a file system that knows no flushing
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _folders(entry: Entry) -> list[bytes]:
    folders = [os.path.dirname(real_path(entry.place))]
    if entry.bin is not None:
        folders += [os.path.join(entry.bin, b"files"), os.path.join(entry.bin, b"info")]
    return folders


def _note(store: Store, ending: Ending) -> None:
    entry = ending.entry
    if ending.now == "not moved":
        journal.forget(store.db, entry)
    elif ending.now == "restored":
        journal.set_restored(store.db, entry)
    elif ending.now == "trashed":
        journal.set_trashed(store.db, entry)
        if ending.status is not None and ending.content is not None:
            journal.set_content(store.db, entry, ending.status, ending.content)


def _ending(entry: Entry) -> Ending:
    here = Place(real_path(entry.place))
    try:
        if entry.bin is None or entry.name is None:
            return Ending(entry, "not moved" if _holds(here, entry) else "trashed")
        with bins.open_bin(entry.bin) as bin:
            if entry.state == "trashing":
                return _end_of_trashing(entry, bin, entry.name, here)
            return _end_of_restoring(entry, bin, entry.name, here)
    except FileNotFoundError:
        return _end_without_bin(entry, here)
    except OSError:
        return Ending(entry, "open")


def _end_without_bin(entry: Entry, here: Place) -> Ending:
    """The trash is not there: its disk is away, or somebody emptied it by removing the folder."""
    if _holds(here, entry):
        return Ending(entry, "not moved" if entry.state == "trashing" else "restored")
    is_of_disk = entry.bin is not None and bins.top_of(entry.bin) is not None
    return Ending(entry, "open" if is_of_disk else "trashed")


def _end_of_trashing(entry: Entry, bin: Bin, name: bytes, here: Place) -> Ending:
    in_bin = bin.place(name).status()
    if in_bin is None:
        bin.release(name)
        return Ending(entry, "not moved" if here.status() is not None else "trashed")
    if entry.is_of(in_bin):
        bin.renew(name, about(entry))
        return Ending(entry, "trashed")
    # In the instant between the last look and the move it was changed, or another took its place.
    try:
        move_out(bin.place(name), here)
    except OSError:
        bin.renew(name, about(entry))
        return Ending(entry, "trashed", in_bin, _content(bin.place(name)))
    bin.release(name)
    return Ending(entry, "not moved")


def _end_of_restoring(entry: Entry, bin: Bin, name: bytes, here: Place) -> Ending:
    in_bin, back = bin.place(name).status(), here.status()
    if in_bin is not None and back is not None and os.path.samestat(in_bin, back):
        os.unlink(name, dir_fd=bin.files)  # one file under two names, by `move_out`
        in_bin = None
    if in_bin is not None:
        return Ending(entry, "trashed")
    bin.release(name)
    return Ending(entry, "restored" if back is not None else "trashed")


def _holds(place: Place, entry: Entry) -> bool:
    try:
        status = place.status()
    except OSError:
        return False
    return status is not None and entry.is_of(status)


def _content(place: Place) -> bytes:
    descriptor = os.open(place.name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=place.folder)
    try:
        return content_of(descriptor)
    finally:
        os.close(descriptor)


def _is_back(entry: Entry) -> bool:
    """Whether another program has put the file back."""
    if not _holds(Place(real_path(entry.path)), entry):
        return False
    if entry.bin is None or entry.name is None:
        return True
    try:
        with bins.open_bin(entry.bin) as bin:
            return bin.place(entry.name).status() is None
    except OSError:
        return True
