"""The table `trash_journal`: what is moved, written down before and after."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from albumen.library.store.connection import Database, now
from albumen.trash.known import Known

State = Literal["trashing", "trashed", "restoring", "restored"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row. `bin` and `name` say where in which trash; None where only the system knows.

    `path`: where the file lay; `target`: where it is put back, if it is.
    """

    id: int
    state: State
    path: bytes
    location: int | None
    content_hash: bytes
    size: int
    mtime_ns: int
    inode: int
    bin: bytes | None
    name: bytes | None
    at: str
    target: bytes | None

    @property
    def shown(self) -> Path:
        """Where the file lay."""
        return Path(os.fsdecode(self.path))

    @property
    def place(self) -> bytes:
        """Where the file is when it is not in the trash."""
        return self.path if self.target is None else self.target

    @property
    def local_time(self) -> str:
        """When it was trashed, as a .trashinfo says it: local, without a zone."""
        return datetime.fromisoformat(self.at).astimezone().strftime("%Y-%m-%dT%H:%M:%S")

    def is_of(self, status: os.stat_result) -> bool:
        """Whether a file of this status is the one that was moved: moving changes none of it."""
        return (self.size, self.mtime_ns, self.inode) == identity(status)


_COLUMNS = "id, state, path, location, content_hash, size, mtime_ns, inode, bin, name, at, target"
_LARGEST = 2**63 - 1


def identity(status: os.stat_result) -> tuple[int, int, int]:
    """Size, time and inode, as the library keeps them."""
    return status.st_size, min(status.st_mtime_ns, _LARGEST), status.st_ino & _LARGEST


def begin(
    db: Database, known: Known, status: os.stat_result, bin: bytes | None, name: bytes | None
) -> Entry:
    """Note that this file is about to be moved there."""
    row = db.execute(
        f"""INSERT INTO trash_journal (state, path, location, content_hash, image_hash,
              size, mtime_ns, inode, bin, name, at)
            VALUES ('trashing', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING {_COLUMNS}""",
        (
            known.path,
            known.location,
            known.content_hash,
            known.image_hash,
            *identity(status),
            bin,
            name,
            now(),
        ),
    ).fetchone()
    return Entry(*row)


def begin_restoring(db: Database, entry: Entry, target: bytes) -> Entry:
    """Note that this file is about to be put back, there."""
    row = db.execute(
        f"""UPDATE trash_journal SET state = 'restoring', target = ? WHERE id = ?
            RETURNING {_COLUMNS}""",
        (target, entry.id),
    ).fetchone()
    return Entry(*row)


def forget(db: Database, entry: Entry) -> None:
    """The file never moved, and there is nothing to remember."""
    db.execute("DELETE FROM trash_journal WHERE id = ?", (entry.id,))


def set_trashed(db: Database, entry: Entry) -> None:
    """The file is in the trash; its place in the library is empty."""
    db.execute(
        "UPDATE trash_journal SET state = 'trashed', target = NULL WHERE id = ?", (entry.id,)
    )
    db.execute(
        "UPDATE location SET gone = ? WHERE id = ? AND gone IS NULL", (now(), entry.location)
    )


def set_content(db: Database, entry: Entry, status: os.stat_result, content: bytes) -> None:
    """The file in the trash is another than was meant, and is known by this from now on."""
    db.execute(
        """UPDATE trash_journal SET size = ?, mtime_ns = ?, inode = ?, content_hash = ?,
             image_hash = NULL WHERE id = ?""",
        (*identity(status), content, entry.id),
    )


def set_restored(db: Database, entry: Entry) -> None:
    """The file is back. If it was put where it had lain, the library knows it there again."""
    db.execute(
        "UPDATE trash_journal SET state = 'restored', restored = ? WHERE id = ?", (now(), entry.id)
    )
    if entry.place == place_of(db, entry):
        db.execute(
            "UPDATE location SET gone = NULL WHERE id = ? AND size = ? AND mtime_ns = ?",
            (entry.location, entry.size, entry.mtime_ns),
        )


def place_of(db: Database, entry: Entry) -> bytes | None:
    """Where the library would look for the file: its root may have been renamed since."""
    row = db.execute(
        """SELECT r.path, l.relative FROM location l JOIN root r ON r.id = l.root
           WHERE l.id = ?""",
        (entry.location,),
    ).fetchone()
    return row[0].rstrip(b"/") + b"/" + row[1] if row else None


def begun(db: Database) -> list[Entry]:
    """Moves that were begun and of which no end is noted."""
    return _entries(db, "state IN ('trashing', 'restoring') ORDER BY id")


def trashed(db: Database) -> Iterator[Entry]:
    """What is in the trash, the latest first."""
    yield from _entries(db, "state = 'trashed' ORDER BY id DESC")


def find(db: Database, id: int) -> Entry | None:
    """The entry of this id."""
    found = _entries(db, "id = ?", id)
    return found[0] if found else None


def _entries(db: Database, which: str, *values: Any) -> list[Entry]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM trash_journal WHERE {which}", values).fetchall()
    return [Entry(*row) for row in rows]
