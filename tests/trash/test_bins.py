"""Which trash a file goes to, by the specification, and which are not to be trusted."""

import os
from pathlib import Path

import pytest

from albumen.trash import bins
from albumen.trash.bins import NoTrashError

UID = str(os.getuid())


@pytest.fixture
def disk(data: Path, mounted: "object") -> Path:
    return mounted.mount()  # type: ignore[attr-defined]


def find(folder: Path) -> Path:
    return Path(os.fsdecode(bins.find(os.fsencode(folder))))


def test_a_file_beside_the_home_goes_to_the_home_trash(data: Path, tmp_path: Path) -> None:
    assert find(tmp_path) == data / "Trash"
    assert sorted(path.name for path in (data / "Trash").iterdir()) == ["files", "info"]


def test_a_home_trash_that_is_a_link_is_followed(data: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    data.mkdir()
    (data / "Trash").symlink_to(tmp_path / "bin")
    assert find(tmp_path) == tmp_path / "bin"


def test_without_a_data_folder_it_is_in_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for unset in ("", "relative/path"):
        monkeypatch.setenv("XDG_DATA_HOME", unset)
        assert find(tmp_path) == tmp_path / ".local/share/Trash"


def test_a_home_that_cannot_be_written_to_gives_a_reason(data: Path, tmp_path: Path) -> None:
    data.write_text("no folder")
    with pytest.raises(NoTrashError, match=r"no trash can be made for it in .*Trash \(not a dir"):
        find(tmp_path)


def test_another_disk_gets_a_trash_of_the_users_own(disk: Path) -> None:
    (disk / "deep/down").mkdir(parents=True)
    bin = find(disk / "deep/down")
    assert bin == disk / f".Trash-{UID}"
    assert bin.stat().st_mode & 0o777 == 0o700


def test_a_trash_that_the_administrator_prepared_is_used(disk: Path) -> None:
    (disk / ".Trash").mkdir()
    (disk / ".Trash").chmod(0o1777)
    assert find(disk) == disk / ".Trash" / UID


def test_a_prepared_trash_without_the_sticky_bit_is_not_used(disk: Path) -> None:
    (disk / ".Trash").mkdir()
    (disk / ".Trash").chmod(0o777)
    assert find(disk) == disk / f".Trash-{UID}"
    assert list((disk / ".Trash").iterdir()) == []


def test_a_prepared_trash_that_is_a_link_is_not_used(disk: Path) -> None:
    (disk / "trap").mkdir()
    (disk / "trap").chmod(0o1777)
    (disk / ".Trash").symlink_to("trap")
    assert find(disk) == disk / f".Trash-{UID}"


def test_a_prepared_place_of_another_user_is_not_used(disk: Path) -> None:
    (disk / ".Trash" / UID).mkdir(parents=True)
    (disk / ".Trash").chmod(0o1777)
    os.chown(disk / ".Trash" / UID, 12345, 12345)
    assert find(disk) == disk / f".Trash-{UID}"


def test_an_own_trash_that_is_a_link_is_refused(disk: Path) -> None:
    (disk / "trap").mkdir()
    (disk / f".Trash-{UID}").symlink_to("trap")
    with pytest.raises(NoTrashError, match=f"{disk}/.Trash-{UID} is no folder"):
        find(disk)
    assert list((disk / "trap").iterdir()) == []


def test_an_own_trash_of_another_user_is_refused(disk: Path) -> None:
    (disk / f".Trash-{UID}").mkdir()
    os.chown(disk / f".Trash-{UID}", 12345, 12345)
    with pytest.raises(NoTrashError, match="is another user's"):
        find(disk)


def test_a_trash_exchanged_for_anothers_after_it_was_found_is_not_opened(disk: Path) -> None:
    bin = find(disk)
    os.chown(bin, 12345, 12345)
    with pytest.raises(PermissionError), bins.open_bin(os.fsencode(bin)):
        pass
    bin.rename(disk / "kept")
    bin.symlink_to("kept")
    with pytest.raises(OSError, match=r"Not a directory|symbolic"), bins.open_bin(os.fsencode(bin)):
        pass


def test_a_folder_seen_at_a_second_place_is_a_disk_of_its_own(
    data: Path, tmp_path: Path, mounted: "object"
) -> None:
    (tmp_path / "photos").mkdir()
    again = mounted.bind(tmp_path / "photos", "a second \\ place")  # type: ignore[attr-defined]
    assert find(again) == again / f".Trash-{UID}"


def test_paths_of_the_home_trash_are_whole_and_of_a_disks_relative() -> None:
    path = b"/disk/100 %/\xff\n.jpg"
    assert bins.about(b"/home/me/.local/share/Trash", path, "2024-05-01T10:20:30") == (
        b"[Trash Info]\nPath=/disk/100%20%25/%FF%0A.jpg\nDeletionDate=2024-05-01T10:20:30\n"
    )
    for bin in (f"/disk/.Trash-{UID}", f"/disk/.Trash/{UID}"):
        assert b"\nPath=100%20%25/%FF%0A.jpg\n" in bins.about(bin.encode(), path, "")
