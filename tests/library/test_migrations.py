"""The library's schema in steps: each keeps everything, a copy, and other programs in mind."""

import resource
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from albumen.library.home import Home
from albumen.library.records import LibraryError
from albumen.library.store import Store, connection, migrations


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store.open(Home(tmp_path / "home"), create=True)
    made.set_setting("a", "b")
    return made


def add_column(db: connection.Database) -> None:
    db.execute("ALTER TABLE photo ADD COLUMN rating INTEGER")


def break_off(db: connection.Database) -> None:
    db.execute("DROP TABLE setting")
    raise KeyboardInterrupt


def test_a_step_forward_keeps_everything_and_a_copy(store: Store) -> None:
    first = migrations.version(store.db)
    migrations.migrate(store.db, (*migrations.MIGRATIONS, add_column))
    assert migrations.version(store.db) == first + 1
    assert store.setting("a") == "b"
    copy = store.home.db.with_name(f"library.version-{first}.db")
    kept = sqlite3.connect(copy)
    assert kept.execute("SELECT value FROM setting WHERE key = 'a'").fetchone() == ("b",)
    assert kept.execute("PRAGMA user_version").fetchone() == (first,)


def test_a_disk_too_full_for_the_copy_changes_nothing(store: Store) -> None:
    first, before = migrations.version(store.db), sorted(store.home.path.iterdir())
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, most[1]))
    try:
        with pytest.raises(LibraryError, match="disk"):
            migrations.migrate(store.db, (*migrations.MIGRATIONS, add_column))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    assert migrations.version(store.db) == first
    assert sorted(store.home.path.iterdir()) == before


def test_a_step_that_breaks_off_changes_nothing(store: Store) -> None:
    first = migrations.version(store.db)
    with pytest.raises(KeyboardInterrupt):
        migrations.migrate(store.db, (*migrations.MIGRATIONS, add_column, break_off))
    assert migrations.version(store.db) == first
    assert store.setting("a") == "b"


def test_a_newer_library_is_refused(store: Store) -> None:
    store.db.execute("PRAGMA user_version = 99")
    with pytest.raises(LibraryError, match="newer Albumen.*update"):
        Store.open(store.home)


def statements_of(db: connection.Database, steps: Sequence[migrations.Migration]) -> list[str]:
    """What `migrate` executes."""
    seen: list[str] = []
    db.set_trace_callback(seen.append)
    migrations.migrate(db, steps)
    return seen


@pytest.mark.parametrize(
    ("before", "after"),
    [((), migrations.MIGRATIONS), (migrations.MIGRATIONS, (*migrations.MIGRATIONS, add_column))],
    ids=["made", "updated"],
)
def test_another_program_may_be_quicker_at_any_moment(
    tmp_path: Path, before: Sequence[migrations.Migration], after: Sequence[migrations.Migration]
) -> None:
    def fresh(name: str) -> connection.Database:
        db = connection.connect(tmp_path / f"{name}.db", create=True)
        if before:
            migrations.migrate(db, before)
        return db

    with closing(fresh("alone")) as db:
        alone = statements_of(db, after)
    moments = alone.index("BEGIN IMMEDIATE") + 1  # afterwards it has to wait
    assert moments > 4
    for moment in range(moments):
        with closing(fresh(f"both-{moment}")) as db:
            left = [moment]

            def overtake(sql: str, db: connection.Database = db, left: list[int] = left) -> None:
                left[0] -= 1
                if left[0] == -1:
                    with closing(connection.connect(db.path, create=True)) as other:
                        migrations.migrate(other, after)

            db.set_trace_callback(overtake)
            migrations.migrate(db, after)
            assert left[0] < 0
            assert migrations.version(db) == len(after)
            if before:
                copy = db.path.with_name(f"{db.path.stem}.version-{len(before)}.db")
                with closing(sqlite3.connect(copy)) as kept:
                    assert kept.execute("PRAGMA user_version").fetchone() == (len(before),)


def test_making_waits_for_another_program_that_is_about_to_write(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    done = threading.Timer(0.3, other.rollback)
    done.start()
    connection.connect(path, create=True).close()
    done.join()
    other.close()


def test_two_programs_that_make_the_library_at_once_agree(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    gate = threading.Barrier(4)
    problems: list[Exception] = []

    def make() -> None:
        gate.wait()
        try:
            Store.open(home, create=True).close()
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
