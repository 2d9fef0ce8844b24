"""The folders a user added, found again though renamed, and told from others at the same path."""

# ruff: noqa: PTH116, PTH118

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from albumen.library.records import LibraryError, Root
from albumen.library.store.connection import Database, now

SAMPLE = 64
"""How many known files are looked for when a folder's marker does not settle whose it is."""


@dataclass(frozen=True, slots=True)
class Marker:
    """What tells a folder from another at the same path: its file system's id and its inode."""

    volume: int
    inode: int

    @classmethod
    def of(cls, folder: Path) -> "Marker | None":
        """The marker of the folder at this path, or None if none can be reached there."""
        try:
            return cls(_signed(os.statvfs(folder).f_fsid), _signed(folder.stat().st_ino))
        except OSError:
            return None


@dataclass(frozen=True, slots=True)
class Claim:
    """A folder to be scanned, as part of a root.

    `below` is its path below the root, b"" for the root itself. `became` says what happened since
    the last time: "renamed": the same folder under another path; "replaced": another one under
    the same path.
    """

    root: Root
    below: bytes
    became: Literal["known", "new", "renamed", "replaced"]

    def is_same_place(self, other: "Claim") -> bool:
        """Whether both are the same folder of the same root."""
        return (self.root.id, self.below) == (other.root.id, other.below)


def _signed(value: int) -> int:
    """An unsigned 64-bit number as SQLite's signed one, bit for bit."""
    return (value + 2**63) % 2**64 - 2**63


def all_roots(db: Database) -> list[Root]:
    """Every root, in the order they were added."""
    rows = db.execute("SELECT id, path FROM root ORDER BY id").fetchall()
    return [Root(id, Path(os.fsdecode(path))) for id, path in rows]


def split(db: Database, path: Path) -> tuple[Root, bytes] | None:
    """The root that `path` lies in, and the path below it; None if it is in no root."""
    whole = os.fsencode(path)
    for root in all_roots(db):
        top = os.fsencode(root.path)
        if whole == top:
            return root, b""
        if whole.startswith(top.rstrip(b"/") + b"/"):
            return root, whole[len(top.rstrip(b"/")) + 1 :]
    return None


def claim(db: Database, folder: Path) -> Claim:
    """The root that `folder` is or lies in; added, renamed or marked as replaced as need be.

    Roots never overlap: a folder inside a root is scanned as a part of it, and a root inside a
    new one becomes a part of that.
    """
    marker = Marker.of(folder)
    if marker is None:
        raise LibraryError(f"{folder} cannot be read; check that it is there and its permissions")
    inside = split(db, folder)
    if inside is not None and inside[1]:
        return Claim(*inside, "known")
    if inside is not None:
        return Claim(inside[0], b"", _recognise(db, inside[0], marker))
    renamed = _renamed(db, folder, marker)
    if renamed is not None:
        return renamed
    return Claim(_add(db, folder, marker), b"", "new")


def _recognise(db: Database, root: Root, marker: Marker) -> Literal["known", "replaced"]:
    """Whether the folder at a root's path is still the one we know."""
    if _marker(db, root) == marker:
        return "known"
    holds_known = not _known_files(db, root) or _holds_known(db, root, root.path)
    if not holds_known and not any(os.scandir(root.path)):
        return "known"  # an empty mount point: the disk is away, and its marker stays in the book
    _set_marker(db, root, marker)
    if holds_known:
        return "known"  # restored from a copy, or a file system that numbers anew at each mount
    db.execute("UPDATE location SET gone = ? WHERE root = ? AND gone IS NULL", (now(), root.id))
    return "replaced"


