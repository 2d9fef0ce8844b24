"""What a person decided of two pictures: that they are no duplicates, or that both are kept.

A decision hangs on the pictures (`tags.picture_of`), not on their files. Two files of one picture,
which differ in metadata alone, are told apart by their bytes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from albumen.library.records import LibraryError
from albumen.library.store.connection import Database, now

Verdict = Literal["not-duplicates", "keep-both"]


@dataclass(frozen=True, slots=True)
class PairDecision:
    """Two pictures (image hashes, else content hashes; the smaller first) and what was decided."""

    first: bytes
    second: bytes
    verdict: Verdict
    at: str


def key_of(db: Database, first: int, second: int) -> tuple[bytes, bytes]:
    """What a decision about two photos hangs on, in order. Raises LibraryError for one photo."""
    if first == second:
        raise LibraryError("both paths hold the same photo, byte for byte; name two that differ")
    rows = db.execute(
        "SELECT content_hash, ifnull(image_hash, content_hash) FROM photo WHERE id IN (?, ?)",
        (first, second),
    ).fetchall()
    contents, pictures = zip(*rows, strict=True)
    one, other = sorted(pictures if pictures[0] != pictures[1] else contents)
    return one, other


def decide(db: Database, key: tuple[bytes, bytes], verdict: Verdict, at: str | None = None) -> None:
    """Keep a decision; it takes the place of an earlier one about the same pictures."""
    db.execute(
        """INSERT INTO pair_decision (first, second, verdict, at) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET verdict = excluded.verdict, at = excluded.at""",
        (*key, verdict, at or now()),
    )


def all_decisions(db: Database) -> Iterator[PairDecision]:
    """Every decision, for export."""
    rows = db.execute("SELECT first, second, verdict, at FROM pair_decision ORDER BY first, second")
    yield from (PairDecision(*row) for row in rows)


def restore(db: Database, decisions: Iterable[PairDecision]) -> int:
    """Take up exported decisions, whether or not their photos are known yet.

    Of two about the same pictures the later counts. Returns how many changed something.
    """
    changed = 0
    for decision in decisions:
        one, other = sorted((decision.first, decision.second))
        cursor = db.execute(
            """INSERT INTO pair_decision (first, second, verdict, at) VALUES (?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET verdict = excluded.verdict, at = excluded.at
                 WHERE excluded.at > at""",
            (one, other, decision.verdict, decision.at),
        )
        changed += cursor.rowcount
    return changed


def of_photos(db: Database) -> dict[tuple[int, int], Verdict]:
    """The decisions about photos that the library knows, by the photos' ids, the smaller first.

    A picture in several files is decided for each of them.
    """
    rows = db.execute(
        """WITH photo_of (key, id) AS (
             SELECT image_hash, id FROM photo WHERE image_hash IN
               (SELECT first FROM pair_decision UNION SELECT second FROM pair_decision)
             UNION
             SELECT content_hash, id FROM photo WHERE content_hash IN
               (SELECT first FROM pair_decision UNION SELECT second FROM pair_decision))
           SELECT a.id, b.id, d.verdict FROM pair_decision d
             JOIN photo_of a ON a.key = d.first JOIN photo_of b ON b.key = d.second"""
    ).fetchall()
    return {(min(a, b), max(a, b)): verdict for a, b, verdict in rows if a != b}
