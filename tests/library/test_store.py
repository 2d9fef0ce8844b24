"""The store: records go in and come out, and what goes wrong with the file is told."""

import os
import sqlite3
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from albumen.library.home import Home
from albumen.library.records import Decoded, Failure, LibraryError, Metadata, Root, Seen
from albumen.library.store import (
    Store,
    connection,
    embeddings,
    failures,
    locations,
    photos,
    roots,
)

PACK = SimpleNamespace(id="ab" * 16, name="test", dim=4)
NOTHING = np.zeros((1, 1, 3), np.uint8)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(Home(tmp_path / "home"), create=True)


@pytest.fixture
def root(store: Store, tmp_path: Path) -> Root:
    folder = tmp_path / "photos"
    folder.mkdir()
    return store.add_root(folder)


def add_photo(
    store: Store, root: Root, name: bytes, *, content: bytes | None = None, taken: str | None = None
) -> int:
    """A decoded photo, as a run would write it."""
    hash = (content or name).ljust(32, b".")
    with store.db.transaction():
        id, _ = photos.identify(store.db, hash, 100)
        locations.save(store.db, Seen(root, name, 100, 5, 6), id)
        metadata = Metadata(taken=taken, taken_source="exif" if taken else None)
        photos.save_decoded(store.db, id, Decoded(hash, None, "JPEG", 40, 30, metadata, NOTHING))
    return id


def test_a_photo_comes_out_as_it_went_in(store: Store, root: Root) -> None:
    metadata = Metadata("2024-05-01T10:20:30", "exif", "+02:00", 48.1, -11.5, "Canon EOS", 6)
    decoded = Decoded(b"c" * 32, b"i" * 32, "HEIF", 4000, 3000, metadata, NOTHING)
    with store.db.transaction():
        id, is_new = photos.identify(store.db, b"c" * 32, 123)
        photos.save_decoded(store.db, id, decoded)
    photo = store.photo(id)
    assert is_new
    assert photo == store.photo_by_content(b"c" * 32)
    assert photo is not None
    assert photo.metadata == metadata
    assert (photo.bytes, photo.width, photo.height, photo.format) == (123, 4000, 3000, "HEIF")
    assert (photo.image_hash, photo.status) == (b"i" * 32, "decoded")


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=1, max_size=40).filter(lambda name: not set(name) & {0, 0x2F}))
def test_any_name_a_file_can_have_comes_back(
    tmp_path_factory: pytest.TempPathFactory, name: bytes
) -> None:
    folder = tmp_path_factory.mktemp("names")
    with Store.open(Home(folder / "home"), create=True) as store:
        root = store.add_root(folder)
        id = add_photo(store, root, name, content=b"x")
        [path] = store.paths([id])[id]
        assert os.fsencode(path) == os.fsencode(folder) + b"/" + name or name in (b".", b"..")


def test_days_are_included_at_both_ends_and_undated_photos_match_no_day(
    store: Store, root: Root
) -> None:
    may = add_photo(store, root, b"may", taken="2024-05-01T23:59:59")
    june = add_photo(store, root, b"june", taken="2024-06-01T00:00:00")
    undated = add_photo(store, root, b"undated")
    assert store.candidates().tolist() == [may, june, undated]
    assert store.candidates(before=date(2024, 5, 1)).tolist() == [may]
    assert store.candidates(after=date(2024, 5, 2)).tolist() == [june]
    assert store.candidates(after=date(2024, 5, 1), before=date(2024, 6, 1)).tolist() == [may, june]


def test_under_takes_a_folder_above_at_or_below_a_root(store: Store, root: Root) -> None:
    inner = add_photo(store, root, b"trips/rome/a.jpg")
    similar = add_photo(store, root, b"trips/rome2/b.jpg")
    assert store.candidates(under=root.path / "trips" / "rome").tolist() == [inner]
    assert store.candidates(under=root.path / "trips").tolist() == [inner, similar]
    assert store.candidates(under=root.path.parent).tolist() == [inner, similar]
    assert store.candidates(under=root.path / "trips/rome/a.jpg").tolist() == [inner]
    assert store.candidates(under=root.path.parent / "elsewhere").tolist() == []


