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
from tests.training import pets

HUB = ("packs add", "packs pull")
"""The commands that may use the network, and nothing but the hub named."""

APART = ("trash", "train")
"""Commands whose examples would be in each other's way: each has a folder and a library of its own.
The photos that `trash` moves come back before the next example begins."""

SKIPPED = ("--open",)
"""What hands a page to the person's own browser."""

SCRIPT = """
import json, os, sys
from albumen.cli.main import run

with open(sys.argv[1]) as given:
    steps = json.load(given)
for number, (name, folder, arguments, environment) in enumerate(steps):
    os.chdir(folder)
    try:
        os.open(f"/journey/{number}", os.O_RDONLY)  # a mark for those who watch
    except FileNotFoundError:
        pass
    before = dict(os.environ)
    os.environ.update(environment)
    code = run(arguments)
    os.environ.clear()
    os.environ.update(before)
    sys.stdout.flush()
    print("STEP", json.dumps([name, code]), file=sys.stderr, flush=True)
"""


@dataclass(frozen=True)
class Step:
    """One command: its name ("packs list"), where it is given, its arguments and variables."""

    name: str
    folder: Path
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
        """The folders of photos and the single files that nothing may change."""
        learned = (path for name, path in self.apart() if name == "train" for path in _pets(path))
        single = self.work / "photo.jpg", self.work / "val-000.tar"
        return self.work / "photos", self.user / "Pictures", *single, *learned

    @property
    def moved(self) -> tuple[Path, ...]:
        """The folders of photos that go to the trash, and come back."""
        return tuple(path / "photos" for name, path in self.apart() if name == "trash")

    @property
    def trash(self) -> Path:
        """Where they are meanwhile, and what had to be made for it."""
        return self.user / ".local"

    @property
    def temporary(self) -> Path:
        """Where programs may put what they take away again."""
        return self.user / "tmp"

    def apart(self) -> Iterator[tuple[str, Path]]:
        """The folders of the examples that need one, each with its command's first word."""
        for name, number, _ in _examples():
            if name.split()[0] in APART:
                yield name.split()[0], self.work.parent / f"apart-{number}"


def _pets(folder: Path) -> tuple[Path, Path]:
    return folder / "pets", folder / "captioned.tar"


def _examples() -> Iterator[tuple[str, int, str]]:
    """Each command's name and example, numbered."""
    every = [
        (name, line.strip())
        for name, command in COMMANDS
        if name not in ("albumen", "train")  # whose examples are those of the commands below them
        for line in getattr(command, "examples", "").strip().splitlines()[: _at_most(name)]
        if not any(word in SKIPPED for word in line.split())
    ]
    for number, (name, line) in enumerate(every):
        yield name, number, line


def _at_most(name: str) -> int | None:
    """Training is dear, and the other examples of it are run where all examples are."""
    return 1 if name.startswith("train ") else None


def steps(place: Place, *, hub: bool) -> Iterator[Step]:
    """Every example, those of the hub's commands alone or all the others."""
    for name, number, line in _examples():
        if (name in HUB) != hub:
            continue
        arguments, environment = _words(line, place)
        if name.split()[0] in APART:
            yield from _apart(name, arguments, place.work.parent / f"apart-{number}", place)
            continue
        yield Step(name, place.work, arguments, environment)
        if name == "packs use":  # the photos were indexed with this one
            yield Step(name, place.work, ("packs", "use", "tiny"), {})


def _words(line: str, place: Place) -> tuple[tuple[str, ...], dict[str, str]]:
    words = shlex.split(line.split(">")[0].split("|")[0])
    environment = dict(word.split("=", 1) for word in words[: words.index("albumen")])
    home = str(place.user)
    arguments = words[words.index("albumen") + 1 :]
    return tuple(home + w[1:] if w.startswith("~/") else w for w in arguments), environment


def _apart(name: str, arguments: tuple[str, ...], folder: Path, place: Place) -> Iterator[Step]:
    """An example in its own folder, with what it takes for granted, and what undoes it."""
    library = {"ALBUMEN_HOME": str(folder / "library")}
    if name.startswith("train"):
        yield Step(name, folder, arguments, library)
        return
    pack = str(place.home / "packs" / "tiny")
    yield Step("index", folder, ("index", "photos", "--pack", pack, "--quiet"), library)
    if "restore" in arguments:
        yield Step("trash", folder, ("trash", "photos/cat.png", "photos/coffee.png"), library)
    yield Step(name, folder, arguments, library)
    if left := _left_in_the_trash(arguments):
        yield Step("trash restore", folder, ("trash", "restore", *left), library)


def _left_in_the_trash(arguments: tuple[str, ...]) -> list[str]:
    """The ids of what an example moved, or of the two photos that it did not put back."""
    given = [word for word in arguments[1:] if not word.startswith("-")]
    if given[0] == "restore":
        return [id for id in ("1", "2") if id not in given]
    return [] if given[0] == "list" else [str(number + 1) for number in range(len(given))]


def prepare(folder: Path, sample_photos: Path, pack: Path, shard: Path, *, photos: int) -> Place:
    """A home with a pack in it, `photos` photos in ~/Pictures, and what the examples speak of."""
    place = Place(folder / "user", folder / "work", folder / "user" / "library")
    _make_pictures(place.user / "Pictures", photos)
    place.temporary.mkdir()
    _fill(album(place.work / "photos", 12), sample_photos)
    shutil.copy(sample_photos / "chelsea.png", place.work / "photo.jpg")
    shutil.copy(shard, place.work / "val-000.tar")
    shutil.copytree(pack, place.home / "packs" / "tiny")
    for name, own in place.apart():
        if name == "trash":
            shutil.copytree(place.work / "photos", own / "photos")
        else:
            _make_pets(*_pets(own))
    return place


def _make_pictures(folder: Path, count: int) -> None:
    """So many files, every fourth like none before, the others copies of one: decoding is dear."""
    album(folder, count - 3 * (count // 4), first=100)
    made = sorted(path for path in folder.rglob("*") if path.is_file())
    for number in range(3 * (count // 4)):
        copy = folder / f"copies-{number % 3}" / f"{number:05}.jpg"
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(made[number % len(made)], copy)


def _make_pets(folder: Path, shard: Path) -> None:
    pets.build(folder)
    pets.captioned(shard)


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
        "TMPDIR": str(place.temporary),
        "LANG": "C.UTF-8",
        "ALBUMEN_HOME": str(place.home),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


def script(place: Place, journey: list[Step]) -> list[str | Path]:
    """The command that takes the journey."""
    file = place.work.parent / "steps.json"
    told = [[s.name, str(s.folder), s.arguments, s.environment] for s in journey]
    file.write_text(json.dumps(told))
    return [sys.executable, "-c", SCRIPT, file]


def codes(done: "subprocess.CompletedProcess[str]") -> list[tuple[str, int]]:
    """Each step that ended, and its exit code."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("STEP ")]
    return [tuple(json.loads(line.removeprefix("STEP "))) for line in lines]
