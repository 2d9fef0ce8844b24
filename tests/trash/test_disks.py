"""Disks that are full, cannot be written, or have no trash: a clear reason, and nothing lost."""

import os
from pathlib import Path

import pytest
from tests.library.albums import index, jpeg
from tests.library.test_home import as_nobody
from tests.trash.looking import contents, in_bin, own_bin

from albumen.library.home import Home
from albumen.library.store import Store
from albumen.trash import Refused, Trashed, in_trash, moving, restore, trash


@pytest.fixture
def disk(data: Path, mounted: "object") -> Path:
    """A small disk with three photos in a folder."""
    disk = mounted.mount(size="256k")  # type: ignore[attr-defined]
    fill(disk / "photos")
    return disk


def fill(folder: Path) -> None:
    folder.mkdir()
    for n in range(3):
        (folder / f"{n}.jpg").write_bytes(jpeg(n))


def trash_all(home: Home, folder: Path) -> list[Trashed | Refused]:
    index(home, folder)
    with Store.open(home) as store:
        return list(trash(store, sorted(folder.glob("*.jpg"))))


def test_on_another_disk_photos_stay_on_it_and_come_back(
    home: Home, data: Path, other_disk: Path
) -> None:
    fill(other_disk / "photos")
    before = contents(other_disk)
    assert [type(one) for one in trash_all(home, other_disk / "photos")] == [Trashed] * 3
    assert contents(other_disk / "photos") == {}
    assert not (data / "Trash").exists()
    with Store.open(home) as store:
        files = [one.file for one in in_trash(store) if one.file]
        assert {file.stat().st_dev for file in files} == {other_disk.stat().st_dev}
        list(restore(store, [1, 2, 3]))
    after = {name: data for name, data in contents(other_disk).items() if ".Trash" not in name}
    assert after == before


def test_a_disk_that_is_read_only_is_refused(home: Home, disk: Path, mounted: "object") -> None:
    before = contents(disk)
    mounted.make_read_only(disk)  # type: ignore[attr-defined]
    outcomes = trash_all(home, disk / "photos")
    reason = f"no trash can be made for it in {disk} (read-only file system)"
    assert [getattr(one, "reason", None) for one in outcomes] == [reason] * 3
    assert contents(disk) == before


def test_a_disk_that_became_read_only_is_refused(home: Home, disk: Path, mounted: "object") -> None:
    trash_all(home, disk / "photos")
    with Store.open(home) as store:
        list(restore(store, [1, 2, 3]))
        mounted.make_read_only(disk)  # type: ignore[attr-defined]
        outcomes = list(trash(store, [disk / "photos/0.jpg"]))
        assert "may not be written to" in getattr(outcomes[0], "reason", "")
        assert in_trash(store) == []
    assert (disk / "photos/0.jpg").read_bytes() == jpeg(0)


def test_a_full_disk_is_refused_and_keeps_no_rubbish(home: Home, disk: Path) -> None:
    trash_all(home, disk / "photos")
    with Store.open(home) as store:
        list(restore(store, [1, 2, 3]))
        with pytest.raises(OSError, match="No space"):
            (disk / "filler").write_bytes(bytes(1 << 20))
        outcomes = list(trash(store, sorted((disk / "photos").glob("*.jpg"))))
    for outcome in outcomes:
        assert f"the disk of the trash {own_bin(disk)} is full" in getattr(outcome, "reason", "")
    assert contents(disk / "photos") == {f"{n}.jpg": jpeg(n) for n in range(3)}
    assert in_bin(own_bin(disk), disk) == {}


def test_where_only_others_may_write_there_is_no_trash(home: Home, disk: Path) -> None:
    (disk / "photos").chmod(0o777)
    index(home, disk / "photos")
    for path in (home.path, *home.path.iterdir()):
        os.chown(path, 65534, 65534)
    for above in home.path.parents:
        if above.is_relative_to("/tmp") and above != Path("/tmp"):
            above.chmod(0o755)
    with as_nobody(), Store.open(home) as store:
        [outcome] = trash(store, [disk / "photos/0.jpg"])
    assert f"no trash can be made for it in {disk} (permission denied)" in getattr(
        outcome, "reason", ""
    )
    assert (disk / "photos/0.jpg").exists()


# File systems that cannot rename without replacing, such as NFS


@pytest.fixture
def old_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "_renameat2", None)


def test_without_the_kernels_help_photos_go_and_come_back(
    old_kernel: None, store: Store, photos: Path
) -> None:
    before = contents(photos)
    paths = sorted(photos.rglob("*.jpg"))
    assert all(isinstance(one, Trashed) for one in trash(store, paths))
    list(restore(store, range(1, 11)))
    assert contents(photos) == before


def test_without_the_kernels_help_nothing_is_overwritten(old_kernel: None, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    here, there = (moving.Place(os.fsencode(tmp_path / name)) for name in "ab")
    for move in (moving.move_in, moving.move_out):
        with pytest.raises(FileExistsError):
            move(here, there)
    assert contents(tmp_path) == {"a": b"a", "b": b"b"}


def test_where_files_take_no_second_name_either_the_reason_says_where_it_is(
    old_kernel: None, store: Store, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    list(trash(store, [photos / "photo-00003.jpg"]))
    [entry] = in_trash(store)
    monkeypatch.setattr(os, "link", refuse)
    [outcome] = restore(store, [1])
    assert isinstance(outcome, Refused)
    assert f"copy it yourself from {entry.file}" in outcome.reason
    assert in_trash(store) == [entry]


def test_a_disk_mounted_over_the_folder_since_is_not_copied_onto(
    store: Store, photos: Path, mounted: "object"
) -> None:
    list(trash(store, [photos / "photo-00003.jpg"]))
    photos.rename(photos.with_name("kept"))
    mounted.mount(photos.name)  # type: ignore[attr-defined]
    [outcome] = restore(store, [1])
    assert "cannot be moved without copying it" in getattr(outcome, "reason", "")
    assert [one.standing for one in in_trash(store)] == ["in the trash"]
