"""What packs said of photos: one vector a photo and pack, float16."""

import json
from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from albumen.library.store.connection import Database

Chunk = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float16]]

CHUNK = 4096
"""Vectors read at a time: 2 to 8 MB."""


class Embedder(Protocol):
    """What the store needs to know of a pack."""

    @property
    def id(self) -> str:
        """The hash of all that determines embeddings."""

    @property
    def name(self) -> str:
        """Its name for people."""

    @property
    def dim(self) -> int:
        """The length of an embedding."""


def pack_row(db: Database, pack: Embedder) -> int:
    """The row that stands for a pack; it is made if there is none."""
    row = db.execute(
        """INSERT INTO pack (key, name, dim) VALUES (?, ?, ?)
           ON CONFLICT (key) DO UPDATE SET name = excluded.name RETURNING id""",
        (pack.id, pack.name, pack.dim),
    ).fetchone()
    return int(row[0])


def add(db: Database, pack: int, photo: int, vector: NDArray[np.float16]) -> bool:
    """Keep a photo's vector; False if there is one. Call `bump` once in the transaction."""
    cursor = db.execute(
        "INSERT INTO embedding (pack, photo, vector) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (pack, photo, vector.astype("<f2").tobytes()),
    )
    return bool(cursor.rowcount)


def bump(db: Database, pack: int) -> None:
    """Tell readers that this pack's vectors changed."""
    db.execute("UPDATE pack SET generation = generation + 1 WHERE id = ?", (pack,))


def generation(db: Database, key: str) -> int:
    """How often this pack's vectors changed; 0 for a pack never used."""
    row = db.execute("SELECT generation FROM pack WHERE key = ?", (key,)).fetchone()
    return int(row[0]) if row else 0


def count(db: Database, key: str, up_to: int | None) -> int:
    """How many vectors this pack has, with ids up to `up_to` if given."""
    row = db.execute(
        """SELECT count(*) FROM embedding
           WHERE pack = (SELECT id FROM pack WHERE key = ?) AND (? IS NULL OR id <= ?)""",
        (key, up_to, up_to),
    ).fetchone()
    return int(row[0])


def stream(db: Database, key: str, after: int) -> Iterator[Chunk]:
    """All vectors with ids above `after`, in chunks: (ids, photo ids, vectors (N, dim))."""
    row = db.execute("SELECT id, dim FROM pack WHERE key = ?", (key,)).fetchone()
    if row is None:
        return
    pack, dim = row
    while rows := db.execute(
        # NOT INDEXED: by row id, or SQLite would take the index and sort anew for each chunk.
        """SELECT id, photo, vector FROM embedding NOT INDEXED
           WHERE pack = ? AND id > ? ORDER BY id LIMIT ?""",
        (pack, after, CHUNK),
    ).fetchall():
        ids, photos, vectors = zip(*rows, strict=True)
        matrix = np.frombuffer(b"".join(vectors), dtype="<f2").reshape(-1, dim)
        yield np.array(ids, dtype=np.int64), np.array(photos, dtype=np.int64), matrix
        after = ids[-1]


def one(db: Database, key: str, photo: int) -> NDArray[np.float16] | None:
    """One photo's vector (dim,)."""
    row = db.execute(
        """SELECT e.vector FROM embedding e JOIN pack p ON p.id = e.pack
           WHERE p.key = ? AND e.photo = ?""",
        (key, photo),
    ).fetchone()
    return np.frombuffer(row[0], dtype="<f2") if row else None


def of(db: Database, key: str, photo_ids: NDArray[np.int64]) -> NDArray[np.float16]:
    """The vectors (N, dim) of photos, in their order; zeros for one that has none."""
    pack, dim = db.execute("SELECT id, dim FROM pack WHERE key = ?", (key,)).fetchone()
    found = dict(
        db.execute(
            # CROSS: the wanted ones come first, or SQLite may go through all that there are.
            """SELECT photo, vector FROM json_each(?) AS wanted
               CROSS JOIN embedding ON pack = ? AND photo = wanted.value""",
            (json.dumps(photo_ids.tolist()), pack),
        )
    )
    rows = [found.get(photo, bytes(2 * dim)) for photo in photo_ids.tolist()]
    return np.frombuffer(b"".join(rows), dtype="<f2").reshape(-1, dim)
