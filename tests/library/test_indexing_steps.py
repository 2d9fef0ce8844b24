"""`out = step(x) + x`: each stage fails in turn; the rest of the photo, and of the run, goes on.

Faults are real where they can be: damaged files, a pack whose tower is gone, a database that
refuses a row. Only bugs of our own readers are planted.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
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
from tests.library.test_home import as_nobody

from albumen.library import image_hash, metadata
from albumen.library.home import Home
from albumen.library.indexing import Event, Notice
from albumen.library.store import Store
from albumen.packs import Pack, PackError, open_pack

VICTIM = "photo-00003.jpg"


@dataclass
class Scene:
    """A library, twelve photos, one of which is in for trouble, and a pack of our own."""

    home: Home
    photos: Path
    pack: Pack

    @property
    def victim(self) -> Path:
        return self.photos / VICTIM

    def embedded(self) -> int:
        with Store.open(self.home) as store:
            return store.stats().embeddings.get("tiny", 0)


@pytest.fixture
def scene(tmp_path: Path, tiny_pack: Path) -> Scene:
    pack = shutil.copytree(tiny_pack, tmp_path / "packs" / "tiny")
    return Scene(Home(tmp_path / "home"), album(tmp_path / "photos", 12), open_pack(pack))


@dataclass
class Damage:
    """What is done to the victim's file, and what is to be said of it."""

    do: Callable[[Path], object]
    stage: str
    status: str
    reason: str
    is_known: bool
    """Whether the content gets a record."""


def _becomes_a_link_to_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.jpg")


