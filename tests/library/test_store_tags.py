"""Tags in the store: whose word counts, what decisions hang on, and which photos have a tag."""

import sqlite3
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from albumen.library.home import Home
from albumen.library.records import Decoded, Metadata, Root, Seen
from albumen.library.store import Store, embeddings, locations, photos, tags
from albumen.library.store.migrations import MIGRATIONS, version

PACK = SimpleNamespace(id="ab" * 16, name="test", dim=4)
NOTHING = np.zeros((1, 1, 3), np.uint8)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "photos").mkdir()
    return Store.open(Home(tmp_path / "home"), create=True)


@pytest.fixture
def root(store: Store, tmp_path: Path) -> Root:
    return store.add_root(tmp_path / "photos")


def add_photo(store: Store, root: Root, name: bytes, image: bytes | None = None) -> int:
    """A decoded photo with a vector, as a run would write it."""
    content = name.ljust(32, b".")
    with store.db.transaction():
        id, _ = photos.identify(store.db, content, 100)
        locations.save(store.db, Seen(root, name, 100, 5, 6), id)
        photos.save_decoded(
            store.db, id, Decoded(content, image, "JPEG", 40, 30, Metadata(), NOTHING)
        )
        pack = embeddings.pack_row(store.db, PACK)
        embeddings.add(store.db, pack, id, np.full(4, 0.5, np.float16))
    return id


def decide(store: Store, photo: int, name: str, has: bool = True) -> None:
    tags.decide(store.db, tags.picture_of(store.db, photo), name, has=has)


def find(store: Store, photo: int, name: str, score: float = 0.9) -> None:
    """As if the pack had found the tag, and no other."""
    row = tags.tag_row(store.db, name)
    tags.keep_found(store.db, PACK.id, b"v", [photo], [(photo, row, score)])


def shown(store: Store, photo: int) -> dict[str, str]:
    return {tag.tag: tag.by for tag in tags.of_photo(store.db, photo, PACK.id)}


def test_a_decision_is_shared_by_files_of_one_picture(store: Store, root: Root) -> None:
    photo = add_photo(store, root, b"a.jpg", image=b"i" * 32)
    decide(store, photo, "Rosie")
    rated = add_photo(store, root, b"a rating was written.jpg", image=b"i" * 32)
    assert shown(store, rated) == {"Rosie": "hand"}
    assert tags.photos_with(store.db, "rosie", None).tolist() == [photo, rated]


def test_a_picture_without_image_hash_keeps_decisions_by_its_content(
    store: Store, root: Root
) -> None:
    photo = add_photo(store, root, b"a.heic")
    decide(store, photo, "Rosie")
    with store.db.transaction():
        store.db.execute("UPDATE photo SET image_hash = ?", (b"i" * 32,))  # a later version has one
    assert shown(store, photo) == {"Rosie": "hand"}


def test_a_hand_wins_over_what_was_found(store: Store, root: Root) -> None:
    dog, cat = (add_photo(store, root, name) for name in (b"dog.jpg", b"cat.jpg"))
    find(store, dog, "dog")
    find(store, cat, "dog")
    decide(store, cat, "dog", has=False)
    decide(store, dog, "DOG")
    assert shown(store, dog) == {"dog": "hand"}
    assert shown(store, cat) == {}
    assert tags.photos_with(store.db, "dog", PACK.id).tolist() == [dog]
    find(store, cat, "dog")  # applied once more
    assert shown(store, cat) == {}


def test_the_last_word_of_a_person_counts(store: Store, root: Root) -> None:
    photo = add_photo(store, root, b"a.jpg")
    for has in (True, False, True):
        decide(store, photo, "dog", has)
    assert shown(store, photo) == {"dog": "hand"}
    [decision] = tags.decisions(store.db)
    assert (decision.tag, decision.has) == ("dog", True)


def test_what_another_pack_found_is_not_shown(store: Store, root: Root) -> None:
    photo = add_photo(store, root, b"a.jpg")
    find(store, photo, "dog")
    assert tags.of_photo(store.db, photo, "cd" * 16) == []
    assert tags.photos_with(store.db, "dog", "cd" * 16).size == 0


def test_tags_are_counted_on_photos_that_lie_somewhere(store: Store, root: Root) -> None:
    here, gone, refused = (add_photo(store, root, name) for name in (b"a", b"b", b"c"))
    for photo in (here, gone, refused):
        find(store, photo, "dog")
    decide(store, here, "Rosie")
    decide(store, refused, "dog", has=False)
    with store.db.transaction():
        locations.set_gone(store.db, [gone])
    counted = {c.tag: (c.photos, c.by_hand, c.by_model) for c in tags.counts(store.db, PACK.id)}
    assert counted == {"dog": (1, 0, 1), "Rosie": (1, 1, 0)}


def test_a_photo_is_applied_to_once_a_vocabulary(store: Store, root: Root) -> None:
    photo = add_photo(store, root, b"a.jpg")
    assert tags.to_apply(store.db, PACK.id, b"v").tolist() == [photo]
    find(store, photo, "dog")
    assert tags.to_apply(store.db, PACK.id, b"v").tolist() == []
    assert tags.to_apply(store.db, PACK.id, b"other").tolist() == [photo]
    assert tags.applied(store.db, PACK.id) == (1, 1)
    tags.forget_found(store.db, PACK.id)
    assert tags.applied(store.db, PACK.id) == (0, 0)


def test_spellings_of_one_tag_are_one(store: Store, root: Root) -> None:
    photo = add_photo(store, root, b"a.jpg")
    for spelling in ("Café", "CAFÉ", "cafe\u0301"):
        decide(store, photo, spelling)
    assert shown(store, photo) == {"Café": "hand"}


# The library of version 1


@pytest.fixture
def older(tmp_path: Path) -> Home:
    home = Home(tmp_path / "older")
    home.make()
    db = sqlite3.connect(home.db)
    db.executescript((Path(__file__).parent / "versions/version-1.sql").read_text("utf-8"))
    db.close()
    return home


def test_a_library_of_version_1_opens_with_all_it_held(older: Home) -> None:
    with Store.open(older) as store:
        assert version(store.db) == len(MIGRATIONS)
        assert [photo.id for photo in store.photos()] == [1, 2]
        assert store.embedding_count("ab" * 16) == 2
        assert store.setting("pack") == "test"
        decide(store, 1, "Rosie")
        assert shown(store, 1) == {"Rosie": "hand"}
        assert store.check() is None
    assert older.db.with_name("library.version-1.db").exists()
