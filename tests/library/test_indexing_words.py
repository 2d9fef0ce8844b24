"""Words on their way into the library: inside photos, in sidecars, and in older libraries."""

import os
from pathlib import Path

import pytest
from tests.library.albums import counts, files_opened, index, jpeg, problems
from tests.library.worded import BOMB, keywords, with_xmp, xmp

from albumen.library.home import Home
from albumen.library.store import Store, tags, told


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(with_xmp(jpeg(1), xmp(keywords("Rosie"))))
    (folder / "b.jpg").write_bytes(jpeg(2))
    return folder


def shown(home: Home, path: Path) -> set[str]:
    with Store.open(home) as store:
        photo = store.photo_by_path(path)
        assert photo is not None
        return {tag.tag for tag in tags.of_photo(store.db, photo.id, None)}


def test_keywords_of_a_file_are_its_tags(home: Home, photos: Path) -> None:
    index(home, photos)
    assert shown(home, photos / "a.jpg") == {"Rosie"}
    with Store.open(home) as store:
        assert [(c.tag, c.by_file) for c in tags.counts(store.db, None)] == [("Rosie", 1)]


@pytest.mark.parametrize("name", ["b.jpg.xmp", "b.xmp", "B.JPG.XMP".replace("B.JPG", "b.jpg")])
def test_a_sidecar_speaks_of_the_photo_beside_it(home: Home, photos: Path, name: str) -> None:
    (photos / name).write_bytes(xmp(keywords("beach")))
    (photos / "b.c.jpg").write_bytes(jpeg(3))
    assert counts(index(home, photos)) == {"indexed": 3}
    assert shown(home, photos / "b.jpg") == {"beach"}
    assert shown(home, photos / "b.c.jpg") == set()
    assert problems(home) == {}


def test_a_sidecar_is_read_again_only_when_it_changed(home: Home, photos: Path) -> None:
    sidecar = photos / "b.xmp"
    sidecar.write_bytes(xmp(keywords("beach")))
    index(home, photos)
    with files_opened(photos) as opened:
        assert index(home, photos).sidecars == 1
    assert opened == []
    sidecar.write_bytes(xmp(keywords("the sea")))
    index(home, photos)
    assert shown(home, photos / "b.jpg") == {"the sea"}
    sidecar.unlink()
    index(home, photos)
    assert shown(home, photos / "b.jpg") == set()


def test_a_photo_that_leaves_its_sidecar_loses_its_words(home: Home, photos: Path) -> None:
    (photos / "b.xmp").write_bytes(xmp(keywords("beach")))
    index(home, photos)
    (photos / "b.jpg").rename(photos / "moved.jpg")
    index(home, photos)
    assert shown(home, photos / "moved.jpg") == set()


def test_a_folder_that_was_taken_into_another_keeps_its_sidecars(home: Home, photos: Path) -> None:
    (photos / "b.xmp").write_bytes(xmp(keywords("beach")))
    index(home, photos)
    index(home, photos.parent, exclude=["home/"])
    assert shown(home, photos / "b.jpg") == {"beach"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (BOMB.encode(), "it declares entities"),
        (b"<x:xmpmeta", "no well-formed XML"),
        (b"", "empty"),
    ],
)
def test_a_bad_sidecar_is_named_and_costs_no_photo(
    home: Home, photos: Path, content: bytes, reason: str
) -> None:
    (photos / "b.xmp").write_bytes(content)
    assert counts(index(home, photos)) == {"indexed": 2, "failed": 1}
    stage, status, told = problems(home)["b.xmp"]
    assert (status, reason in told) == ("failed", True)
    assert counts(index(home, photos)) == {"unchanged": 2, "failed": 1}
    (photos / "b.xmp").write_bytes(xmp(keywords("beach")))
    index(home, photos)
    assert problems(home) == {}
    assert shown(home, photos / "b.jpg") == {"beach"}


@pytest.mark.parametrize("sidecar_first", [True, False])
def test_a_sidecars_date_serves_a_photo_without_one(
    home: Home, photos: Path, sidecar_first: bool
) -> None:
    date = "<exif:DateTimeOriginal>1985-06-17T10:30:00</exif:DateTimeOriginal>"
    (photos / "b.jpg").unlink()
    (photos / "z.jpg").write_bytes(jpeg(5, taken="2001:02:03 04:05:06"))
    steps = [("b.xmp", xmp(date)), ("b.jpg", jpeg(2)), ("z.xmp", xmp(date))]
    for name, content in steps if sidecar_first else reversed(steps):
        (photos / name).write_bytes(content)
        index(home, photos)
    with Store.open(home) as store:
        dated = {p.name: store.photo_by_path(p) for p in photos.glob("*.jpg")}
        assert dated["b.jpg"].metadata.taken == "1985-06-17T10:30:00"
        assert dated["b.jpg"].metadata.taken_source == "xmp"
        assert dated["z.jpg"].metadata.taken == "2001-02-03T04:05:06"


def test_a_library_from_before_gets_its_words_without_decoding_again(
    home: Home, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(home, photos)
    with Store.open(home) as store:
        store.db.execute("DELETE FROM told")
        store.db.execute("UPDATE photo SET words_read = 0")  # as the migration leaves it
    monkeypatch.setattr("albumen.library.develop.decode", None)
    assert counts(index(home, photos)) == {"unchanged": 2}
    assert shown(home, photos / "a.jpg") == {"Rosie"}
    with files_opened(photos) as opened:
        index(home, photos)
    assert opened == []


def test_where_words_come_from_is_known(home: Home, photos: Path) -> None:
    (photos / "a.xmp").write_bytes(xmp(keywords("beach")))
    index(home, photos)
    with Store.open(home) as store:
        photo = store.photo_by_path(photos / "a.jpg")
        own, beside = told.of_photo(store.db, photo.id)
    assert (own.path, own.told.keywords) == (None, ("Rosie",))
    assert (beside.path, beside.told.keywords) == (photos / "a.xmp", ("beach",))


def test_a_sidecar_with_a_name_that_is_no_utf8_is_read(home: Home, photos: Path) -> None:
    name = os.fsdecode(b"\xff\n.jpg")
    (photos / name).write_bytes(jpeg(9))
    (photos / (name + ".xmp")).write_bytes(xmp(keywords("beach")))
    index(home, photos)
    assert shown(home, photos / name) == {"beach"}
