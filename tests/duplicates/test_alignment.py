"""One picture laid over another: what is the same picture, and what only looks like it."""

from pathlib import Path

import numpy as np
import pytest
from bench._edits import KINDS
from PIL import Image, ImageOps
from tests.duplicates.albums import crop, photo

from albumen.duplicates.alignment import align
from albumen.duplicates.comparing import Alignment
from albumen.duplicates.placing import agrees, regions
from albumen.library import evidence

EDITS = [
    "JPEG of quality",
    "cropped about the centre to",
    "cropped anywhere to",
    "turned by quarters",
    "turned and cropped, degrees",
    "mirrored",
    "stretched by",
    "gamma",
    "grey",
    "watermarked all over",
    "captioned below",
    "lettered across",
    "sticker of",
    "framed by",
    "screenshot, share",
    "forwarded, resized by",
]


def laid(first: Image.Image, second: Image.Image) -> Alignment:
    pictures, aspects = [], []
    for picture in (first, second):
        found = evidence.of(np.asarray(picture), lambda pixels: pixels)
        pictures.append(evidence.unpacked(found.picture)[None])
        aspects.append(np.array([picture.width / picture.height], np.float32))
    return align(*pictures, *aspects)


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_of_the_strongest_grade_lies_on_its_original(
    name: str, sample_photos: Path
) -> None:
    kind = next(kind for kind in KINDS if kind.name == name)
    original = photo(sample_photos, "astronaut.png")
    edited = kind.edit(original, kind.grades[-1], np.random.default_rng(3))
    assert agrees(laid(original, edited))[0]


def test_two_eyes_on_one_scene_do_not_see_the_same_picture(sample_photos: Path) -> None:
    left, right = (photo(sample_photos, f"motorcycle_{side}.png") for side in ("left", "right"))
    found = laid(left, right)
    assert found.similarity[0] > 0.8  # they do look alike
    assert not agrees(found)[0]


def test_other_pictures_do_not_agree(sample_photos: Path) -> None:
    names = ["astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png"]
    pictures = [photo(sample_photos, name) for name in names]
    for number, one in enumerate(pictures):
        for other in pictures[:number]:
            assert not agrees(laid(one, other))[0]


def test_plain_pictures_are_not_called_the_same() -> None:
    grey, white = (Image.new("RGB", (160, 120), (level,) * 3) for level in (90, 255))
    assert not agrees(laid(grey, white))[0]
    assert not agrees(laid(grey, grey))[0]


def test_a_crop_tells_which_part_it_shows(sample_photos: Path) -> None:
    original = photo(sample_photos, "chelsea.png")
    found = laid(original, crop(original, 0.2, 0.1, 0.9, 0.8))
    assert regions(found)[0] == pytest.approx([0.2, 0.1, 0.9, 0.8], abs=0.03)
    assert found.first[0] == pytest.approx(0.49, abs=0.03)
    assert found.second[0] > 0.97


def test_a_picture_on_plain_ground_lies_on_itself_in_a_frame(sample_photos: Path) -> None:
    ground = ImageOps.expand(photo(sample_photos, "coffee.png"), 40, (250, 250, 250))
    framed = ImageOps.expand(ground, 30, (120, 80, 40))
    assert agrees(laid(ground, framed))[0]
