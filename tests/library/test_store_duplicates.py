"""What the store keeps of copies: decisions about pairs, and the step to the schema for them."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from albumen.library.home import Home
from albumen.library.records import Decoded, LibraryError, Metadata, Root, Seen
from albumen.library.store import Store, locations, pair_decisions, photos, tags
from albumen.library.store.connection import connect
from albumen.library.store.migrations import MIGRATIONS, migrate, version
from albumen.library.store.pair_decisions import PairDecision

NOTHING = np.zeros((1, 1, 3), np.uint8)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "photos").mkdir()
    return Store.open(Home(tmp_path / "home"), create=True)


@pytest.fixture
def root(store: Store, tmp_path: Path) -> Root:
    return store.add_root(tmp_path / "photos")


def add_photo(store: Store, root: Root, content: bytes, image: bytes | None = None) -> int:
    content = content.ljust(32, b".")
    with store.db.transaction():
        id, _ = photos.identify(store.db, content, 100)
        locations.save(store.db, Seen(root, content[:4], 100, 5, 6), id)
        decoded = Decoded(content, image, "JPEG", 40, 30, Metadata(), NOTHING)
        photos.save_decoded(store.db, id, decoded)
    return id


def decide(store: Store, one: int, other: int, verdict: str = "not-duplicates") -> None:
    pair_decisions.decide(store.db, pair_decisions.key_of(store.db, one, other), verdict)


def test_a_decision_holds_whichever_photo_is_named_first(store: Store, root: Root) -> None:
    one, other = add_photo(store, root, b"b"), add_photo(store, root, b"a")
    decide(store, one, other)
    decide(store, other, one, "keep-both")
    assert pair_decisions.of_photos(store.db) == {(one, other): "keep-both"}


def test_a_decision_outlives_a_rating_written_into_the_file(store: Store, root: Root) -> None:
    one, other = add_photo(store, root, b"a", b"A" * 32), add_photo(store, root, b"b", b"B" * 32)
    decide(store, one, other)
    rated = add_photo(store, root, b"a with a rating", b"A" * 32)
    assert pair_decisions.of_photos(store.db)[other, rated] == "not-duplicates"


def test_two_files_of_one_picture_are_decided_by_their_bytes(store: Store, root: Root) -> None:
    one, other = add_photo(store, root, b"a", b"A" * 32), add_photo(store, root, b"b", b"A" * 32)
    decide(store, one, other, "keep-both")
    assert pair_decisions.of_photos(store.db) == {(one, other): "keep-both"}


def test_nothing_can_be_decided_of_one_photo(store: Store, root: Root) -> None:
    photo = add_photo(store, root, b"a")
    with pytest.raises(LibraryError, match="the same photo"):
        pair_decisions.key_of(store.db, photo, photo)


def test_decisions_come_back_into_a_library_that_has_no_photo_yet(
    store: Store, root: Root, tmp_path: Path
) -> None:
    decide(store, add_photo(store, root, b"a"), add_photo(store, root, b"b"))
    exported = list(pair_decisions.all_decisions(store.db))
    with Store.open(Home(tmp_path / "new"), create=True) as fresh:
        (tmp_path / "elsewhere").mkdir()
        other_root = fresh.add_root(tmp_path / "elsewhere")
        assert pair_decisions.restore(fresh.db, exported) == 1
        pair = add_photo(fresh, other_root, b"b"), add_photo(fresh, other_root, b"a")
        assert pair_decisions.of_photos(fresh.db) == {pair: "not-duplicates"}


def test_of_two_decisions_about_a_pair_the_later_counts(store: Store) -> None:
    one, other = b"1" * 32, b"2" * 32
    early = PairDecision(one, other, "keep-both", "2024-01-01T00:00:00Z")
    late = PairDecision(other, one, "not-duplicates", "2025-01-01T00:00:00Z")
    assert pair_decisions.restore(store.db, [late, early]) == 1
    assert [d.verdict for d in pair_decisions.all_decisions(store.db)] == ["not-duplicates"]


def test_a_library_of_version_3_opens_with_its_photos_and_tags(tmp_path: Path) -> None:
    home = Home(tmp_path / "older")
    home.make()
    script = (Path(__file__).parent / "versions/version-1.sql").read_text("utf-8")
    first = sqlite3.connect(home.db)
    first.executescript(script)
    first.close()
    db = connect(home.db, create=True)
    migrate(db, MIGRATIONS[:3])
    tags.decide(db, tags.picture_of(db, 1), "Rosie", has=True)
    db.close()
    with Store.open(home) as store:
        assert version(store.db) == len(MIGRATIONS)
        assert [tag.tag for tag in tags.of_photo(store.db, 1, "ab" * 16)] == ["Rosie"]
        decide(store, 1, 2)
        assert store.check() is None
    assert home.db.with_name("library.version-3.db").exists()
