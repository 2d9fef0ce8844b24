"""And back: never onto another file, and only what was trashed."""

import os
import shutil
from pathlib import Path

import pytest
from tests.library.albums import index, jpeg
from tests.trash.looking import contents, in_bin, own_bin

from albumen.library.home import Home
from albumen.library.store import Store
from albumen.trash import Refused, Restored, in_trash, restore, trash


@pytest.fixture
def photo(store: Store, photos: Path) -> Path:
    """A photo that is in the trash; its entry is the first."""
    list(trash(store, [photos / "photo-00003.jpg"]))
    return photos / "photo-00003.jpg"


def refusal(store: Store, id: int = 1, **options: Path) -> str:
    """Why an entry was not put back."""
    [outcome] = restore(store, [id], **options)
    assert isinstance(outcome, Refused)
    assert outcome.id == id
    return outcome.reason


def test_the_list_says_what_is_in_the_trash_the_latest_first(store: Store, photos: Path) -> None:
    list(trash(store, [photos / "photo-00003.jpg", photos / "photo-00001.jpg"]))
    assert [(one.id, one.path.name, one.standing) for one in in_trash(store)] == [
        (2, "photo-00001.jpg", "in the trash"),
        (1, "photo-00003.jpg", "in the trash"),
    ]


def test_restoring_leaves_nothing_in_the_trash(store: Store, photo: Path, data: Path) -> None:
    assert list(restore(store, [1])) == [Restored(1, photo)]
    assert in_trash(store) == []
    assert in_bin(data / "Trash") == {}


def test_a_file_that_has_come_back_is_not_overwritten(store: Store, photo: Path) -> None:
    photo.write_bytes(b"something new")
    assert "another file lies at" in refusal(store)
    assert photo.read_bytes() == b"something new"
    assert [one.standing for one in in_trash(store)] == ["in the trash"]
    photo.unlink()
    assert list(restore(store, [1])) == [Restored(1, photo)]


@pytest.mark.parametrize("what", ["folder", "dangling link"])
def test_whatever_lies_there_is_not_replaced(store: Store, photo: Path, what: str) -> None:
    if what == "folder":
        photo.mkdir()
    else:
        photo.symlink_to("nowhere")
    assert "another file lies at" in refusal(store)


def test_it_may_be_put_elsewhere(store: Store, photo: Path, tmp_path: Path) -> None:
    photo.write_bytes(b"something new")
    (tmp_path / "other").mkdir()
    [outcome] = restore(store, [1], to=tmp_path / "other")
    assert outcome == Restored(1, tmp_path / "other" / photo.name)
    assert (tmp_path / "other" / photo.name).read_bytes() == jpeg(3, taken="2024:05:01 10:20:30")
    assert in_trash(store) == []
    assert store.photo_by_path(photo) is None


def test_two_photos_of_one_place_come_back_to_it_once(
    store: Store, photo: Path, photos: Path, home: Home
) -> None:
    photo.write_bytes(jpeg(60))
    index(home, photos)
    list(trash(store, [photo]))
    assert [type(one) for one in restore(store, [1, 2, 1])] == [Restored, Refused]
    assert photo.read_bytes() == jpeg(3, taken="2024:05:01 10:20:30")


def test_the_folder_is_made_again(store: Store, photos: Path) -> None:
    photo = photos / "more-0" / "photo-00009.jpg"
    list(trash(store, [photo]))
    photo.parent.rmdir()
    assert list(restore(store, [1])) == [Restored(1, photo)]


def test_nothing_is_put_where_the_disk_is_away(
    store: Store, photo: Path, photos: Path, tmp_path: Path
) -> None:
    photos.rename(tmp_path / "away")
    assert f"the folder {photos} is not there; connect its disk" in refusal(store)
    assert not photos.exists()


def test_a_photo_comes_back_to_its_folder_under_the_new_name(
    store: Store, photo: Path, photos: Path, home: Home, tmp_path: Path
) -> None:
    photos.rename(tmp_path / "pictures")
    index(home, tmp_path / "pictures")
    assert list(restore(store, [1])) == [Restored(1, tmp_path / "pictures" / photo.name)]


def test_an_entry_comes_back_once(store: Store, photo: Path) -> None:
    list(restore(store, [1]))
    assert refusal(store) == "it is back already"
    assert "no such entry" in refusal(store, 7)


def test_what_was_emptied_is_listed_as_missing(store: Store, photo: Path, data: Path) -> None:
    [entry] = in_trash(store)
    assert entry.file is not None
    entry.file.unlink()
    assert [(one.standing, one.file) for one in in_trash(store)] == [("missing", None)]
    assert "no longer in the trash" in refusal(store)
    shutil.rmtree(data / "Trash")
    assert [one.standing for one in in_trash(store)] == ["missing"]
    assert "no longer in the trash" in refusal(store)


def test_what_another_program_put_back_is_no_longer_listed(
    store: Store, photo: Path, photos: Path, home: Home, data: Path
) -> None:
    [entry] = in_trash(store)
    assert entry.file is not None
    entry.file.rename(photo)
    shutil.rmtree(data / "Trash")
    assert in_trash(store) == []
    assert store.photo_by_path(photo) is not None
    assert index(home, photos).unchanged == 10


def test_what_was_exchanged_in_the_trash_is_not_put_back(store: Store, photo: Path) -> None:
    [entry] = in_trash(store)
    assert entry.file is not None
    size = entry.file.stat().st_size
    entry.file.write_bytes(b"x" * size)
    assert "is not what was trashed" in refusal(store)
    assert not photo.exists()


def test_a_disk_that_is_away_takes_its_trash_along(
    home: Home, tmp_path: Path, data: Path, mounted: "object"
) -> None:
    disk = mounted.mount()  # type: ignore[attr-defined]
    photo = disk / "photos" / "a.jpg"
    photo.parent.mkdir()
    photo.write_bytes(jpeg(1))
    index(home, photo.parent)
    with Store.open(home) as store:
        list(trash(store, [photo]))
        assert list(in_bin(own_bin(disk), disk)) == [os.fsencode(photo)]
        kept = mounted.bind(disk, "kept")  # type: ignore[attr-defined]
        mounted.unmount(disk)  # type: ignore[attr-defined]
        assert [one.standing for one in in_trash(store)] == ["away"]
        assert "connect the disk that it is on" in refusal(store)
        disk.rmdir()
        mounted.bind(kept, disk.name)  # type: ignore[attr-defined]
        assert list(restore(store, [1])) == [Restored(1, photo)]
    assert contents(disk) == {"photos/a.jpg": jpeg(1)}