def test_a_folder_reached_through_a_link_is_the_same_folder(
    store: Store, root: Root, tmp_path: Path
) -> None:
    photo = add_photo(store, root, b"a.jpg")
    (tmp_path / "link").symlink_to(root.path)
    assert store.candidates(under=tmp_path / "link").tolist() == [photo]
    assert store.add_root(tmp_path / "link") == root


def test_a_photo_that_lies_nowhere_is_no_candidate_but_stays(store: Store, root: Root) -> None:
    photo = add_photo(store, root, b"a.jpg")
    with store.db.transaction():
        locations.set_gone(store.db, [1])
    assert store.candidates().size == 0
    assert store.paths([photo]) == {}
    assert store.photo(photo) is not None


def test_the_place_seen_first_comes_first(store: Store, root: Root) -> None:
    photo = add_photo(store, root, b"z.jpg", content=b"same")
    assert add_photo(store, root, b"a.jpg", content=b"same") == photo
    assert store.paths([photo]) == {photo: [root.path / "z.jpg", root.path / "a.jpg"]}
    assert store.photo_by_path(root.path / "a.jpg") == store.photo(photo)


def test_vectors_stream_in_row_order_and_can_be_taken_up_later(
    store: Store, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "CHUNK", 3)
    ids = [add_photo(store, root, b"%d" % n) for n in range(8)]
    vectors = np.arange(32, dtype=np.float16).reshape(8, 4)
    with store.db.transaction():
        pack = embeddings.pack_row(store.db, PACK)
        for id, vector in zip(reversed(ids), vectors, strict=True):
            assert embeddings.add(store.db, pack, id, vector)
        assert not embeddings.add(store.db, pack, ids[0], vectors[0])
        embeddings.bump(store.db, pack)
    rows, photo_ids, matrix = map(np.concatenate, zip(*store.embeddings(PACK.id), strict=True))
    assert photo_ids.tolist() == ids[::-1]
    assert matrix.dtype == np.float16
    np.testing.assert_array_equal(matrix, vectors)
    [(later, _, _)] = store.embeddings(PACK.id, after_rowid=int(rows[5]))
    assert later.tolist() == rows[6:].tolist()
    assert store.embedding_count(PACK.id) == 8
    assert store.embedding_count(PACK.id, int(rows[5])) == 6
    np.testing.assert_array_equal(store.embedding(ids[7], PACK.id), vectors[0])
    assert store.embedding(ids[7], "another pack") is None
    assert (store.generation(PACK.id), store.generation("another pack")) == (1, 0)


def test_streaming_vectors_never_sorts(store: Store) -> None:
    plan = store.db.execute(
        "EXPLAIN QUERY PLAN SELECT id, photo, vector FROM embedding NOT INDEXED"
        " WHERE pack = 1 AND id > 1 ORDER BY id LIMIT 1"
    ).fetchall()
    assert "TEMP B-TREE" not in str(plan)


def test_a_failure_counts_its_attempts_and_is_told_for_each_place(store: Store, root: Root) -> None:
    photo = add_photo(store, root, b"a", content=b"same")
    add_photo(store, root, b"b", content=b"same")
    with store.db.transaction():
        for reason in ("first", "second"):
            failures.keep_of_photo(store.db, photo, Failure("metadata", "failed", reason), None)
    told = [(problem.path.name, problem.reason, problem.attempts) for problem in store.problems()]
    assert told == [("a", "second", 2), ("b", "second", 2)]
    assert store.failures(photo) == (Failure("metadata", "failed", "second"),)
    assert store.stats().failures == {"metadata": 2}


def test_figures_count_each_content_once(store: Store, root: Root) -> None:
    photo = add_photo(store, root, b"a", content=b"same", taken="2024-05-01T10:00:00")
    add_photo(store, root, b"b", content=b"same")
    with store.db.transaction():
        pack = embeddings.pack_row(store.db, PACK)
        embeddings.add(store.db, pack, photo, np.ones(4, np.float16))
    stats = store.stats()
    assert (stats.roots, stats.photos, stats.locations, stats.bytes) == (1, 1, 2, 100)
    assert stats.embeddings == {"test": 1}
    assert stats.first_taken == stats.last_taken == "2024-05-01T10:00:00"
    assert stats.library_bytes > 0


