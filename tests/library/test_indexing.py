"""A run of `index`: every file counts once, known files cost nothing, all of it is committed."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.library.albums import (
    album,
    counts,
    events_of,
    files_opened,
    index,
    jpeg,
    problems,
    state,
)
from tests.library.test_home import held_by_another

from albumen.errors import UsageError
from albumen.library import indexing, ledger
from albumen.library.home import Home
from albumen.library.indexing import Committed, Event, Progress, Started
from albumen.library.records import LibraryError
from albumen.library.store import Store, connection
from albumen.packs import Pack, open_pack


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return album(tmp_path / "photos", 20)


@pytest.fixture
def pack(tiny_pack: Path) -> Pack:
    return open_pack(tiny_pack)


def test_real_photos_are_found_described_and_dated(
    home: Home, sample_photos: Path, pack: Pack
) -> None:
    summary = index(home, sample_photos, pack=pack)
    assert summary.indexed > 20
    with Store.open(home) as store:
        astronaut = store.photo_by_path(sample_photos / "astronaut.png")
        assert astronaut is not None
        assert (astronaut.format, astronaut.width, astronaut.height) == ("PNG", 512, 512)
        vector = store.embedding(astronaut.id, pack.id)
        assert vector is not None
        assert np.linalg.norm(vector.astype(np.float32)) == pytest.approx(1, abs=1e-2)
        assert store.stats().embeddings == {"tiny": summary.indexed}
    assert problems(home)["README.txt"][:2] == ("scan", "skipped")


def test_a_second_run_opens_no_file(home: Home, photos: Path, pack: Pack) -> None:
    assert counts(index(home, photos, pack=pack)) == {"indexed": 20}
    with files_opened(photos) as opened:
        assert counts(index(home, photos, pack=pack)) == {"unchanged": 20}
    assert opened == []


def test_a_second_run_changes_no_vector(home: Home, photos: Path, pack: Pack) -> None:
    index(home, photos, pack=pack)
    with Store.open(home) as store:
        generation = store.generation(pack.id)
        index(home, photos, pack=pack)
        assert store.generation(pack.id) == generation > 0


def test_path_size_and_time_tell_a_known_file(home: Home, photos: Path) -> None:
    """What the second run goes by; content replaced with all three kept is not noticed."""
    index(home, photos)
    file = photos / "photo-00000.jpg"
    before = file.stat()
    file.write_bytes(bytes(before.st_size))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert counts(index(home, photos)) == {"unchanged": 20}


def test_a_file_that_was_only_touched_is_read_and_found_unchanged(home: Home, photos: Path) -> None:
    index(home, photos)
    os.utime(photos / "photo-00000.jpg")
    with files_opened(photos) as opened:
        assert counts(index(home, photos)) == {"unchanged": 20}
        assert len(opened) == 1
        assert counts(index(home, photos)) == {"unchanged": 20}
        assert len(opened) == 1


def test_new_changed_moved_copied_and_deleted_files_are_told_apart(
    home: Home, photos: Path, pack: Pack
) -> None:
    index(home, photos, pack=pack)
    (photos / "new.jpg").write_bytes(jpeg(1000))
    (photos / "photo-00001.jpg").write_bytes(jpeg(1001))
    (photos / "photo-00002.jpg").rename(photos / "more-0" / "renamed.jpg")
    shutil.copy(photos / "photo-00003.jpg", photos / "copy.jpg")
    (photos / "photo-00004.jpg").unlink()
    expected = {"indexed": 3, "unchanged": 17, "moved": 1, "removed": 1}
    assert counts(index(home, photos, pack=pack)) == expected
    with Store.open(home) as store:
        moved = store.photo_by_path(photos / "more-0" / "renamed.jpg")
        copied = store.photo_by_path(photos / "copy.jpg")
        assert moved is not None
        assert copied is not None
        assert store.paths([moved.id, copied.id]) == {
            moved.id: [photos / "more-0" / "renamed.jpg"],
            copied.id: [photos / "photo-00003.jpg", photos / "copy.jpg"],
        }
        assert store.photo_by_path(photos / "photo-00004.jpg") is None
        assert len(store.candidates()) == 20
    assert counts(index(home, photos, pack=pack)) == {"unchanged": 21}


def test_a_deleted_photo_that_comes_back_is_known(home: Home, photos: Path, pack: Pack) -> None:
    index(home, photos, pack=pack)
    whole = state(home)
    file = photos / "photo-00000.jpg"
    aside = file.rename(photos.parent / "aside.jpg")
    assert index(home, photos, pack=pack).removed == 1
    aside.rename(file)
    with files_opened(photos) as opened:
        assert counts(index(home, photos, pack=pack)) == {"unchanged": 20}
    assert opened == []
    assert state(home) == whole


def test_two_files_that_swap_names_keep_their_photos(home: Home, photos: Path, pack: Pack) -> None:
    index(home, photos, pack=pack)
    one, two = photos / "photo-00000.jpg", photos / "photo-00001.jpg"
    with Store.open(home) as store:
        first, second = store.photo_by_path(one), store.photo_by_path(two)
        one.rename(photos / "aside")
        two.rename(one)
        (photos / "aside").rename(two)
        assert counts(index(home, photos, pack=pack)) == {"unchanged": 18, "moved": 2}
        assert (store.photo_by_path(two), store.photo_by_path(one)) == (first, second)
        assert len(store.candidates()) == 20


def test_copies_found_in_one_run_are_one_photo(home: Home, tmp_path: Path, pack: Pack) -> None:
    for n in range(12):
        (tmp_path / f"{n}.jpg").write_bytes(jpeg(n % 3))
    assert counts(index(home, tmp_path, pack=pack)) == {"indexed": 12}
    with Store.open(home) as store:
        stats = store.stats()
        assert (stats.photos, stats.locations, stats.embeddings) == (3, 12, {"tiny": 3})


def test_another_pack_adds_its_vectors_and_keeps_the_first(
    home: Home, photos: Path, pack: Pack, tmp_path: Path
) -> None:
    from tests.packs.tiny_pack import build

    folder = build(tmp_path / "packs" / "other", name="other")
    text = (folder / "pack.json").read_text().replace("bicubic", "bilinear")
    (folder / "pack.json").write_text(text)
    other = open_pack(folder)
    assert other.id != pack.id
    index(home, photos, pack=pack)
    assert counts(index(home, photos, pack=other)) == {"indexed": 20}
    assert counts(index(home, photos, pack=pack)) == {"unchanged": 20}
    with Store.open(home) as store:
        assert store.stats().embeddings == {"other": 20, "tiny": 20}


def test_patterns_leave_files_out_but_remove_nothing(home: Home, photos: Path) -> None:
    index(home, photos)
    assert counts(index(home, photos, exclude=["more-*"])) == {"unchanged": 18}
    assert counts(index(home, photos, include=["photo-00000*"])) == {"unchanged": 1}
    with Store.open(home) as store:
        assert len(store.candidates()) == 20


def test_one_file_and_a_part_of_a_root_can_be_indexed(home: Home, photos: Path) -> None:
    assert counts(index(home, photos / "photo-00000.jpg")) == {"indexed": 1}
    assert counts(index(home, photos / "more-0")) == {"indexed": 1}
    assert counts(index(home, photos, photos / "more-0")) == {"indexed": 18, "unchanged": 2}
    (photos / "photo-00001.jpg").unlink()
    (photos / "more-0" / "photo-00009.jpg").unlink()
    assert counts(index(home, photos / "more-1")) == {"unchanged": 1}


@pytest.mark.parametrize(
    "name", [b"new\nline.jpg", b"\"quotes'.jpg", "😀.jpg".encode(), b"\xff.jpg"]
)
def test_any_name_is_indexed_and_found_again(
    home: Home, tmp_path: Path, name: bytes, pack: Pack
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
    path.write_bytes(jpeg(1))
    assert counts(index(home, folder, pack=pack)) == {"indexed": 1}
    assert counts(index(home, folder, pack=pack)) == {"unchanged": 1}
    with Store.open(home) as store:
        assert store.paths(store.candidates().tolist()) == {1: [path]}


def test_a_path_that_does_not_exist_is_wrong_usage(home: Home, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="none does not exist"):
        index(home, tmp_path / "none")


def test_a_link_to_nowhere_is_no_path(home: Home, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "none")
    with pytest.raises(UsageError, match="link does not exist"):
        index(home, tmp_path / "link")


def test_a_folder_given_twice_by_a_link_is_walked_once(home: Home, photos: Path) -> None:
    link = photos.with_name("z-link")
    link.symlink_to(photos)
    assert counts(index(home, photos, link)) == {"indexed": 20}
    assert counts(index(home, link)) == {"unchanged": 20}


def test_folders_without_photos_give_an_empty_summary(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    assert counts(index(home, folder)) == {}
    (folder / "notes.txt").write_text("no picture")
    assert counts(index(home, folder)) == {"skipped": 1}
    assert counts(index(home, folder)) == {"skipped": 1}
    assert set(problems(home)) == {"notes.txt"}
    (folder / "notes.txt").unlink()
    assert counts(index(home, folder)) == {}
    assert problems(home) == {}


def test_events_count_up_to_every_file_found(
    home: Home, photos: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "COMMIT_PHOTOS", 4)
    monkeypatch.setattr(indexing, "BATCH", 3)
    (photos / "broken.jpg").write_bytes(jpeg(1)[:500])
    (photos / "notes.txt").write_text("no picture")
    events: list[Event] = []
    index(home, photos, pack=pack, on_event=events.append)
    committed = [event.photos for event in events_of(Committed, events)]
    assert isinstance(events[0], Started)
    assert committed == sorted(set(committed))
    assert len(committed) > 2
    assert committed[-1] == 22
    assert all(event.done <= event.found for event in events_of(Progress, events))


def test_what_is_committed_can_be_read_at_once(
    home: Home, photos: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "COMMIT_PHOTOS", 4)
    monkeypatch.setattr(indexing, "BATCH", 3)
    read: list[tuple[int, int]] = []

    def look(event: Event) -> None:
        if isinstance(event, Committed):
            with Store.open(home) as store:
                read.append((event.photos, store.stats().embeddings["tiny"]))

    index(home, photos, pack=pack, on_event=look)
    assert read[-1] == (20, 20)
    assert all(acknowledged <= there for acknowledged, there in read)


def test_ctrl_c_commits_what_is_in_hand_and_the_next_run_goes_on(
    home: Home, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = album(tmp_path / "photos", 150)
    threads = threading.active_count()
    monkeypatch.setattr(ledger, "COMMIT_PHOTOS", 4)
    monkeypatch.setattr(indexing, "BATCH", 4)
    committed: list[int] = []

    def interrupt(event: Event) -> None:
        if isinstance(event, Committed):
            committed.append(event.photos)
            if len(committed) == 1:
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        index(home, photos, pack=pack, on_event=interrupt)
    with Store.open(home) as store:
        there = store.stats().embeddings["tiny"]
    assert committed[-1] <= there < 150
    summary = index(home, photos, pack=pack)
    assert counts(summary) == {"indexed": 150 - there, "unchanged": there}
    assert threading.active_count() <= threads


def test_a_second_index_is_told_that_one_is_running(home: Home, photos: Path) -> None:
    with held_by_another(home), pytest.raises(LibraryError, match="another albumen index"):
        index(home, photos)


def test_a_library_locked_by_another_program_ends_the_run_with_a_reason(
    home: Home, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.2)
    with Store.open(home, create=True) as store:
        store.db.execute("BEGIN IMMEDIATE")
        with pytest.raises(LibraryError, match="locked by another program"):
            index(home, photos)
        store.db.execute("ROLLBACK")
    assert counts(index(home, photos)) == {"indexed": 20}


def test_a_full_disk_ends_the_run_and_loses_nothing(
    home: Home, tmp_path: Path, pack: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = album(tmp_path / "photos", 200)
    monkeypatch.setattr(ledger, "COMMIT_PHOTOS", 10)
    monkeypatch.setattr(indexing, "BATCH", 10)
    connect = connection.connect
    with Store.open(home, create=True) as store:
        (empty,) = store.db.execute("PRAGMA page_count").fetchone()

    def connect_to_a_small_disk(path: Path, *, create: bool) -> connection.Database:
        db = connect(path, create=create)
        db.execute(f"PRAGMA max_page_count = {empty + 20}")  # then it answers as on a full disk
        return db

    acknowledged: list[int] = []

    def note(event: Event) -> None:
        if isinstance(event, Committed):
            acknowledged.append(event.photos)

    with monkeypatch.context() as small:
        small.setattr("albumen.library.store.store.connect", connect_to_a_small_disk)
        with pytest.raises(LibraryError, match="is full"):
            index(home, photos, pack=pack, on_event=note)
    with Store.open(home) as store:
        there = store.stats().embeddings["tiny"]
        assert acknowledged[-1] == there > 0
        assert store.check() is None
    assert counts(index(home, photos, pack=pack)) == {"indexed": 200 - there, "unchanged": there}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 600 kB; only root may make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "none", str(disk)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_really_full_ends_the_run_and_loses_nothing(
    small_disk: Path, tmp_path: Path, pack: Pack
) -> None:
    photos = album(tmp_path / "photos", 1000)
    home = Home(small_disk / "home")
    acknowledged: list[int] = [0]

    def note(event: Event) -> None:
        if isinstance(event, Committed):
            acknowledged.append(event.photos)

    with pytest.raises(LibraryError, match="is full"):
        index(home, photos, pack=pack, on_event=note)
    with Store.open(home) as store:
        assert store.stats().embeddings.get("tiny", 0) == acknowledged[-1] < 1000
        assert store.check() is None


def test_the_originals_are_not_changed(home: Home, photos: Path, pack: Pack) -> None:
    def look() -> list[Any]:
        return [
            (path, path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode)
            for path in sorted(photos.rglob("*.jpg"))
        ]

    before = look()
    index(home, photos, pack=pack)
    assert look() == before


def test_the_library_itself_is_never_indexed(photos: Path) -> None:
    home = Home(photos / "library")
    index(home, photos)
    (home.path / "thumbnail.jpg").write_bytes(jpeg(5))
    assert counts(index(home, photos)) == {"unchanged": 20}


def test_a_clock_gone_wild_does_not_stop_a_photo(home: Home, photos: Path) -> None:
    os.utime(photos / "photo-00000.jpg", (2**34, 2**34))  # the year 2514
    assert counts(index(home, photos)) == {"indexed": 20}
    assert counts(index(home, photos)) == {"unchanged": 20}


class Slow(Pack):
    """A real pack that needs a fifth of a second for each photo, as large towers do."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.batches: list[int] = []

    def encode_images(self, batch: Any) -> Any:
        self.batches.append(len(batch))
        time.sleep(0.2 * len(batch))
        return super().encode_images(batch)


