"""To the trash: what goes there, how, and what is refused."""

import hashlib
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from tests.library.albums import index, jpeg
from tests.trash.looking import contents, in_bin

from albumen.library.home import Home
from albumen.library.store import Store, copies
from albumen.library.store.copies import Copy
from albumen.trash import Refused, Trashed, in_trash, restore, trash


def look(path: Path) -> tuple[int, ...] | None:
    """What there is; but when it was last read, which reading it changes."""
    if not os.path.lexists(path):
        return None
    status = path.lstat()
    return status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def refusal(store: Store, path: Path, **options: bool) -> str:
    """Why this file was refused; it stays where it is."""
    before = look(path)
    [outcome] = trash(store, [path], **options)
    assert isinstance(outcome, Refused)
    assert outcome.path == path
    assert look(path) == before
    return outcome.reason


def test_a_photo_moves_to_the_home_trash_as_a_file_manager_knows_it(
    store: Store, photos: Path, data: Path
) -> None:
    photo = photos / "photo-00003.jpg"
    [outcome] = trash(store, [photo])
    assert outcome == Trashed(1, photo)
    assert not photo.exists()
    assert in_bin(data / "Trash") == {os.fsencode(photo): in_trash(store)[0].file}


def test_only_the_owner_may_look_into_a_trash(store: Store, photos: Path, data: Path) -> None:
    list(trash(store, [photos / "photo-00003.jpg"]))
    folders = [data / "Trash", data / "Trash/files", data / "Trash/info"]
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700] * 3


def test_what_comes_back_is_what_went(store: Store, photos: Path) -> None:
    photo = photos / "photo-00003.jpg"
    photo.chmod(0o640)
    os.setxattr(photo, "user.rating", b"5")

    def everything() -> tuple[object, ...]:
        status = photo.stat()
        return (
            hashlib.sha256(photo.read_bytes()).digest(),
            (status.st_mtime_ns, status.st_mode, status.st_uid, status.st_ino),
            {name: os.getxattr(photo, name) for name in os.listxattr(photo)},
        )

    before = everything()
    list(trash(store, [photo]))
    list(restore(store, [1]))
    assert everything() == before


def test_what_is_trashed_is_no_longer_found_and_what_is_back_is(
    store: Store, photos: Path, home: Home
) -> None:
    photo = photos / "photo-00003.jpg"
    known = store.photo_by_path(photo)
    assert known is not None
    list(trash(store, [photo]))
    assert known.id not in store.candidates()
    list(restore(store, [1]))
    assert store.photo_by_path(photo) == known
    assert index(home, photos).unchanged == 10


def test_many_go_in_several_turns(home: Home, tmp_path: Path, data: Path) -> None:
    folder = tmp_path / "many"
    for n in range(120):
        (folder / str(n)).mkdir(parents=True)
        (folder / str(n) / "IMG_0001.jpg").write_bytes(jpeg(n))
    index(home, folder)
    before = contents(folder)
    with Store.open(home) as store:
        outcomes = list(trash(store, sorted(folder.rglob("*.jpg"))))
        assert all(isinstance(outcome, Trashed) for outcome in outcomes)
        assert contents(folder) == {}
        assert len(in_bin(data / "Trash")) == 120
        list(restore(store, [one.id for one in in_trash(store)]))
    assert contents(folder) == before


@pytest.mark.parametrize(
    "name",
    [
        os.fsdecode(b"quote\" 'new\nline' \xf0\x9f\x90\x88 \xff.png"),
        "100 %20 ? # = ü.jpg",
        "x" * 251 + ".jpg",
        "ü" * 125 + ".jpg",
        "no-extension-of-the-usual-length." + "jpg",
    ],
    ids=["odd", "percent", "long", "long in UTF-8", "plain"],
)
def test_every_name_goes_and_comes_back(photos: Path, home: Home, data: Path, name: str) -> None:
    photo = photos / name
    photo.write_bytes(jpeg(77))
    index(home, photos)
    with Store.open(home) as store:
        [outcome] = trash(store, [photo])
        assert isinstance(outcome, Trashed)
        assert list(in_bin(data / "Trash")) == [os.fsencode(photo)]
        list(restore(store, [outcome.id]))
    assert photo.read_bytes() == jpeg(77)


def test_a_photo_named_twice_goes_once(store: Store, photos: Path) -> None:
    photo = photos / "photo-00003.jpg"
    around = photos / "more-0" / ".." / photo.name
    assert list(trash(store, [photo, photo, around])) == [Trashed(1, photo)]


def test_a_photo_reached_through_a_linked_folder_goes_and_comes_back(
    store: Store, photos: Path, tmp_path: Path, data: Path
) -> None:
    (tmp_path / "link").symlink_to(photos)
    [outcome] = trash(store, [tmp_path / "link" / "photo-00003.jpg"])
    assert outcome == Trashed(1, photos / "photo-00003.jpg")
    assert list(in_bin(data / "Trash")) == [os.fsencode(photos / "photo-00003.jpg")]


# Refused


def test_a_file_that_changed_is_refused(store: Store, photos: Path) -> None:
    photo = photos / "photo-00003.jpg"
    photo.write_bytes(jpeg(99))
    assert "has changed since it was indexed" in refusal(store, photo)


