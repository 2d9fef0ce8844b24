"""What copies are found by, and whose copy each photo is."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from albumen.library.records import Evidence
from albumen.library.store.connection import Database, placeholders


class Copy(NamedTuple):
    """A photo's place among copies; see the table. `region`: float32 × 4, as bytes."""

    photo: int
    leader: int
    similarity: float
    region: bytes


def keep_evidence(db: Database, photo: int, evidence: Evidence) -> None:
    """Keep a photo's hash and small picture; those of an earlier run give way."""
    db.execute(
        """INSERT OR REPLACE INTO evidence (photo, hash, inner_hash, "inner", picture)
           VALUES (?, ?, ?, ?, ?)""",
        (photo, evidence.hash, evidence.inner_hash, evidence.inner, evidence.picture),
    )


def pictures(db: Database, photo_ids: Sequence[int]) -> dict[int, bytes]:
    """The small pictures of these photos, as they are packed."""
    found: dict[int, bytes] = {}
    for some in _parts(photo_ids):
        found.update(
            db.execute(
                f"SELECT photo, picture FROM evidence WHERE photo IN ({placeholders(len(some))})",
                some,
            ).fetchall()
        )
    return found


def place(db: Database, copies: Iterable[Copy]) -> None:
    """Note whose copies these photos are."""
    db.executemany("INSERT OR REPLACE INTO copy VALUES (?, ?, ?, ?)", copies)


def places(db: Database, photo_ids: Sequence[int]) -> dict[int, Copy]:
    """The places of these photos, as far as they were compared."""
    return {
        row[0]: Copy(*row)
        for some in _parts(photo_ids)
        for row in db.execute(
            f"SELECT photo, leader, similarity, region FROM copy"
            f" WHERE photo IN ({placeholders(len(some))})",
            some,
        ).fetchall()
    }


def members(db: Database, leaders: Sequence[int]) -> dict[int, list[Copy]]:
    """The copies of each of these leaders, itself among them."""
    found: dict[int, list[Copy]] = {}
    for some in _parts(leaders):
        marks = placeholders(len(some))
        rows = db.execute(
            f"""SELECT photo, leader, similarity, region FROM copy WHERE photo IN ({marks})
                UNION ALL
                SELECT photo, leader, similarity, region FROM copy
                WHERE leader IN ({marks}) AND leader <> photo ORDER BY photo""",
            (*some, *some),
        ).fetchall()
        for row in rows:
            found.setdefault(row[1], []).append(Copy(*row))
    return found


def groups(db: Database) -> Iterator[list[Copy]]:
    """All groups of two photos and more."""
    leaders = [
        row[0]
        for row in db.execute("SELECT DISTINCT leader FROM copy WHERE leader <> photo ORDER BY 1")
    ]
    for some in _parts(leaders):
        yield from members(db, some).values()


def forget(db: Database, photo_ids: Sequence[int]) -> None:
    """Forget the places of these photos; they are compared anew."""
    for some in _parts(photo_ids):
        db.execute(f"DELETE FROM copy WHERE photo IN ({placeholders(len(some))})", some)


def _parts(ids: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), 500):
        yield [int(id) for id in ids[start : start + 500]]