def test_nothing_of_it_is_written_elsewhere_for_a_while(store: Store) -> None:
    assert store.db.execute("PRAGMA temp_store").fetchone()[0] == 2  # in memory, not in /var/tmp


def test_settings_are_kept(store: Store) -> None:
    assert store.setting("pack") is None
    store.set_setting("pack", "one")
    store.set_setting("pack", "two")
    assert Store.open(store.home).setting("pack") == "two"


def test_a_root_around_another_takes_it_in(store: Store, root: Root) -> None:
    photo = add_photo(store, root, b"a\xff.jpg")
    outer = store.add_root(root.path.parent)
    assert store.roots() == [outer]
    assert store.paths([photo]) == {photo: [root.path / os.fsdecode(b"a\xff.jpg")]}


def test_a_folder_in_a_root_is_part_of_it(store: Store, root: Root) -> None:
    (root.path / "sub").mkdir()
    assert roots.claim(store.db, root.path / "sub") == roots.Claim(root, b"sub", "known")


def test_readers_go_on_while_a_transaction_is_open(store: Store, root: Root) -> None:
    add_photo(store, root, b"a")
    with store.db.transaction():
        photos.identify(store.db, b"b" * 32, 1)
        with Store.open(store.home) as other:
            assert other.stats().photos == 1


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    def break_off() -> None:
        with store.db.transaction():
            photos.identify(store.db, b"b" * 32, 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert store.photo_by_content(b"b" * 32) is None


# The file itself


def test_without_a_library_one_is_told_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="albumen index FOLDER"):
        Store.open(Home(tmp_path / "none"))


def test_a_library_locked_by_another_program_is_named(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.2)
    foreign = sqlite3.connect(store.home.db, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    with Store.open(store.home) as mine, pytest.raises(LibraryError, match="locked by another"):
        mine.set_setting("a", "b")
    foreign.execute("ROLLBACK")


@pytest.mark.parametrize("text", [b"", b"not a library at all, but long enough to be one"])
def test_a_file_that_is_no_library_is_named_and_what_to_do(store: Store, text: bytes) -> None:
    store.close()
    data = store.home.db.read_bytes()
    store.home.db.write_bytes(text * 100 + os.urandom(4096) + data[4096:])
    with pytest.raises(LibraryError, match=r"library\.db is damaged.*index again"):
        Store.open(store.home)


def test_damage_within_the_library_is_found(store: Store) -> None:
    add_many(store)
    store.close()
    data = bytearray(store.home.db.read_bytes())
    data[len(data) // 2 : -4096] = os.urandom(len(data) - len(data) // 2 - 4096)
    store.home.db.write_bytes(data)
    with Store.open(store.home) as opened:
        assert opened.check() is not None
        with pytest.raises(LibraryError, match=r"library\.db is damaged.*index again"):
            opened.stats()


def test_a_sound_library_passes_the_check(store: Store, root: Root) -> None:
    add_photo(store, root, b"a")
    assert store.check() is None


def test_another_sqlite_file_is_not_touched(tmp_path: Path) -> None:
    home = Home(tmp_path)
    foreign = sqlite3.connect(home.db)
    foreign.execute("CREATE TABLE mine (a)")
    foreign.close()
    before = home.db.read_bytes()
    with pytest.raises(LibraryError, match="not a library of Albumen"):
        Store.open(home, create=True)
    assert home.db.read_bytes()[100:] == before[100:]  # WAL mode is noted in the header


def test_a_full_disk_ends_the_transaction_and_keeps_what_was_committed(
    store: Store, root: Root
) -> None:
    add_photo(store, root, b"kept")
    pages = store.db.execute("PRAGMA page_count").fetchone()[0]
    store.db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(LibraryError, match="is full.*is kept"):
        add_many(store)
    assert store.stats().photos == 1
    assert store.check() is None


def add_many(store: Store) -> None:
    with store.db.transaction():
        for n in range(10_000):
            photos.identify(store.db, b"%032d" % n, 1)
