"""The schema's versions: each a numbered step from the one before, with a copy kept first."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from importlib import resources
from pathlib import Path

from albumen.library.records import LibraryError
from albumen.library.store.connection import APPLICATION_ID, Database, connect
from albumen.whole_file import replacing

Migration = Callable[[Database], None]


def m001_first(db: Database) -> None:
    """Roots, photos, locations, packs, embeddings, failures, settings."""
    _run(db, "schema.sql")


def m002_tags(db: Database) -> None:
    """Tags, and what photos say of themselves in words."""
    _run(db, "tags.sql")


def m003_trash(db: Database) -> None:
    """The journal of what was moved to the trash."""
    _run(db, "trash.sql")


def m004_duplicates(db: Database) -> None:
    """What copies are found by, which photos are copies, and decisions about pairs."""
    _run(db, "duplicates.sql")


MIGRATIONS: tuple[Migration, ...] = (m001_first, m002_tags, m003_trash, m004_duplicates)


def _run(db: Database, script: str) -> None:
    """Execute an SQL file that lies beside this one."""
    text = resources.files(__package__).joinpath(script).read_text(encoding="utf-8")
    for statement in statements(text):
        db.execute(statement)


def statements(script: str) -> Iterator[str]:
    """The statements of an SQL script, one by one: `executescript` would end the transaction."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


def version(db: Database) -> int:
    """The schema's version; 0 for a file without one."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: Database, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Bring the library to the newest version, all steps in one transaction.

    Before a library with content is changed, a copy is kept beside it. Raises LibraryError for a
    library of a newer Albumen, and for an SQLite file that is none of ours.
    """
    newest = len(migrations)
    with db.snapshot():
        current = _version_of_ours(db, newest)
    if current == newest:
        return
    with db.transaction():
        current = _version_of_ours(db, newest)  # again: another program may have been quicker
        if 0 < current < newest:
            keep_copy(db.path, current)
        for number, step in enumerate(migrations[current:], start=current + 1):
            step(db)
            db.execute(f"PRAGMA user_version = {number}")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _version_of_ours(db: Database, newest: int) -> int:
    """The schema's version, once it is certain that the library is ours to change."""
    current = version(db)
    application = int(db.execute("PRAGMA application_id").fetchone()[0])
    tables = int(db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    if tables and application != APPLICATION_ID:
        raise LibraryError(f"{db.path} is an SQLite file, but not a library of Albumen")
    if current > newest:
        raise LibraryError(
            f"the library {db.path} was written by a newer Albumen (version {current} of its "
            f"schema, this one knows {newest}); update Albumen"
        )
    return current


def keep_copy(path: Path, current: int) -> Path:
    """Copy the whole library to `library.version-N.db` beside it, before it is changed.

    Read through a connection of its own, since SQLite copies nothing within a transaction: the
    caller's holds all others off meanwhile.
    """
    copy = path.with_name(f"{path.stem}.version-{current}.db")
    with replacing(copy) as empty, closing(connect(path, create=False)) as reader:
        reader.execute("VACUUM INTO ?", (empty.name,))
    return copy
