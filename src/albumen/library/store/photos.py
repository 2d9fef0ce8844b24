"""A photo's record: its content, and what decoding and its metadata told."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from albumen.library.records import Decoded, Metadata
from albumen.library.store import roots
from albumen.library.store.connection import Database, now, placeholders

PhotoStatus = Literal["new", "decoded", "failed"]


@dataclass(frozen=True, slots=True)
class Photo:
    """One content, wherever it lies.

    `bytes`: the file's size. `status`: "new" (not decoded yet: no format, width, height),
    "decoded", or "failed" (these bytes give no picture).
    """

    id: int
    content_hash: bytes
    image_hash: bytes | None
    bytes: int
    status: PhotoStatus
    format: str | None
    width: int | None
    height: int | None
    metadata: Metadata


COLUMNS = """id, content_hash, image_hash, bytes, status, format, width, height,
  taken, taken_source, taken_offset, latitude, longitude, camera, ifnull(orientation, 1)"""


def _photo(row: Sequence[Any]) -> Photo:
    id, content_hash, image_hash, size, status, format, width, height, *told = row
    metadata = Metadata(*told)
    return Photo(id, content_hash, image_hash, size, status, format, width, height, metadata)


def by_id(db: Database, id: int) -> Photo | None:
    """The photo of this id."""
    row = db.execute(f"SELECT {COLUMNS} FROM photo WHERE id = ?", (id,)).fetchone()
    return _photo(row) if row else None


def by_content(db: Database, content_hash: bytes) -> Photo | None:
    """The photo with these bytes, by their BLAKE3 hash."""
    row = db.execute(
        f"SELECT {COLUMNS} FROM photo WHERE content_hash = ?", (content_hash,)
    ).fetchone()
    return _photo(row) if row else None


def by_path(db: Database, path: Path) -> Photo | None:
    """The photo that lies at this path, as of the last run."""
    place = roots.split(db, path)
    if place is None:
        return None
    root, relative = place
    row = db.execute(
        f"""SELECT {COLUMNS} FROM photo WHERE id =
              (SELECT photo FROM location WHERE root = ? AND relative = ? AND gone IS NULL)""",
        (root.id, relative),
    ).fetchone()
    return _photo(row) if row else None


def by_ids(db: Database, ids: Sequence[int]) -> Iterator[Photo]:
    """These photos, in this order; ids without a photo are passed over."""
    for start in range(0, len(ids), 500):
        some = [int(id) for id in ids[start : start + 500]]
        rows = db.execute(
            f"SELECT {COLUMNS} FROM photo WHERE id IN ({placeholders(len(some))})", some
        ).fetchall()
        found = {row[0]: row for row in rows}
        yield from (_photo(found[id]) for id in some if id in found)


def of_same_picture(db: Database, ids: Sequence[int]) -> dict[int, list[int]]:
    """For each of these photos, its id and those of files that show the same but for metadata."""
    found = {int(id): [int(id)] for id in ids}
    for start in range(0, len(ids), 500):
        some = [int(id) for id in ids[start : start + 500]]
        rows = db.execute(
            f"""SELECT p.id, other.id FROM photo p JOIN photo other
                  ON other.image_hash = p.image_hash AND other.id <> p.id
                  AND ifnull(other.orientation, 1) = ifnull(p.orientation, 1)
                WHERE p.id IN ({placeholders(len(some))}) ORDER BY p.id, other.id""",
            some,
        )
        for id, other in rows.fetchall():
            found[id].append(other)
    return found


def identify(db: Database, content_hash: bytes, size: int) -> tuple[int, bool]:
    """The id of the photo with this content, and whether it is new: made by this call."""
    row = db.execute("SELECT id FROM photo WHERE content_hash = ?", (content_hash,)).fetchone()
    if row:
        return int(row[0]), False
    cursor = db.execute(
        "INSERT INTO photo (content_hash, bytes, added) VALUES (?, ?, ?)",
        (content_hash, size, now()),
    )
    return int(cursor.lastrowid or 0), True


def save_decoded(db: Database, id: int, decoded: Decoded) -> bool:
    """Keep what decoding told, unless it is known: a copy must not change a photo's date.

    False if it was known.
    """
    metadata = decoded.metadata
    cursor = db.execute(
        """UPDATE photo SET status = 'decoded', image_hash = ?, format = ?, width = ?, height = ?,
             orientation = ?, taken = ?, taken_source = ?, taken_offset = ?, latitude = ?,
             longitude = ?, camera = ?
           WHERE id = ? AND status <> 'decoded'""",
        (
            decoded.image_hash,
            decoded.format,
            decoded.width,
            decoded.height,
            metadata.orientation,
            metadata.taken,
            metadata.taken_source,
            metadata.offset,
            metadata.latitude,
            metadata.longitude,
            metadata.camera,
            id,
        ),
    )
    return bool(cursor.rowcount)


def set_failed(db: Database, id: int) -> None:
    """Note that these bytes give no picture, so that no copy of them is tried again."""
    db.execute("UPDATE photo SET status = 'failed' WHERE id = ? AND status = 'new'", (id,))


def candidates(
    db: Database, after: date | None, before: date | None, under: Path | None
) -> NDArray[np.int64]:
    """Sorted ids of the photos that lie somewhere and match; see `Store.candidates`."""
    conditions = ["gone IS NULL", "photo IS NOT NULL"]
    parameters: list[Any] = []
    if under is not None:
        scope, values = _scope(db, under)
        conditions.append(scope)
        parameters += values
    sql = f"SELECT DISTINCT photo FROM location WHERE {' AND '.join(conditions)}"
    dates, values = _dates(after, before)
    if dates:
        sql = f"SELECT id FROM photo WHERE {dates} AND id IN ({sql}) ORDER BY id"
        parameters = values + parameters
    else:
        sql += " ORDER BY photo"
    rows = db.execute(sql, parameters).fetchall()
    return np.fromiter((row[0] for row in rows), dtype=np.int64, count=len(rows))


def _dates(after: date | None, before: date | None) -> tuple[str, list[Any]]:
    conditions, parameters = [], []
    if after is not None:
        conditions.append("taken >= ?")
        parameters.append(after.isoformat())
    if before is not None:
        conditions.append("taken <= ?")
        parameters.append(before.isoformat() + "T99")  # any time on that day
    return " AND ".join(conditions), parameters


def _scope(db: Database, folder: Path) -> tuple[str, list[Any]]:
    """Which locations lie under a folder: inside a root, or in the roots that it holds."""
    place = roots.split(db, folder)
    if place is not None:
        root, below = place
        scope, values = roots.under(below)
        return f"root = ?{scope}", [root.id, *values]
    held = [root.id for root in roots.all_roots(db) if root.path.is_relative_to(folder)]
    return f"root IN ({placeholders(len(held))})", list(held)
