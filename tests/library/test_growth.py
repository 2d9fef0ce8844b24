"""What a run and a search cost grows with the number of photos, and not faster.

Counted in SQLite's own steps and in its plans, not in seconds: `bench/` times it.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from bench.search import fill
from tests.library.albums import album, index

from albumen.library.home import Home
from albumen.library.store import Store, connection
from albumen.packs import open_pack
from albumen.search import Query, run
from albumen.search.query import parse_day

EVERY = 20  # steps of SQLite's machine between two counts


class Watched:
    """The statements that SQLite was given on all connections, and its machine's steps."""

    def __init__(self) -> None:
        self.steps = 0
        self.statements: list[str] = []

    def count(self) -> int:
        self.steps += EVERY
        return 0

    def taken(self, work: Callable[[], object]) -> int:
        """The steps that a piece of work takes."""
        before = self.steps
        work()
        return self.steps - before


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    watch, real = Watched(), connection._open

    def opened(path: Path, how: str) -> connection.Database:
        db = real(path, how)
        db.set_progress_handler(watch.count, EVERY)
        db.set_trace_callback(watch.statements.append)
        return db

    monkeypatch.setattr(connection, "_open", opened)
    return watch


def costs(watched: Watched, tmp_path: Path) -> list[tuple[int, int]]:
    """Steps of a first and of a second run, for 60, 120 and 240 photos in one folder each."""
    found = []
    for count in (60, 120, 240):
        home, folder = Home(tmp_path / f"home-{count}"), album(tmp_path / str(count), count)
        first = watched.taken(lambda home=home, folder=folder: index(home, folder))
        again = watched.taken(lambda home=home, folder=folder: index(home, folder))
        found.append((first, again))
    return found


def test_twice_as_many_photos_cost_a_run_no_more_than_twice_as_much(
    watched: Watched, tmp_path: Path
) -> None:
    small, middle, large = np.array(costs(watched, tmp_path))
    assert small.min() > 0
    # What opening a library costs is the same for all, and falls out of the differences.
    assert ((large - middle) <= 1.15 * 2 * (middle - small)).all()


# The tables that grow with photos, by their names and by those that statements give them.
WHOLE = re.compile(r"SCAN (main\.)?(photo|location|embedding|failure|[plef])\b")


def test_no_statement_of_a_second_run_or_a_search_goes_through_a_whole_table(
    watched: Watched, tmp_path: Path, tiny_pack: Path
) -> None:
    home, folder = Home(tmp_path / "home"), album(tmp_path / "photos", 30)
    pack = open_pack(tiny_pack)
    index(home, folder, pack=pack)
    (folder / "photo-00001.jpg").rename(folder / "renamed.jpg")
    watched.statements.clear()
    index(home, folder, pack=pack)
    with Store.open(home) as store:
        day = parse_day("2020")
        run(store, home, pack, Query(text=("red",), after=day, under=folder, limit=5))
        run(store, home, pack, Query(text=("red",), limit=5))
    changing = ("SELECT", "UPDATE", "DELETE")
    asked = {text for text in watched.statements if text.startswith(changing)}
    assert any("FROM location" in text for text in asked)
    with sqlite3.connect(home.db) as db:
        plans = {
            step[3]: text
            for text in asked
            for step in db.execute(f"EXPLAIN QUERY PLAN {text}").fetchall()
        }
    db.close()
    whole = {step: text[:200] for step, text in plans.items() if WHOLE.search(step)}
    assert whole == {}


def test_ten_times_as_many_vectors_cost_a_search_no_more_statements(
    watched: Watched, tmp_path: Path, tiny_pack: Path
) -> None:
    pack, steps = open_pack(tiny_pack), []
    for count in (3000, 30_000):
        home = Home(tmp_path / str(count))
        fill(home, tmp_path, pack, count)
        with Store.open(home) as store:
            run(store, home, pack, Query(text=("red",), limit=5))  # makes the matrix
            before = watched.steps
            run(store, home, pack, Query(text=("red",), limit=5))
            steps.append(watched.steps - before)
    assert steps[1] <= steps[0] + 10 * EVERY
