"""The first minute: the starter on scikit-image's samples, an album of two dozen odd photos."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from albumen import Library


@pytest.fixture(scope="module")
def album(sample_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    with Library(tmp_path_factory.mktemp("library"), pack="starter") as library:
        library.index(sample_photos)
        yield library


@pytest.mark.parametrize(
    ("words", "photo"),
    [
        ("a cat", "chelsea.png"),
        ("a cup of coffee", "coffee.png"),
        ("something to drink from", "coffee.png"),
        ("a motorcycle", "motorcycle_left.png"),
        ("a brick wall", "brick.png"),
    ],
)
def test_the_only_photo_of_a_thing_is_a_match(album: Library, words: str, photo: str) -> None:
    first, *_ = album.search(words)
    assert first.path.name == photo


@pytest.mark.parametrize(
    "words", ["a pizza", "an elephant", "a bus", "a birthday cake", "a beach", "a pineapple"]
)
def test_a_thing_that_no_photo_shows_matches_nothing(album: Library, words: str) -> None:
    assert album.search(words) == []