DAMAGES = {
    "a link to nowhere": Damage(_becomes_a_link_to_nowhere, "scan", "failed", "nowhere", False),
    "an empty file": Damage(lambda p: p.write_bytes(b""), "identify", "failed", "empty", False),
    "too large a file": Damage(
        lambda p: p.open("r+b").truncate(300 << 20), "identify", "skipped", "larger than", False
    ),
    "a truncated picture": Damage(
        lambda p: p.write_bytes(jpeg(3)[:-200]), "decode", "failed", "truncated", True
    ),
    "no picture": Damage(lambda p: p.write_text("words " * 50), "decode", "skipped", "", True),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_costs_itself_and_is_told(scene: Scene, name: str) -> None:
    damage = DAMAGES[name]
    damage.do(scene.victim)
    expected = {"indexed": 11, damage.status: 1}
    assert counts(index(scene.home, scene.photos, pack=scene.pack)) == expected
    stage, status, reason = problems(scene.home)[VICTIM]
    assert (stage, status) == (damage.stage, damage.status)
    assert damage.reason in reason
    assert scene.embedded() == 11
    with Store.open(scene.home) as store:
        photo = store.photo_by_path(scene.victim)
        assert (photo is not None) == damage.is_known
        if photo is not None:
            assert photo.status == "failed"
            assert photo.bytes == scene.victim.stat().st_size


@pytest.mark.parametrize("name", DAMAGES)
def test_a_failed_file_counts_again_unopened_until_it_changes(scene: Scene, name: str) -> None:
    damage = DAMAGES[name]
    damage.do(scene.victim)
    index(scene.home, scene.photos, pack=scene.pack)
    with files_opened(scene.photos) as opened:
        again = index(scene.home, scene.photos, pack=scene.pack)
    assert counts(again) == {"unchanged": 11, damage.status: 1}
    assert opened == []
    scene.victim.unlink()
    scene.victim.write_bytes(jpeg(3))
    mended = index(scene.home, scene.photos, pack=scene.pack)
    assert counts(mended) == {"indexed": 1, "unchanged": 11}
    assert problems(scene.home) == {}


def test_what_failed_is_tried_again_where_asked(scene: Scene) -> None:
    scene.victim.write_bytes(jpeg(3)[:-200])
    index(scene.home, scene.photos, pack=scene.pack)
    with files_opened(scene.photos) as opened:
        again = index(scene.home, scene.photos, pack=scene.pack, retry_failed=True)
    assert counts(again) == {"unchanged": 11, "failed": 1}
    assert len(opened) == 1
    with Store.open(scene.home) as store:
        assert [problem.attempts for problem in store.problems()] == [2]


def test_a_copy_of_a_failed_file_is_not_decoded_again(scene: Scene) -> None:
    scene.victim.write_bytes(jpeg(3)[:-200])
    index(scene.home, scene.photos, pack=scene.pack)
    shutil.copy(scene.victim, scene.photos / "copy.jpg")
    again = index(scene.home, scene.photos, pack=scene.pack)
    assert counts(again) == {"unchanged": 11, "failed": 2}
    assert set(problems(scene.home)) == {VICTIM, "copy.jpg"}


def test_a_file_that_became_unreadable_is_told_and_taken_up_again(scene: Scene) -> None:
    for folder in (scene.photos, *scene.photos.parents[:3]):
        folder.chmod(0o755)
    home = Home(scene.photos.parent / "nobody" / "home")
    home.path.parent.mkdir(mode=0o777)
    home.path.parent.chmod(0o777)
    scene.victim.chmod(0)
    with as_nobody():
        assert counts(index(home, scene.photos)) == {"indexed": 11, "failed": 1}
        assert problems(home)[VICTIM][0] == "identify"
    scene.victim.chmod(0o644)
    with as_nobody():
        assert counts(index(home, scene.photos)) == {"indexed": 1, "unchanged": 11}


def test_damaged_metadata_costs_the_date_and_nothing_else(scene: Scene) -> None:
    data = bytearray(jpeg(3, taken="2020:01:01 00:00:00"))
    start = data.index(b"Exif\0\0") + 6
    data[start + 2 : start + 30] = b"\xff" * 28
    scene.victim.write_bytes(data)
    assert counts(index(scene.home, scene.photos, pack=scene.pack)) == {"indexed": 12}
    with Store.open(scene.home) as store:
        photo = store.photo_by_path(scene.victim)
    assert photo is not None
    assert photo.metadata.taken_source == "mtime"
    assert scene.embedded() == 12


@pytest.mark.parametrize("module", [metadata, image_hash])
def test_a_bug_in_a_reader_costs_what_it_reads(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, module: object
) -> None:
    def bug(*_: object, **__: object) -> None:
        raise IndexError("planted")

    monkeypatch.setattr(module, "read" if module is metadata else "of", bug)
    assert counts(index(scene.home, scene.photos, pack=scene.pack)) == {"indexed": 12}
    assert scene.embedded() == 12
    assert len(problems(scene.home)) == (12 if module is metadata else 0)


def test_without_a_pack_photos_are_recorded_and_embedded_later(scene: Scene) -> None:
    assert counts(index(scene.home, scene.photos)) == {"indexed": 12}
    with Store.open(scene.home) as store:
        photo = store.photo_by_path(scene.victim)
        assert photo is not None
        assert photo.metadata.taken == "2024-05-01T10:20:30"
    assert counts(index(scene.home, scene.photos, pack=scene.pack)) == {"indexed": 12}
    with Store.open(scene.home) as store:
        assert store.photo_by_path(scene.victim) == photo
    assert scene.embedded() == 12
    assert counts(index(scene.home, scene.photos)) == {"unchanged": 12}


@pytest.mark.parametrize("broken", ["removed", "damaged"])
def test_a_pack_without_its_tower_costs_the_embeddings_only(scene: Scene, broken: str) -> None:
    tower = scene.pack.folder / "image.onnx"
    whole = tower.read_bytes()
    tower.unlink()
    if broken == "damaged":
        tower.write_bytes(whole[: len(whole) // 2])
    events: list[Event] = []
    summary = index(scene.home, scene.photos, pack=scene.pack, on_event=events.append)
    assert counts(summary) == {"failed": 12}
    assert len(events_of(Notice, events)) == 1
    with Store.open(scene.home) as store:
        assert all(photo.metadata.taken == "2024-05-01T10:20:30" for photo in store.photos())
        assert len(store.candidates()) == 12
        stage, status, reason = problems(scene.home)[VICTIM]
    assert (stage, status) == ("describe", "failed")
    assert "image.onnx" in reason
    tower.write_bytes(whole)
    mended = open_pack(scene.pack.folder)
    assert counts(index(scene.home, scene.photos, pack=mended)) == {"indexed": 12}
    assert problems(scene.home) == {}
    assert scene.embedded() == 12


class Picky(Pack):
    """A real pack that breaks off, or gives no number, for a picture that is all white."""

    error: Exception | None = None

    def encode_images(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        white = (batch == 255).all(axis=(1, 2, 3))
        if white.any() and self.error:
            raise self.error
        vectors = super().encode_images(batch)
        vectors[white] = np.nan
        return vectors


@pytest.mark.parametrize("error", [RuntimeError("a kernel failed"), PackError("it failed"), None])
def test_one_picture_does_not_spoil_its_batch(scene: Scene, error: Exception | None) -> None:
    from PIL import Image

    Image.new("RGB", (64, 48), "white").save(scene.victim)
    pack = Picky(scene.pack.folder)
    pack.error = error
    assert counts(index(scene.home, scene.photos, pack=pack)) == {"indexed": 11, "failed": 1}
    assert problems(scene.home)[VICTIM][0] == "describe"
    assert scene.embedded() == 11
    with Store.open(scene.home) as store:
        photo = store.photo_by_path(scene.victim)
        assert photo is not None
        assert photo.status == "decoded"


def test_a_row_that_the_database_refuses_costs_one_photo(scene: Scene) -> None:
    with Store.open(scene.home, create=True) as store:
        store.db.execute(
            f"""CREATE TRIGGER refuse BEFORE INSERT ON photo WHEN NEW.bytes =
                {scene.victim.stat().st_size} BEGIN SELECT RAISE(ABORT, 'refused'); END"""
        )
    assert counts(index(scene.home, scene.photos, pack=scene.pack)) == {"indexed": 11, "failed": 1}
    stage, status, reason = problems(scene.home)[VICTIM]
    assert (stage, status) == ("commit", "failed")
    assert "refused" in reason
    with Store.open(scene.home) as store:
        store.db.execute("DROP TRIGGER refuse")
    assert counts(index(scene.home, scene.photos, pack=scene.pack)) == {
        "indexed": 1,
        "unchanged": 11,
    }
    assert problems(scene.home) == {}


def test_whatever_failed_on_the_way_the_end_is_the_same(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run with every kind of trouble, mended, leaves what an untroubled run leaves."""
    whole = scene.victim.read_bytes()
    status = scene.victim.stat()
    untroubled = Home(tmp_path / "untroubled")
    index(untroubled, scene.photos, pack=scene.pack)
    index(scene.home, scene.photos / "more-0", pack=None)
    scene.victim.write_bytes(whole[:300])
    index(scene.home, scene.photos, pack=scene.pack)
    scene.victim.unlink()
    index(scene.home, scene.photos, pack=scene.pack)
    scene.victim.write_bytes(whole)
    import os

    os.utime(scene.victim, ns=(status.st_atime_ns, status.st_mtime_ns))
    index(scene.home, scene.photos, pack=scene.pack)
    assert state(scene.home) == state(untroubled)
