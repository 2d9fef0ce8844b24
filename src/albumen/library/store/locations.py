"""Where photos lie: what is known of a path, and what a run finds changed."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from albumen.library.records import Root, Seen
from albumen.library.store.connection import Database, now, placeholders

Standing = Literal["done", "untold", "todo", "skipped", "failed"]
"""Of an unchanged file: nothing is left to do; only its words are to be read, which an earlier
version did not do; more is; or it failed for good."""

_LARGEST = 2**63 - 1


class Known(NamedTuple):
    """What the library knows of one path. `photo` is None where the file could not be read.

    A tuple, since a run makes one for each file of the library, and these are made quickest.
    """

    id: int
    size: int
    mtime_ns: int
    gone: bool
    photo: int | None
    standing: Standing

    def is_unchanged(self, size: int, mtime_ns: int) -> bool:
        """Whether a file of this size and time is the one we know."""
        return self.size == size and self.mtime_ns == min(mtime_ns, _LARGEST)


def _standing(packs: Sequence[int]) -> str:
    """The standing of a photo (p) with these packs (their rows), as an SQL expression.

    Asked for whole folders at a time, so failures are looked up for the few rows only that are
    neither decoded nor embedded by all of them.
    """
    rows = ",".join(str(int(pack)) for pack in packs)
    return f"""
  CASE
    WHEN p.status = 'decoded' AND {len(packs)} =
      (SELECT count(*) FROM embedding e WHERE e.pack IN ({rows}) AND e.photo = p.id)
      THEN CASE WHEN p.words_read THEN 'done' ELSE 'untold' END
    ELSE ifnull((SELECT f.status FROM failure f WHERE f.photo = p.id AND f.lasting
      AND (f.stage = 'decode' AND p.status = 'failed'
        OR f.stage = 'describe' AND p.status = 'decoded' AND f.pack IN ({rows})) LIMIT 1), 'todo')
  END"""


_OF_FILE = """
  ifnull((SELECT f.status FROM failure f WHERE f.location = l.id AND f.lasting LIMIT 1),
    CASE WHEN EXISTS (SELECT 1 FROM told t WHERE t.location = l.id)
      AND NOT EXISTS (SELECT 1 FROM failure f WHERE f.location = l.id)
    THEN 'done' ELSE 'todo' END)"""
"""Of a file without a photo: a sidecar that was read, or what could not be."""


def known(
    db: Database, root: Root, relatives: Sequence[bytes], packs: Sequence[int]
) -> dict[bytes, Known]:
    """What is known of these paths below a root, with regard to packs (their rows' ids).

    At most some 30,000 paths at a time (SQLite's bound on parameters); gone ones are among them.
    """
    rows = db.execute(
        f"""SELECT l.relative, l.id, l.size, l.mtime_ns, l.gone IS NOT NULL, l.photo,
              CASE
                WHEN p.id IS NULL THEN {_OF_FILE}
                WHEN EXISTS (SELECT 1 FROM failure f WHERE f.location = l.id) THEN 'todo'
                ELSE {_standing(packs)}
              END
            FROM location l LEFT JOIN photo p ON p.id = l.photo
            WHERE l.root = ? AND l.relative IN ({placeholders(len(relatives))})""",
        (root.id, *relatives),
    ).fetchall()
    return {row[0]: Known._make(row[1:]) for row in rows}


def standing(db: Database, content_hash: bytes, packs: Sequence[int]) -> Standing | None:
    """What is left to do for a content, wherever it lies; None if it is not known."""
    row = db.execute(
        f"SELECT {_standing(packs)} FROM photo p WHERE p.content_hash = ?", (content_hash,)
    ).fetchone()
    return row[0] if row else None


def save(db: Database, seen: Seen, photo: int | None) -> int:
    """Note where a photo lies now (None: a file that gave no content). Returns the location."""
    row = db.execute(
        """INSERT INTO location (root, relative, size, mtime_ns, inode, photo, added)
           VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (root, relative) DO UPDATE SET size = excluded.size,
             mtime_ns = excluded.mtime_ns, inode = excluded.inode, photo = excluded.photo,
             gone = NULL
           RETURNING id""",
        (
            seen.root.id,
            seen.relative,
            seen.size,
            min(seen.mtime_ns, _LARGEST),  # a clock gone wild: beyond the year 2262
            seen.inode & _LARGEST,
            photo,
            now(),
        ),
    ).fetchone()
    return int(row[0])


@dataclass(frozen=True, slots=True)
class Place:
    """A location's row: which photo lay there, and whether it is gone."""

    id: int
    photo: int | None
    gone: bool


def find(db: Database, seen: Seen) -> Place | None:
    """The location at this path, gone or not."""
    row = db.execute(
        "SELECT id, photo, gone IS NOT NULL FROM location WHERE root = ? AND relative = ?",
        (seen.root.id, seen.relative),
    ).fetchone()
    return Place(*row) if row else None


def by_ids(db: Database, ids: Sequence[int]) -> Iterator[tuple[int, bytes, bool]]:
    """These locations: (id, relative, whether a photo is known to lie there)."""
    for start in range(0, len(ids), 500):
        some = list(ids[start : start + 500])
        yield from db.execute(
            f"SELECT id, relative, photo IS NOT NULL FROM location"
            f" WHERE id IN ({placeholders(len(some))})",
            some,
        ).fetchall()


def set_gone(db: Database, ids: Sequence[int]) -> None:
    """Note that nothing lies there any more. Where no photo was known to lie, nothing is kept."""
    for start in range(0, len(ids), 500):
        some = list(ids[start : start + 500])
        chosen = f"id IN ({placeholders(len(some))})"
        db.execute(f"DELETE FROM location WHERE photo IS NULL AND {chosen}", some)
        db.execute(f"UPDATE location SET gone = ? WHERE {chosen}", (now(), *some))


def set_present(db: Database, ids: Sequence[int]) -> None:
    """Note that files which had been gone lie there again."""
    db.executemany("UPDATE location SET gone = NULL WHERE id = ?", [(id,) for id in ids])


def leave_vanished(db: Database, photo: int, seen: Seen) -> bool:
    """Whether `photo` moved to where it was now seen: no other place holds it any more.

    Its other locations are looked at on the disk, up to the first that still holds it; if none
    does, all of them are gone.
    """
    others = db.execute(
        """SELECT l.id, r.path, l.relative, l.size, l.mtime_ns
           FROM location l JOIN root r ON r.id = l.root
           WHERE l.photo = ? AND l.gone IS NULL AND NOT (l.root = ? AND l.relative = ?)""",
        (photo, seen.root.id, seen.relative),
    )
    vanished = []
    while row := others.fetchone():  # one by one: there may be thousands of copies
        id, root, relative, size, mtime_ns = row
        if _holds(root.rstrip(b"/") + b"/" + relative, size, mtime_ns, seen):
            return False
        vanished.append(id)
    set_gone(db, vanished)
    return True


def _holds(path: bytes, size: int, mtime_ns: int, seen: Seen) -> bool:
    """Whether the file we knew is still at its place, and is not `seen` under another name."""
    try:
        status = os.stat(path)  # noqa: PTH116 (pathlib takes no bytes)
    except OSError:
        return False
    renamed_in_case = status.st_ino == seen.inode and status.st_nlink == 1
    return (status.st_size, status.st_mtime_ns) == (size, mtime_ns) and not renamed_in_case


def paths(db: Database, photo_ids: Sequence[int]) -> dict[int, list[Path]]:
    """Where these photos lie, the place seen first in front."""
    found: dict[int, list[Path]] = {}
    for start in range(0, len(photo_ids), 500):
        some = [int(id) for id in photo_ids[start : start + 500]]
        rows = db.execute(
            f"""SELECT l.photo, r.path, l.relative FROM location l JOIN root r ON r.id = l.root
                WHERE l.gone IS NULL AND l.photo IN ({placeholders(len(some))}) ORDER BY l.id""",
            some,
        ).fetchall()
        for photo, root, relative in rows:
            found.setdefault(photo, []).append(full_path(root, relative))
    return found


def full_path(root: bytes, relative: bytes) -> Path:
    """The path of a location."""
    return Path(os.fsdecode(root)) / os.fsdecode(relative)
