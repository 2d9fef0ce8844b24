"""Tags: what the owner decided, what a pack found, and what photos' own keywords say.

A person's word counts before a file's, a file's before a pack's. A decision hangs on the picture
(`picture_of`), not on its file.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from albumen.library.store.beside import records_of
from albumen.library.store.connection import Database, now, placeholders
from albumen.library.tag_name import clean, key

By = Literal["hand", "file", "model"]


@dataclass(frozen=True, slots=True)
class Tag:
    """A photo's tag. `score`: a model's certainty from 0 to 1; 1 for what people and files say."""

    tag: str
    score: float
    by: By


@dataclass(frozen=True, slots=True)
class TagCount:
    """A tag of the library and on how many photos it is, by the strongest voice on each."""

    tag: str
    photos: int
    by_hand: int
    by_file: int
    by_model: int


@dataclass(frozen=True, slots=True)
class Decision:
    """A picture (its image hash, else content hash) has a tag, or has it not, as a person said."""

    picture: bytes
    tag: str
    has: bool
    at: str


def picture_of(db: Database, photo: int) -> bytes:
    """What decisions about a photo hang on: its image hash, else its content hash."""
    row = db.execute(
        "SELECT ifnull(image_hash, content_hash) FROM photo WHERE id = ?", (photo,)
    ).fetchone()
    return bytes(row[0])


def tag_row(db: Database, name: str) -> int:
    """The row of a tag, which is made if there is none; `name` is clean."""
    found = find(db, name)
    if found is not None:
        return found
    cursor = db.execute("INSERT INTO tag (key, name) VALUES (?, ?)", (key(name), name))
    return int(cursor.lastrowid or 0)


def find(db: Database, name: str) -> int | None:
    """The row of a tag however it is spelled, if the library knows it."""
    row = db.execute("SELECT id FROM tag WHERE key = ?", (key(name),)).fetchone()
    return int(row[0]) if row else None


def decide(db: Database, picture: bytes, name: str, *, has: bool, at: str | None = None) -> None:
    """Keep a person's word about a picture; the last one counts."""
    db.execute(
        """INSERT INTO tag_decision (picture, tag, has, at) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET has = excluded.has, at = excluded.at""",
        (picture, tag_row(db, clean(name)), has, at or now()),
    )


def decisions(db: Database) -> Iterator[Decision]:
    """Every decision, by picture and tag: what an export keeps, and `decide` takes back."""
    rows = db.execute(
        """SELECT d.picture, t.name, d.has, d.at FROM tag_decision d JOIN tag t ON t.id = d.tag
           ORDER BY d.picture, t.key"""
    )
    for picture, name, has, at in rows:
        yield Decision(picture, name, bool(has), at)


def restore(db: Database, decided: Iterable[Decision]) -> int:
    """Take up exported decisions, whether or not their photos are known yet.

    Of two about the same picture and tag the later counts. Returns how many changed something.
    """
    changed = 0
    for one in decided:
        cursor = db.execute(
            """INSERT INTO tag_decision (picture, tag, has, at) VALUES (?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET has = excluded.has, at = excluded.at
                 WHERE excluded.at > at""",
            (one.picture, tag_row(db, clean(one.tag)), one.has, one.at),
        )
        changed += cursor.rowcount
    return changed


# A decision was made under the hash that the photo had: both are asked, since a content that was
# decoded later gained an image hash.
_DECIDED = """
  SELECT d.tag, d.has FROM tag_decision d JOIN photo p ON p.id = ?1
  WHERE d.picture IN (p.image_hash, p.content_hash)"""


def of_photo(db: Database, photo: int, pack_key: str | None) -> list[Tag]:
    """A photo's tags, the owner's first, then its file's, then what the pack found, best first."""
    told = records_of(db, photo)
    records = ",".join(f"?{number}" for number in range(3, 3 + len(told)))
    rows = db.execute(
        f"""WITH decided AS ({_DECIDED}),
              said AS (
                SELECT tag, 0 AS voice, 1.0 AS score FROM decided WHERE has
                UNION ALL
                SELECT tag, 1, 1.0 FROM told_keyword WHERE told IN ({records})
                UNION ALL
                SELECT f.tag, 2, f.score FROM tag_found f
                  WHERE f.photo = ?1 AND f.pack = (SELECT id FROM pack WHERE key = ?2))
            SELECT t.name, min(voice), score FROM said JOIN tag t ON t.id = said.tag
            WHERE NOT EXISTS (SELECT 1 FROM decided d WHERE d.tag = said.tag AND NOT d.has)
            GROUP BY t.id ORDER BY min(voice), score DESC, t.key""",
        (photo, pack_key, *told),
    ).fetchall()
    voices: tuple[By, ...] = ("hand", "file", "model")
    return [Tag(name, score, voices[voice]) for name, voice, score in rows]


