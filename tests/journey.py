"""A whole way through the program: every example of every command's help, in one process.

A test says that each help ends in examples; so a new command is part of the journey by itself. The
environment is that of a person: no variable that a test or a build machine would set.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cli.test_help_examples import COMMANDS
from tests.library.albums import album

HUB = ("packs add", "packs pull")
"""The commands that may use the network, and nothing but the hub named."""

SKIPPED = ("--open",)
"""What hands a page to the person's own browser."""

SCRIPT = """
import json, os, sys
from albumen.cli.main import run

with open(sys.argv[1]) as given:
    steps = json.load(given)
for name, arguments, environment in steps:
    try:
        os.open("/journey/" + name.replace("/", "|"), os.O_RDONLY)  # a mark for those who watch
    except FileNotFoundError:
        pass
    os.environ.update(environment)
    code = run(arguments)
    for variable in environment:
        del os.environ[variable]
    sys.stdout.flush()
    print("STEP", json.dumps([name, code]), file=sys.stderr, flush=True)
"""


@dataclass(frozen=True)
class Step:
    """One command: its name ("packs list"), its arguments, variables set for it alone."""

    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str]


@dataclass(frozen=True)
class Place:
    """Where a journey takes place: a person's home, the folder to stand in, the library."""

    user: Path
    work: Path
    home: Path

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders of photos, and the single photo."""
        return self.work / "photos", self.user / "Pictures", self.work / "photo.jpg"


def steps(place: Place, *, hub: bool) -> Iterator[Step]:
    """Every example, those of the hub's commands alone or all the others."""
    for name, command in COMMANDS:
        if name == "albumen" or (name in HUB) != hub:
            continue
        for line in getattr(command, "examples", "").splitlines():
            step = _step(name, line, place)
            if step is not None:
                yield step
                if name == "packs use":  # the photos were indexed with this one
                    yield Step(name, ("packs", "use", "tiny"), {})


def _step(name: str, line: str, place: Place) -> Step | None:
    words = shlex.split(line.split(">")[0].split("|")[0])
    environment = dict(word.split("=", 1) for word in words[: words.index("albumen")])
    arguments = words[words.index("albumen") + 1 :]
    if any(word in SKIPPED for word in arguments):
        return None
    home = str(place.user)
    expanded = [home + word[1:] if word.startswith("~/") else word for word in arguments]
    return Step(name, tuple(expanded), environment)


def prepare(folder: Path, sample_photos: Path, pack: Path, shard: Path, *, photos: int) -> Place:
    """A home with a pack in it, `photos` photos in ~/Pictures, and what the examples speak of."""
    place = Place(folder / "user", folder / "work", folder / "user" / "library")
    album(place.user / "Pictures", photos, first=100)
    _fill(album(place.work / "photos", 12), sample_photos)
    shutil.copy(sample_photos / "chelsea.png", place.work / "photo.jpg")
    shutil.copy(shard, place.work / "val-000.tar")
    shutil.copytree(pack, place.home / "packs" / "tiny")
    return place


def _fill(folder: Path, sample_photos: Path) -> None:
    """The files that examples name, a page of a scan, and one that is broken."""
    (folder / "2024").mkdir()
    for name, sample in [
        ("cat.png", "chelsea.png"), ("coffee.png", "coffee.png"), ("2024/rocket.jpg", "rocket.jpg"),
        ("pages.tif", "multipage.tif"),
    ]:  # fmt: skip
        shutil.copy(sample_photos / sample, folder / name)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not much of a photo")


def environment(place: Place, **more: str) -> dict[str, str]:
    """A person's, and nothing else: PATH, HOME, where the library and our code lie."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(place.user),
        "LANG": "C.UTF-8",
        "ALBUMEN_HOME": str(place.home),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


def script(place: Place, journey: list[Step]) -> list[str | Path]:
    """The command that takes the journey."""
    file = place.work.parent / "steps.json"
    file.write_text(json.dumps([[s.name, s.arguments, s.environment] for s in journey]))
    return [sys.executable, "-c", SCRIPT, file]


def codes(done: "subprocess.CompletedProcess[str]") -> list[tuple[str, int]]:
    """Each step that ended, and its exit code."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("STEP ")]
    return [tuple(json.loads(line.removeprefix("STEP "))) for line in lines]