def test_a_file_that_changed_behind_its_size_and_time_is_refused(
    store: Store, photos: Path
) -> None:
    photo = photos / "photo-00003.jpg"
    status = photo.stat()
    photo.write_bytes(photo.read_bytes()[:-10] + b"0123456789")
    os.utime(photo, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert "has changed since it was indexed" in refusal(store, photo)


def test_a_file_that_was_only_touched_is_refused_until_it_is_indexed(
    store: Store, photos: Path, home: Home
) -> None:
    photo = photos / "photo-00003.jpg"
    os.utime(photo)
    assert "has changed" in refusal(store, photo)
    index(home, photos)
    assert [type(one) for one in trash(store, [photo])] == [Trashed]


def test_a_file_in_no_library_is_refused(store: Store, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "stranger.jpg").write_bytes(jpeg(50))
    (photos / "new.jpg").write_bytes(jpeg(51))
    for path in (tmp_path / "stranger.jpg", photos / "new.jpg"):
        assert refusal(store, path) == "it is in no library; index its folder first"


def test_a_file_that_left_the_library_is_refused(
    store: Store, photos: Path, home: Home, tmp_path: Path
) -> None:
    (photos / "photo-00003.jpg").rename(tmp_path / "elsewhere.jpg")
    index(home, photos)
    assert "in no library" in refusal(store, tmp_path / "elsewhere.jpg")
    assert refusal(store, photos / "photo-00003.jpg") == "nothing lies there"


def test_what_is_no_photo_is_refused(store: Store, photos: Path) -> None:
    (photos / "link.jpg").symlink_to(photos / "photo-00003.jpg")
    os.mkfifo(photos / "pipe.jpg")
    assert "a link; name the file" in refusal(store, photos / "link.jpg")
    assert "a folder; name the photos" in refusal(store, photos / "more-0")
    assert "not a plain file" in refusal(store, photos / "pipe.jpg")
    assert refusal(store, photos / "none.jpg") == "nothing lies there"
    assert refusal(store, photos / "photo-00003.jpg" / "below.jpg") == "nothing lies there"


# The last copy


@pytest.fixture
def three_copies(photos: Path, home: Home) -> list[Path]:
    """Three files of one photo: a copy, and one with a rating written into it."""
    first = photos / "photo-00003.jpg"
    rated = first.read_bytes()[:2] + b"\xff\xfe\x00\x09rated 5" + first.read_bytes()[2:]
    (photos / "copy.jpg").write_bytes(first.read_bytes())
    (photos / "rated.jpg").write_bytes(rated)
    index(home, photos)
    return [first, photos / "copy.jpg", photos / "rated.jpg"]


def test_of_all_copies_named_at_once_one_stays(store: Store, three_copies: list[Path]) -> None:
    outcomes = list(trash(store, three_copies))
    assert [type(one) for one in outcomes] == [Trashed, Trashed, Refused]
    assert [path.exists() for path in three_copies] == [False, False, True]
    assert "the last copy" in outcomes[-1].reason


def test_the_last_copy_is_refused_after_the_others_too(
    store: Store, three_copies: list[Path]
) -> None:
    for path in three_copies[1:]:
        list(trash(store, [path]))
    assert "the last copy" in refusal(store, three_copies[0])


def test_a_copy_that_is_only_in_the_books_is_no_copy(
    store: Store, three_copies: list[Path]
) -> None:
    list(trash(store, three_copies[:1]))
    three_copies[1].unlink()
    assert "the last copy" in refusal(store, three_copies[2])


def test_the_same_file_by_another_way_is_no_copy(
    photos: Path, home: Home, three_copies: list[Path], tmp_path: Path, mounted: "object"
) -> None:
    again = mounted.bind(photos, "again")  # type: ignore[attr-defined]
    index(home, again)
    with Store.open(home) as store:
        list(trash(store, three_copies[:2]))
        assert "the last copy" in refusal(store, three_copies[2])


def test_once_a_copy_is_back_another_may_go(store: Store, three_copies: list[Path]) -> None:
    list(trash(store, three_copies))
    list(restore(store, [1]))
    assert [type(one) for one in trash(store, [three_copies[2]])] == [Trashed]


def test_the_refusal_says_what_to_do(store: Store, three_copies: list[Path]) -> None:
    reason = list(trash(store, three_copies))[-1].reason
    assert "albumen trash restore ID" in reason


def test_a_photo_that_never_had_a_copy_goes(store: Store, photos: Path) -> None:
    assert [type(one) for one in trash(store, [photos / "photo-00003.jpg"])] == [Trashed]


def test_of_copies_that_show_the_same_picture_one_stays(store: Store, photos: Path) -> None:
    paths = [photos / f"photo-0000{number}.jpg" for number in range(3)]
    found = [store.photo_by_path(path) for path in paths]
    ids = [photo.id for photo in found if photo]
    region = np.array([0, 0, 1, 1], "<f4").tobytes()
    with store.db.transaction():
        copies.place(store.db, [Copy(id, ids[1], 0.9, region) for id in ids])
    outcomes = list(trash(store, paths))
    assert [type(one) for one in outcomes] == [Trashed, Trashed, Refused]
    assert "the last copy" in refusal(store, paths[2])