# Each photo that lies somewhere and has a tag, with the strongest voice that says so.
_VOICES = """
  WITH decided AS (
    SELECT p.id AS photo, d.tag, d.has FROM tag_decision d JOIN photo p ON p.image_hash = d.picture
    UNION
    SELECT p.id, d.tag, d.has FROM tag_decision d JOIN photo p ON p.content_hash = d.picture),
  said AS (
    SELECT photo, tag, 0 AS voice FROM decided WHERE has
    UNION ALL
    SELECT o.photo, k.tag, 1 FROM told_keyword k JOIN told_of o ON o.told = k.told
    UNION ALL
    SELECT photo, tag, 2 FROM tag_found WHERE pack = (SELECT id FROM pack WHERE key = ?)),
  voices AS (
    SELECT photo, tag, min(voice) AS voice FROM said
    WHERE NOT EXISTS (SELECT 1 FROM decided d
        WHERE d.photo = said.photo AND d.tag = said.tag AND NOT d.has)
      AND EXISTS (SELECT 1 FROM location l WHERE l.photo = said.photo AND l.gone IS NULL)
    GROUP BY photo, tag)"""


def counts(db: Database, pack_key: str | None) -> list[TagCount]:
    """Every tag that is on a photo, the most frequent first."""
    rows = db.execute(
        f"""{_VOICES}
            SELECT t.name, count(*), sum(voice = 0), sum(voice = 1), sum(voice = 2)
            FROM voices v JOIN tag t ON t.id = v.tag GROUP BY t.id ORDER BY count(*) DESC, t.key""",
        (pack_key,),
    ).fetchall()
    return [TagCount(*row) for row in rows]


def photos_with(db: Database, name: str, pack_key: str | None) -> NDArray[np.int64]:
    """Sorted ids of the photos that have a tag, by whatever voice."""
    tag = find(db, name)
    if tag is None:
        return np.empty(0, np.int64)
    removed = _ids(db, _DECIDED_PHOTOS, (tag, 0))
    said = (
        _ids(db, _DECIDED_PHOTOS, (tag, 1)),
        _ids(db, _KEYWORD_PHOTOS, (tag,)),
        _ids(db, _FOUND_PHOTOS, (tag, pack_key)),
    )
    return np.setdiff1d(np.concatenate(said), removed)


_DECIDED_PHOTOS = """
  SELECT p.id FROM tag_decision d JOIN photo p ON p.image_hash = d.picture
    WHERE d.tag = ?1 AND d.has = ?2
  UNION
  SELECT p.id FROM tag_decision d JOIN photo p ON p.content_hash = d.picture
    WHERE d.tag = ?1 AND d.has = ?2"""

_KEYWORD_PHOTOS = """
  SELECT o.photo FROM told_keyword k JOIN told_of o ON o.told = k.told WHERE k.tag = ?"""

_FOUND_PHOTOS = """
  SELECT photo FROM tag_found WHERE tag = ? AND pack = (SELECT id FROM pack WHERE key = ?)"""


def _ids(db: Database, sql: str, parameters: Sequence[object]) -> NDArray[np.int64]:
    rows = db.execute(sql, parameters).fetchall()
    return np.fromiter((row[0] for row in rows), np.int64, len(rows))


# What a pack found


def to_apply(db: Database, pack_key: str, vocabulary: bytes) -> NDArray[np.int64]:
    """Sorted ids of the pack's photos that were not held against this vocabulary yet."""
    return np.sort(
        _ids(
            db,
            """SELECT e.photo FROM embedding e JOIN pack p ON p.id = e.pack AND p.key = ?1
               WHERE NOT EXISTS (SELECT 1 FROM tag_applied a
                 WHERE a.pack = e.pack AND a.photo = e.photo AND a.vocabulary = ?2)""",
            (pack_key, vocabulary),
        )
    )


def keep_found(
    db: Database,
    pack_key: str,
    vocabulary: bytes,
    photos: Sequence[int],
    found: Iterable[tuple[int, int, float]],
) -> None:
    """Replace what the pack found in `photos` by `found`: (photo, tag's row, score)."""
    (pack,) = db.execute("SELECT id FROM pack WHERE key = ?", (pack_key,)).fetchone()
    for start in range(0, len(photos), 500):
        some = [int(photo) for photo in photos[start : start + 500]]
        db.execute(
            f"DELETE FROM tag_found WHERE pack = ? AND photo IN ({placeholders(len(some))})",
            (pack, *some),
        )
    db.executemany(
        "INSERT INTO tag_found (photo, pack, tag, score) VALUES (?, ?, ?, ?)",
        ((photo, pack, tag, score) for photo, tag, score in found),
    )
    db.executemany(
        "INSERT OR REPLACE INTO tag_applied (pack, photo, vocabulary) VALUES (?, ?, ?)",
        ((pack, int(photo), vocabulary) for photo in photos),
    )


def forget_found(db: Database, pack_key: str) -> None:
    """Take away all that a pack found; what people and files said stays."""
    for table in ("tag_found", "tag_applied"):
        db.execute(
            f"DELETE FROM {table} WHERE pack = (SELECT id FROM pack WHERE key = ?)", (pack_key,)
        )


def applied(db: Database, pack_key: str) -> tuple[int, int]:
    """How many photos the pack's vocabulary was held against, and how many got a tag by it."""
    row = db.execute(
        """SELECT (SELECT count(*) FROM tag_applied WHERE pack = p.id),
                  (SELECT count(DISTINCT photo) FROM tag_found WHERE pack = p.id)
           FROM pack p WHERE p.key = ?""",
        (pack_key,),
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)
