"""Two exposures of one scene are told from copies by what moved in them, however little."""

import io
from pathlib import Path

import numpy as np
import pytest
from bench import _bursts
from bench._edits import KINDS
from PIL import Image
from tests.duplicates.albums import photo
from tests.duplicates.test_alignment import laid

from albumen.duplicates.placing import MOVED, agrees


@pytest.fixture(scope="module")
def coffee(sample_photos: Path) -> Image.Image:
    return photo(sample_photos, "coffee.png")


def edited(picture: Image.Image, name: str) -> Image.Image:
    """By the strongest grade."""
    kind = next(kind for kind in KINDS if kind.name == name)
    return kind.edit(picture, kind.grades[-1], np.random.default_rng(3))


def moments_later(picture: Image.Image, name: str) -> Image.Image:
    move = next(move for move in _bursts.MOVES if move.name == name)
    return Image.open(io.BytesIO(_bursts.generated(picture, move, np.random.default_rng(5))))


@pytest.mark.parametrize("name", ["a hand's breadth", "a step aside"])
def test_what_is_near_has_moved_against_what_is_far(coffee: Image.Image, name: str) -> None:
    found = laid(coffee, moments_later(coffee, name))
    assert found.similarity[0] > 0.8  # the two do look alike
    assert found.moved[0] > MOVED
    assert not agrees(found)[0]


@pytest.mark.parametrize(
    "name", ["sticker of", "lettered across", "slanted by", "watermarked all over", "blurred by"]
)
def test_in_a_copy_nothing_has_moved(coffee: Image.Image, name: str) -> None:
    found = laid(coffee, edited(coffee, name))
    assert found.moved[0] <= MOVED
    assert agrees(found)[0]
