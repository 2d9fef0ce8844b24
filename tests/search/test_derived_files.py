"""All that lies in the cache can be made again: damaged in any way, a search answers as before."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.library.albums import album

from albumen.api import Library
from albumen.library.home import Home
from albumen.packs import open_pack
from albumen.tags import vectors

CASES, PHOTOS = 50, 40


def cut(path: Path, chance: random.Random) -> None:
    os.truncate(path, chance.randrange(path.stat().st_size))


def zero(path: Path, chance: random.Random) -> None:
    size = path.stat().st_size
    first = chance.randrange(size)
    with path.open("r+b") as file:
        file.seek(first)
        file.write(bytes(chance.randint(1, size - first)))


def zero_all(path: Path, chance: random.Random) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def remove(path: Path, chance: random.Random) -> None:
    path.unlink()


def scramble(path: Path, chance: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


def empty(path: Path, chance: random.Random) -> None:
    os.truncate(path, 0)


HARMS: tuple[Callable[[Path, random.Random], None], ...] = (
    cut, zero, zero_all, remove, scramble, empty
)  # fmt: skip


def answers(home: Path) -> list[list[tuple[str, float]]]:
    """What searches find, each with a library opened anew; and the vectors of some tags."""
    found = []
    for words in ("red", "blue and green"):
        with Library(home) as library:
            results = library.search(words, limit=PHOTOS)
            found.append([(result.path.name, round(result.score, 5)) for result in results])
    pack = open_pack(home / "packs" / "tiny")
    tags = vectors.encode(pack, [("red",), ("blue",)], Home(home).cache, lambda done, of: None)
    return [
        *found,
        [(str(tag), round(float(value), 5)) for tag, one in enumerate(tags) for value in one],
    ]


def files_in(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_pack: Path) -> Path:
    """A library whose cache is filled."""
    place = tmp_path_factory.mktemp("derived")
    home = place / "home"
    shutil.copytree(tiny_pack, home / "packs" / "tiny")
    with Library(home, "tiny") as library:
        library.index(album(place / "photos", PHOTOS))
    answers(home)
    return home


def test_the_cache_is_there_to_be_damaged(made: Path) -> None:
    assert {path.suffix for path in files_in(made / "cache")} >= {".rows", ".json", ".npz"}


@pytest.mark.parametrize("seed", range(CASES))
def test_a_damaged_derived_file_is_made_again(made: Path, tmp_path: Path, seed: int) -> None:
    expected = answers(made)
    home = shutil.copytree(made, tmp_path / "home")
    chance = random.Random(seed)
    files = files_in(home / "cache")
    for file in chance.sample(files, chance.randint(1, len(files))):
        HARMS[seed % len(HARMS)](file, chance)
    assert answers(home) == expected
    assert {path.name for path in files_in(home / "cache")} >= {path.name for path in files}
    assert answers(home) == expected
