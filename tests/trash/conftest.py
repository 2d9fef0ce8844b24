"""An album in a library, and disks of all kinds to trash its photos on."""

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.library.albums import album, index

from albumen.library.home import Home
from albumen.library.store import Store


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the home trash of this test is: on the file system of `tmp_path`."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "library")


@pytest.fixture
def photos(data: Path, home: Home, tmp_path: Path) -> Path:
    """Ten photos, the tenth in a folder of its own, indexed without a pack."""
    folder = album(tmp_path / "photos", 10)
    index(home, folder)
    return folder


@pytest.fixture
def store(photos: Path, home: Home) -> Iterator[Store]:
    with Store.open(home) as store:
        yield store


def can_mount() -> bool:
    return os.geteuid() == 0 and shutil.which("mount") is not None


needs_mount = pytest.mark.skipif(
    "not __import__('tests.trash.conftest', fromlist=['x']).can_mount()",
    reason="only root may mount a disk",
)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator["Disks"]:
    disks = Disks(tmp_path)
    yield disks
    disks.unmount_all()


class Disks:
    """File systems in memory, mounted for a test."""

    def __init__(self, folder: Path):
        if not can_mount():
            pytest.skip("only root may mount a disk")
        self.folder = folder
        self.mounted: list[Path] = []

    def mount(self, name: str = "disk", size: str = "16m") -> Path:
        place = self.folder / name
        place.mkdir()
        run("mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "albumen-test", place)
        self.mounted.append(place)
        return place

    def bind(self, source: Path, name: str) -> Path:
        """The same folder at a second place, as containers see their volumes."""
        place = self.folder / name
        place.mkdir()
        run("mount", "--bind", source, place)
        self.mounted.append(place)
        return place

    def make_read_only(self, disk: Path) -> None:
        run("mount", "-o", "remount,ro", disk)

    def unmount(self, disk: Path) -> None:
        run("umount", "--lazy", disk)
        self.mounted.remove(disk)

    def unmount_all(self) -> None:
        for disk in reversed(self.mounted.copy()):
            self.unmount(disk)


def run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than `tmp_path`: a mounted one, or shared memory."""
    if can_mount():
        disks = Disks(tmp_path)
        yield disks.mount("other")
        disks.unmount_all()
        return
    shared = Path("/dev/shm")
    if not os.access(shared, os.W_OK) or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system here that a test may write to")
    folder = shared / f"albumen-test-{uuid.uuid4().hex}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)