def test_a_slow_pack_gets_few_photos_at_a_time_so_that_commits_are_not_delayed(
    home: Home, tmp_path: Path, tiny_pack: Path
) -> None:
    pack = Slow(tiny_pack)
    summary = index(home, album(tmp_path / "photos", 16), pack=pack)
    assert counts(summary) == {"indexed": 16}
    assert max(pack.batches) <= 4
    assert max(pack.batches[1:]) <= 2


class Waiting(Pack):
    """A real pack that encodes nothing until it is told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.may_go = threading.Event()

    def encode_images(self, batch: Any) -> Any:
        assert self.may_go.wait(20)
        return super().encode_images(batch)


def test_decoding_goes_on_while_the_pack_encodes_but_not_without_bound(
    home: Home, tmp_path: Path, tiny_pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "BATCH", 3)
    photos = album(tmp_path / "photos", 60)
    pack = Waiting(tiny_pack)
    in_hand: list[int] = []

    def let_go() -> None:
        before = -1
        while len(opened) != before or len(opened) <= 3:  # until nothing more is read
            before = len(opened)
            time.sleep(0.5)
        in_hand.append(len(opened))
        pack.may_go.set()

    with files_opened(photos) as opened:
        watcher = threading.Thread(target=let_go)
        watcher.start()
        assert counts(index(home, photos, pack=pack)) == {"indexed": 60}
        watcher.join()
    readers = max(2, len(os.sched_getaffinity(0)))
    # One batch at the pack, two waiting, and a photo in each reader's hands.
    assert 3 < in_hand[0] <= 3 + 2 * 3 + readers
