"""A folder of photos and files like anybody's, and a library made of it once for all tests."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from albumen.cli.main import run

ODD_NAME = os.fsdecode(b"quote\" 'new\nline' \xf0\x9f\x90\x88 \xff.png")

TAKEN = 1_690_000_000  # in July 2023: the date of photos that tell none


@pytest.fixture(scope="session")
def odd_name() -> str:
    """A name with quotes, a line break, an emoji and a byte that is no UTF-8."""
    return ODD_NAME


@dataclass(frozen=True)
class Done:
    """How a run of the program ended."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self) -> list:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def albumen(capfd: pytest.CaptureFixture[str]):
    """Runs the program in this process."""

    def call(*args: str | Path) -> Done:
        capfd.readouterr()
        code = run([str(arg) for arg in args])
        return Done(code, *capfd.readouterr())

    return call


def fill(folder: Path, sample_photos: Path) -> Path:
    """Photos, a copy of one, an odd name, a note, a broken photo and something hidden."""
    (folder / "2024").mkdir(parents=True)
    for sample, name in [
        ("chelsea.png", "cat.png"),
        ("coffee.png", "coffee.png"),
        ("rocket.jpg", "2024/rocket.jpg"),
        ("astronaut.png", "2024/astronaut.png"),
        ("chelsea.png", "2024/copy of cat.png"),
        ("horse.png", ODD_NAME),
    ]:
        shutil.copy(sample_photos / sample, folder / name)
        os.utime(folder / name, (TAKEN, TAKEN))
    (folder / "notes.txt").write_text("not a photo")
    (folder / "broken.jpg").write_bytes((sample_photos / "rocket.jpg").read_bytes()[:3000])
    (folder / ".hidden.png").write_bytes((sample_photos / "coffee.png").read_bytes())
    return folder


@pytest.fixture(scope="session")
def prepared(
    tmp_path_factory: pytest.TempPathFactory, sample_photos: Path, tiny_pack: Path
) -> Path:
    """A folder with `photos`, and with `home`, a library of them made with the tiny pack."""
    place = tmp_path_factory.mktemp("prepared")
    photos = fill(place / "photos", sample_photos)
    home = place / "home"
    shutil.copytree(tiny_pack, home / "packs" / "tiny")
    code = run(["index", str(photos), "--library", str(home), "--pack", "tiny", "--quiet"])
    assert code == 0
    return place


@pytest.fixture
def album(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The photos, and a copy of their library of this test's own; the current folder holds both."""
    home = tmp_path / "home"
    shutil.copytree(prepared / "home", home)
    monkeypatch.setenv("ALBUMEN_HOME", str(home))
    monkeypatch.chdir(prepared)
    return prepared / "photos"
