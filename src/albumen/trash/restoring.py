"""And back: what is in the trash, and putting it where it lay, where nothing lies now."""

# Paths here are bytes, which pathlib does not take.
# ruff: noqa: PTH103, PTH112, PTH118, PTH119, PTH120

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from albumen.library.store import Store, roots
from albumen.trash import bins, journal
from albumen.trash.batches import in_batches
from albumen.trash.bins import Bin
from albumen.trash.journal import Entry
from albumen.trash.known import content_of
from albumen.trash.moving import Place, move_out
from albumen.trash.records import InTrash, Refused, Restored, Standing
from albumen.trash.settling import Ending, real_path, settle, tidy

SYSTEM_ONLY = "only the system's own trash can put it back: open that, and choose Put Back"
MISSING = "it is no longer in the trash: another program took it out, or emptied the trash"


def in_trash(store: Store) -> list[InTrash]:
    """What Albumen moved to the trash and what is not back yet, the latest first.

    Puts in order first what killed processes began and what other programs put back.
    """
    tidy(store)
    return [_in_trash(entry) for entry in journal.trashed(store.db)]


def restore(
    store: Store, ids: Iterable[int], *, to: Path | None = None
) -> Iterator[Restored | Refused]:
    """Put files back where they lay, or into the folder `to`, and say what became of each.

    Never onto another file: one whose place is taken stays in the trash. What comes back is what
    was trashed, byte for byte, or it stays there too. The folder is made again if only it is
    missing. Ctrl-C waits until a batch has told of what it moved. Raises LibraryError if the
    library cannot be written.
    """
    each = dict.fromkeys(ids)
    yield from in_batches(store, each, lambda some: _restore_batch(store, some, to))


def _restore_batch(store: Store, ids: Sequence[int], to: Path | None) -> list[Restored | Refused]:
    """What became of each."""
    chosen, refused = _choose(store, ids, to)
    with store.db.transaction():
        begun = [journal.begin_restoring(store.db, *one) for one in chosen]
    reasons = _move_back(begun)
    moved = [_outcome(ending, reasons) for ending in settle(store, begun)]
    return [*moved, *refused]


def _choose(
    store: Store, ids: Sequence[int], to: Path | None
) -> tuple[list[tuple[Entry, bytes]], list[Refused]]:
    """The entries that can be put back, each with the path where it shall lie; and the others."""
    chosen: list[tuple[Entry, bytes]] = []
    refused: list[Refused] = []
    for id in ids:
        entry = journal.find(store.db, id)
        if entry is None:
            refused.append(Refused(None, "the trash has no such entry: albumen trash list", id))
            continue
        target = journal.place_of(store.db, entry) or entry.path
        if to is not None:
            target = os.path.join(os.fsencode(to), os.path.basename(target))
        try:
            reason = _obstacle(entry) or _no_place(store, target)
        except OSError as error:
            reason = _words(error, entry)
        if reason is None:
            chosen.append((entry, target))
        else:
            refused.append(Refused(entry.shown, reason, id))
    return chosen, refused


def _obstacle(entry: Entry) -> str | None:
    """Why what lies in the trash cannot be put back, if so."""
    if entry.state == "restored":
        return "it is back already"
    if entry.bin is None or entry.name is None:
        return SYSTEM_ONLY
    standing = _standing(entry)
    if standing != "in the trash":
        return MISSING if standing == "missing" else _away(entry.bin)
    with bins.open_bin(entry.bin) as bin:
        if not _is_what_was_trashed(bin, entry.name, entry):
            return f"what lies in the trash as {os.fsdecode(entry.name)} is not what was trashed"
    return None


def _no_place(store: Store, path: bytes) -> str | None:
    """Why nothing can be put there; a folder that is missing below a root is made again."""
    if Place(real_path(path)).status() is not None:
        return _taken(path)
    return _no_folder(store, os.path.dirname(path))


def _move_back(begun: Sequence[Entry]) -> dict[int, str]:
    """Move them; the reasons of those that could not be moved, by id."""
    reasons: dict[int, str] = {}
    for entry in begun:
        assert entry.bin is not None
        assert entry.name is not None
        try:
            with bins.open_bin(entry.bin) as bin:
                move_out(bin.place(entry.name), Place(real_path(entry.place)))
        except OSError as error:
            reasons[entry.id] = _words(error, entry)
    return reasons


def _outcome(ending: Ending, reasons: dict[int, str]) -> Restored | Refused:
    entry = ending.entry
    if ending.now == "restored":
        return Restored(entry.id, Path(os.fsdecode(entry.place)))
    reason = reasons.get(entry.id, "stopped before it was put back")
    return Refused(entry.shown, reason, entry.id)


def _no_folder(store: Store, folder: bytes) -> str | None:
    if os.path.isdir(folder):
        return None
    inside = roots.split(store.db, Path(os.fsdecode(folder)))
    if inside is None or not inside[0].path.is_dir():
        away = os.fsdecode(folder) if inside is None else inside[0].path
        return f"the folder {away} is not there; connect its disk, or choose another with --to"
    os.makedirs(folder, exist_ok=True)
    return None


def _is_what_was_trashed(bin: Bin, name: bytes, entry: Entry) -> bool:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(name, flags, dir_fd=bin.files)
    try:
        size = os.fstat(descriptor).st_size
        return size == entry.size and content_of(descriptor) == entry.content_hash
    finally:
        os.close(descriptor)


def _in_trash(entry: Entry) -> InTrash:
    standing, file = _standing(entry), None
    if standing == "in the trash":
        assert entry.bin is not None
        assert entry.name is not None
        file = Path(os.fsdecode(entry.bin)) / "files" / os.fsdecode(entry.name)
    return InTrash(entry.id, entry.shown, entry.at, standing, file, entry.size)


def _standing(entry: Entry) -> Standing:
    if entry.bin is None or entry.name is None:
        return "in the system's trash"
    try:
        with bins.open_bin(entry.bin) as bin:
            return "missing" if bin.place(entry.name).status() is None else "in the trash"
    except OSError:
        # Who empties the home trash may remove its folder; that of a disk goes with the disk.
        return "missing" if bins.top_of(entry.bin) is None else "away"


def _away(bin: bytes) -> str:
    return f"its trash {os.fsdecode(bin)} cannot be reached; connect the disk that it is on"


def _taken(path: bytes) -> str:
    return (
        f"another file lies at {os.fsdecode(path)} by now; move that away, or choose another "
        "folder with --to"
    )


def _words(error: OSError, entry: Entry) -> str:
    reason = (error.strerror or str(error)).lower()
    where = "the trash"
    if entry.bin is not None and entry.name is not None:
        where = os.fsdecode(os.path.join(entry.bin, b"files", entry.name))
    match error.errno:
        case errno.EEXIST:
            return _taken(entry.place)
        case errno.EXDEV | errno.EOPNOTSUPP:
            return (
                f"it cannot be moved without copying it ({reason}); copy it yourself from {where}"
            )
        case errno.ENOSPC | errno.EDQUOT:
            return f"the disk is full; make room on it and try again (it is {where})"
    return f"it could not be put back ({reason}); it is {where}"
