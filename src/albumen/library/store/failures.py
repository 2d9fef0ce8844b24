"""What stages could not do, and why: of a file that gave no content, or of a content."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from albumen.library.records import Failure, Stage, Status
from albumen.library.store.connection import Database, now, placeholders
from albumen.library.store.locations import full_path


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that a stage skipped or failed on. `at`: when it last did (UTC)."""

    path: Path
    stage: Stage
    status: Status
    reason: str
    at: str
    attempts: int


_KEEP = """
  INSERT INTO failure (location, photo, pack, stage, status, reason, lasting, at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET status = excluded.status, reason = excluded.reason,
    lasting = excluded.lasting, at = excluded.at, attempts = attempts + 1"""


def keep_of_location(db: Database, location: int, failure: Failure) -> None:
    """Note why a file gave no content."""
    db.execute(
        _KEEP,
        (
            location,
            None,
            None,
            failure.stage,
            failure.status,
            failure.reason,
            failure.lasting,
            now(),
        ),
    )


def keep_of_photo(db: Database, photo: int, failure: Failure, pack: int | None) -> None:
    """Note what a content did not give; `pack` if it was the pack's part."""
    db.execute(
        _KEEP,
        (None, photo, pack, failure.stage, failure.status, failure.reason, failure.lasting, now()),
    )


def clear_location(db: Database, location: int) -> None:
    """The file can be read now."""
    db.execute("DELETE FROM failure WHERE location = ?", (location,))


def clear_photo(db: Database, photo: int, stages: Sequence[Stage], pack: int | None = None) -> None:
    """These stages succeeded for this content."""
    db.execute(
        f"DELETE FROM failure WHERE photo = ? AND pack IS ? AND stage IN"
        f" ({placeholders(len(stages))})",
        (photo, pack, *stages),
    )


def of_photo(db: Database, photo: int) -> tuple[Failure, ...]:
    """What this content did not give."""
    rows = db.execute(
        "SELECT stage, status, reason, lasting FROM failure WHERE photo = ? ORDER BY id", (photo,)
    ).fetchall()
    return tuple(
        Failure(stage, status, reason, bool(lasting)) for stage, status, reason, lasting in rows
    )


def problems(db: Database) -> Iterator[Problem]:
    """Every failure of every file that is present, by path."""
    columns = "r.path, l.relative, f.stage, f.status, f.reason, f.at, f.attempts"
    rows = db.execute(
        f"""SELECT {columns} FROM failure f JOIN location l ON l.id = f.location
              JOIN root r ON r.id = l.root WHERE l.gone IS NULL
            UNION ALL
            SELECT {columns} FROM failure f JOIN location l ON l.photo = f.photo
              JOIN root r ON r.id = l.root WHERE l.gone IS NULL
            ORDER BY 1, 2, 3"""
    )
    for root, relative, *rest in rows:
        yield Problem(full_path(root, relative), *rest)
