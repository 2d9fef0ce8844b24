"""What photos' files, and the sidecars beside them, say in words."""

from dataclasses import dataclass
from pathlib import Path

from albumen.library.records import Told
from albumen.library.store.beside import records_of
from albumen.library.store.connection import Database, placeholders
from albumen.library.store.locations import full_path
from albumen.library.store.tags import tag_row


@dataclass(frozen=True, slots=True)
class Source:
    """What one file says; `path` is None for the photo's own, else the sidecar's."""

    told: Told
    path: Path | None


def save_of_photo(db: Database, photo: int, told: Told) -> None:
    """Keep what is said inside a photo's file, which is thereby read."""
    db.execute("DELETE FROM told WHERE photo = ?", (photo,))
    db.execute("UPDATE photo SET words_read = 1 WHERE id = ?", (photo,))
    if told != Told():
        _save(db, "photo", photo, told)


def save_of_sidecar(db: Database, location: int, told: Told) -> None:
    """Keep what a sidecar says; its date serves the photos beside it that have no better one."""
    db.execute("DELETE FROM told WHERE location = ?", (location,))
    row = _save(db, "location", location, told)
    if told.taken is not None:
        db.execute(
            f"""UPDATE photo SET taken = ?, taken_source = 'xmp', taken_offset = NULL
                WHERE {_WEAKLY_DATED} AND id IN (SELECT photo FROM told_of WHERE told = ?)""",
            (told.taken, row),
        )


def date_by_sidecar(db: Database, photo: int) -> None:
    """Give a photo that was just recorded the date of a sidecar that was there before it."""
    records = records_of(db, photo)
    row = db.execute(
        f"""SELECT taken FROM told WHERE taken IS NOT NULL
            AND id IN ({placeholders(len(records))}) LIMIT 1""",
        records,
    ).fetchone()
    if row:
        db.execute(
            f"""UPDATE photo SET taken = ?, taken_source = 'xmp', taken_offset = NULL
                WHERE {_WEAKLY_DATED} AND id = ?""",
            (row[0], photo),
        )


# A date that the file's name or time gave is a guess; one from inside the file is not.
_WEAKLY_DATED = "(taken_source IS NULL OR taken_source IN ('name', 'mtime'))"


def of_photo(db: Database, photo: int) -> list[Source]:
    """What is said of a photo: by its own file first, then by sidecars."""
    records = records_of(db, photo)
    rows = db.execute(
        f"""SELECT t.id, t.title, t.caption, t.place, t.rating, t.taken, r.path, l.relative
            FROM told t LEFT JOIN location l ON l.id = t.location LEFT JOIN root r ON r.id = l.root
            WHERE t.id IN ({placeholders(len(records))})
            ORDER BY t.location IS NOT NULL, l.relative""",
        records,
    ).fetchall()
    return [
        Source(
            Told(_keywords(db, id), title, caption, place, rating, taken),
            None if root is None else full_path(root, relative),
        )
        for id, title, caption, place, rating, taken, root, relative in rows
    ]


def _keywords(db: Database, told: int) -> tuple[str, ...]:
    rows = db.execute(
        """SELECT t.name FROM told_keyword k JOIN tag t ON t.id = k.tag WHERE k.told = ?
           ORDER BY t.key""",
        (told,),
    ).fetchall()
    return tuple(row[0] for row in rows)


def _save(db: Database, of: str, id: int, told: Told) -> int:
    cursor = db.execute(
        f"INSERT INTO told ({of}, title, caption, place, rating, taken) VALUES (?, ?, ?, ?, ?, ?)",
        (id, told.title, told.caption, told.place, told.rating, told.taken),
    )
    row = int(cursor.lastrowid or 0)
    db.executemany(
        "INSERT OR IGNORE INTO told_keyword (told, tag) VALUES (?, ?)",
        [(row, tag_row(db, keyword)) for keyword in told.keywords],
    )
    return row
