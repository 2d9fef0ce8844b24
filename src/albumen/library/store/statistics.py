"""The library in figures."""

from dataclasses import dataclass

from albumen.library.store.connection import Database


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts of what the library holds. A photo counts where it lies somewhere.

    `embeddings`: vectors by pack name; `failures`: problems by stage; `first_taken` and
    `last_taken`: ISO local times; `bytes`: of the photos, each content once; `library_bytes`: of
    the library's own file.
    """

    roots: int
    photos: int
    locations: int
    embeddings: dict[str, int]
    failures: dict[str, int]
    first_taken: str | None
    last_taken: str | None
    bytes: int
    library_bytes: int


def stats(db: Database) -> Stats:
    """Count everything."""
    photos, size, first, last = db.execute(
        """SELECT count(*), ifnull(sum(bytes), 0), min(taken), max(taken) FROM photo p
           WHERE EXISTS (SELECT 1 FROM location l WHERE l.photo = p.id AND l.gone IS NULL)"""
    ).fetchone()
    locations = _one(db, "SELECT count(*) FROM location WHERE gone IS NULL AND photo IS NOT NULL")
    pages = _one(db, "PRAGMA page_count") * _one(db, "PRAGMA page_size")
    return Stats(
        roots=_one(db, "SELECT count(*) FROM root"),
        photos=photos,
        locations=locations,
        embeddings=_counts(
            db,
            """SELECT p.name, count(*) FROM embedding e JOIN pack p ON p.id = e.pack
               GROUP BY e.pack ORDER BY p.name""",
        ),
        failures=_counts(
            db,
            """SELECT f.stage, count(*) FROM failure f JOIN location l
                 ON l.gone IS NULL AND (l.id = f.location OR l.photo = f.photo)
               GROUP BY f.stage ORDER BY f.stage""",
        ),
        first_taken=first,
        last_taken=last,
        bytes=size,
        library_bytes=pages,
    )


def _one(db: Database, sql: str) -> int:
    return int(db.execute(sql).fetchone()[0])


def _counts(db: Database, sql: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, count in db.execute(sql).fetchall():
        counts[name] = counts.get(name, 0) + count
    return counts