def _renamed(db: Database, folder: Path, marker: Marker) -> Claim | None:
    """The root whose marker this folder bears: renamed, or reached by another way (a link)."""
    rows = db.execute(
        "SELECT id, path FROM root WHERE volume = ? AND inode = ?", (marker.volume, marker.inode)
    ).fetchall()
    for id, path in rows:
        root = Root(id, Path(os.fsdecode(path)))
        if Marker.of(root.path) == marker:
            return Claim(root, b"", "known")
        if _known_files(db, root) and _holds_known(db, root, folder):
            db.execute("UPDATE root SET path = ? WHERE id = ?", (os.fsencode(folder), id))
            return Claim(Root(id, folder), b"", "renamed")
    return None


def _add(db: Database, folder: Path, marker: Marker) -> Root:
    path = os.fsencode(folder)
    cursor = db.execute(
        "INSERT INTO root (path, volume, inode, added) VALUES (?, ?, ?, ?)",
        (path, marker.volume, marker.inode, now()),
    )
    root = Root(int(cursor.lastrowid or 0), folder)
    top = path.rstrip(b"/") + b"/"
    for inner in all_roots(db):
        inner_path = os.fsencode(inner.path)
        if inner_path.startswith(top) and inner.id != root.id:
            _absorb(db, inner, root, inner_path[len(top) :] + b"/")
    return root


def _absorb(db: Database, inner: Root, outer: Root, prefix: bytes) -> None:
    """Make the locations of `inner` locations of `outer`, which holds it at `prefix`."""
    db.execute(
        "UPDATE location SET root = ?, relative = CAST(? || relative AS BLOB) WHERE root = ?",
        (outer.id, prefix, inner.id),
    )
    db.execute("DELETE FROM root WHERE id = ?", (inner.id,))


def _marker(db: Database, root: Root) -> Marker:
    row = db.execute("SELECT volume, inode FROM root WHERE id = ?", (root.id,)).fetchone()
    return Marker(*row)


def _set_marker(db: Database, root: Root, marker: Marker) -> None:
    db.execute(
        "UPDATE root SET volume = ?, inode = ? WHERE id = ?",
        (marker.volume, marker.inode, root.id),
    )


def _known_files(db: Database, root: Root) -> list[tuple[bytes, int]]:
    """Some photos known to lie here, spread over the root: (relative path, size)."""
    rows = db.execute(
        "SELECT relative, size FROM location WHERE root = ? AND gone IS NULL"
        " AND photo IS NOT NULL ORDER BY id * 2654435761 % 4294967296 LIMIT ?",
        (root.id, SAMPLE),
    ).fetchall()
    return [(relative, size) for relative, size in rows]


def _holds_known(db: Database, root: Root, folder: Path) -> bool:
    """Whether at least one file that we know of this root lies in `folder`, at its size."""
    return any(_is_there(folder, *file) for file in _known_files(db, root))


def _is_there(folder: Path, relative: bytes, size: int) -> bool:
    try:
        return os.stat(os.path.join(os.fsencode(folder), relative)).st_size == size
    except OSError:
        return False


def present(db: Database, root: Root, below: bytes) -> Iterator[list[int]]:
    """Ids of the locations in (a part of) a root that are not gone, some at a time."""
    last = 0
    scope, parameters = under(below)
    while rows := db.execute(
        f"""SELECT id FROM location NOT INDEXED WHERE root = ? AND gone IS NULL AND id > ?{scope}
            ORDER BY id LIMIT 10000""",
        (root.id, last, *parameters),
    ).fetchall():
        yield [row[0] for row in rows]
        last = rows[-1][0]


def under(below: bytes) -> tuple[str, tuple[bytes, ...]]:
    """An SQL condition, and its parameters, for what lies at or below a relative path."""
    if not below:
        return "", ()
    return (
        " AND (relative = ? OR (relative > ? AND relative < ?))",
        (below, below + b"/", below + b"0"),
    )


def set_scanned(db: Database, root: Root) -> None:
    """Note that the whole root was walked: its locations that are not gone were seen now."""
    db.execute("UPDATE root SET scanned = ? WHERE id = ?", (now(), root.id))
