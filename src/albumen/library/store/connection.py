"""How the library's SQLite file is opened, and how its errors read to a person."""

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from albumen.library.records import LibraryError

BUSY_SECONDS = 10.0
"""How long to wait for another program that holds the library before saying so."""

APPLICATION_ID = 0x416C626D
""""Albm": what `file library.db` shows, and how we know a file for ours."""


def now() -> str:
    """The time, for the record: UTC, ISO 8601, in seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def placeholders(count: int) -> str:
    """`?,?,?` for an IN clause."""
    return ",".join("?" * count)


class Cursor(sqlite3.Cursor):
    """A cursor whose errors are told as LibraryError; IntegrityError passes, it is the caller's."""

    def execute(self, sql: str, parameters: Any = ()) -> "Cursor":
        """As sqlite3's."""
        with _explained(self.connection):
            super().execute(sql, parameters)
        return self

    def executemany(self, sql: str, parameters: Iterable[Any]) -> "Cursor":
        """As sqlite3's."""
        with _explained(self.connection):
            super().executemany(sql, parameters)
        return self

    def fetchone(self) -> Any:
        """As sqlite3's."""
        with _explained(self.connection):
            return super().fetchone()

    def fetchall(self) -> list[Any]:
        """As sqlite3's."""
        with _explained(self.connection):
            return super().fetchall()


class Database(sqlite3.Connection):
    """One connection to `library.db`, for one thread."""

    path: Path

    def execute(self, sql: str, parameters: Any = ()) -> Cursor:
        """As sqlite3's, with errors explained."""
        return self.cursor(Cursor).execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any]) -> Cursor:
        """As sqlite3's, with errors explained."""
        return self.cursor(Cursor).executemany(sql, parameters)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. When it returns, the work is on the disk (synchronous=FULL)."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self.in_transaction:
                self.rollback()
            raise

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several reads of one moment, whatever other programs write meanwhile."""
        self.execute("BEGIN")
        try:
            yield
        finally:
            if self.in_transaction:
                self.rollback()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part of a transaction that may fail alone."""
        self.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self.in_transaction:  # a full disk ends the whole transaction by itself
                self.execute("ROLLBACK TO part")
                self.execute("RELEASE part")
            raise
        self.execute("RELEASE part")


def connect(path: Path, *, create: bool) -> Database:
    """Open the SQLite file at `path`. Raises LibraryError if it cannot be used.

    In WAL mode readers and the one writer do not wait for each other. `synchronous=FULL` costs one
    flush a commit, and we commit every second or two, so an acknowledged commit survives a power
    cut as well as a kill, at no price that could be measured (docs/library.md).
    """
    mode = "rwc" if create else "rw"
    db = _open(path, f"mode={mode}")
    try:
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA temp_store = MEMORY")  # else parts of it are written to /var/tmp
        if create:
            _write_ahead(db)
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except LibraryError as error:
        db.close()
        if create or not _frozen(path, error):
            raise
        return _open(path, "immutable=1")  # a read-only folder without a log: nobody can write
    return db


def _open(path: Path, how: str) -> Database:
    try:
        db = sqlite3.connect(
            f"{path.absolute().as_uri()}?{how}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            factory=Database,
        )
    except sqlite3.Error as error:
        raise explain(error, path) from error
    db.path = path
    return db


def _write_ahead(db: Database) -> None:
    """Set WAL mode; wait for others that do the same, as SQLite does not by itself here."""
    patience = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except LibraryError as error:
            busy = _code(error.__cause__) == sqlite3.SQLITE_BUSY
            if not busy or time.monotonic() > patience:
                raise
            time.sleep(0.01)
        else:
            return


def _frozen(path: Path, error: LibraryError) -> bool:
    """Whether the file is whole without its log, and only the folder forbids to open it."""
    log = path.with_name(path.name + "-wal")
    refused = _code(error.__cause__) in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
    return refused and path.is_file() and not (log.exists() and log.stat().st_size)


@contextmanager
def _explained(db: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.Error as error:
        raise explain(error, getattr(db, "path", Path("library.db"))) from error


def _code(error: BaseException | None) -> int:
    """SQLite's code of what went wrong; 0 for what is not SQLite's."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def explain(error: sqlite3.Error, path: Path) -> LibraryError:
    """What an SQLite error means for the person whose library it is, and what to do."""
    match _code(error):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            told = f"the library {path} is locked by another program; close it and try again"
        case sqlite3.SQLITE_FULL:
            told = (
                f"the disk that holds the library {path} is full; free some space and run again: "
                "all that was reported as committed is kept"
            )
        case sqlite3.SQLITE_READONLY:
            told = f"the library {path} cannot be written to; check the permissions of its folder"
        case sqlite3.SQLITE_CANTOPEN:
            told = f"the library {path} cannot be opened; check that it exists and is yours"
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            told = (
                f"the library {path} is damaged ({error}); put back a copy, or move it away and "
                "index again: your photos are untouched"
            )
        case sqlite3.SQLITE_IOERR:
            told = f"the disk that holds the library {path} reports an error ({error}); check it"
        case _:
            told = f"the library {path} cannot be used ({error})"
    return LibraryError(told)
