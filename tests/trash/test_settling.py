"""How a move ended is looked up on the disk: cases that a kill alone does not make."""

import os
import shutil
from pathlib import Path

import pytest
from tests.library.albums import index, jpeg
from tests.trash.looking import contents, in_bin, own_bin

from albumen.library.home import Home
from albumen.library.store import Store
from albumen.trash import Refused, Trashed, in_trash, journal, moving, restore, settling, trash
from albumen.trash import trashing as trashings


class Killed(BaseException):
    """Stands for a kill at this very moment: nothing of ours runs after it."""


@pytest.fixture
def photo(photos: Path) -> Path:
    return photos / "photo-00003.jpg"


@pytest.fixture
def killed(store: Store, photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trashing ends when the file has been moved, before anybody notes it."""

    def die(*arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(trashings, "settle", die)
        with pytest.raises(Killed):
            list(trash(store, [photo]))
    assert [entry.state for entry in journal.begun(store.db)] == ["trashing"]


def replaced_before_the_move(
    photo: Path, data: bytes, monkeypatch: pytest.MonkeyPatch, *, back: bool = False
) -> None:
    """Another program writes the file anew between our last look and the move."""
    move = moving.move_in

    def late(source: moving.Place, target: moving.Place) -> None:
        other = photo.with_name("other")
        other.write_bytes(data)
        other.replace(photo)
        move(source, target)
        if back:
            photo.write_bytes(b"and once more")

    monkeypatch.setattr(trashings, "move_in", late)


def test_a_file_replaced_in_the_last_instant_goes_back(
    store: Store, photo: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced_before_the_move(photo, b"new", monkeypatch)
    [outcome] = trash(store, [photo])
    assert isinstance(outcome, Refused)
    assert "has changed" in outcome.reason
    assert photo.read_bytes() == b"new"
    assert in_bin(data / "Trash") == {}
    assert journal.find(store.db, 1) is None


def test_one_that_cannot_go_back_is_kept_and_can_be_put_back(
    store: Store, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced_before_the_move(photo, b"new", monkeypatch, back=True)
    assert list(trash(store, [photo])) == [Trashed(1, photo)]
    assert photo.read_bytes() == b"and once more"
    photo.unlink()
    list(restore(store, [1]))
    assert photo.read_bytes() == b"new"


def test_a_trashinfo_that_a_power_cut_left_empty_is_written_again(
    store: Store, killed: None, photo: Path, data: Path
) -> None:
    [info] = (data / "Trash/info").iterdir()
    for damage in (lambda: info.write_bytes(b""), info.unlink):
        damage()
        with store.db.transaction():
            store.db.execute("UPDATE trash_journal SET state = 'trashing'")
        assert [one.standing for one in in_trash(store)] == ["in the trash"]
        assert list(in_bin(data / "Trash")) == [os.fsencode(photo)]


def test_a_trash_removed_after_a_kill_leaves_no_move_open(
    store: Store, killed: None, data: Path
) -> None:
    shutil.rmtree(data / "Trash")
    assert [one.standing for one in in_trash(store)] == ["missing"]
    assert journal.begun(store.db) == []


def test_a_move_stays_open_while_its_disk_is_away(
    home: Home, tmp_path: Path, mounted: "object", monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = mounted.mount()  # type: ignore[attr-defined]
    photo = disk / "photos" / "a.jpg"
    photo.parent.mkdir()
    photo.write_bytes(jpeg(1))
    index(home, photo.parent)

    def die(*arguments: object) -> None:
        raise Killed

    with Store.open(home) as store:
        monkeypatch.setattr(trashings, "settle", die)
        with pytest.raises(Killed):
            list(trash(store, [photo]))
        kept = mounted.bind(disk, "kept")  # type: ignore[attr-defined]
        mounted.unmount(disk)  # type: ignore[attr-defined]
        assert in_trash(store) == []
        assert [entry.state for entry in journal.begun(store.db)] == ["trashing"]
        disk.rmdir()
        mounted.bind(kept, disk.name)  # type: ignore[attr-defined]
        assert [one.standing for one in in_trash(store)] == ["in the trash"]
        assert list(in_bin(own_bin(disk), disk)) == [os.fsencode(photo)]
        list(restore(store, [1]))
    assert contents(disk / "photos") == {"a.jpg": jpeg(1)}


def test_a_flush_of_a_folder_that_is_gone_is_no_error(tmp_path: Path) -> None:
    settling.flush([os.fsencode(tmp_path / "none"), os.fsencode(tmp_path)])
