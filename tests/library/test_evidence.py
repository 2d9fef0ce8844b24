"""What copies are found by: hashes that hold however a photo is turned, and without its frame."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from albumen.library import evidence
from albumen.library.evidence import as_integers, distance, orientations, without_borders


@pytest.fixture(scope="module")
def cat(sample_photos: Path) -> Image.Image:
    return Image.open(sample_photos / "chelsea.png").convert("RGB")


def found_of(picture: Image.Image) -> evidence.Evidence:
    return evidence.of(np.asarray(picture), lambda pixels: pixels)


@pytest.mark.parametrize("turn", list(Image.Transpose))
def test_the_hash_of_a_turned_photo_is_known_without_the_photo(
    cat: Image.Image, turn: Image.Transpose
) -> None:
    upright = as_integers([found_of(cat).hash])
    turned = as_integers([found_of(cat.transpose(turn)).hash])
    assert np.bitwise_count(orientations(upright)[:, 0] ^ turned[0]).min() <= 1
    assert distance(upright, turned[0])[0] <= 1


def test_hashes_of_copies_are_near_and_those_of_others_far(
    cat: Image.Image, sample_photos: Path
) -> None:
    hashes = as_integers([found_of(cat).hash])
    small = ImageOps.mirror(cat.resize((120, 80)).convert("L").convert("RGB"))
    coffee = Image.open(sample_photos / "coffee.png").convert("RGB")
    assert distance(hashes, as_integers([found_of(small).hash])[0])[0] <= 6
    assert distance(hashes, as_integers([found_of(coffee).hash])[0])[0] > 12


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (120, 80, 40)])
def test_a_frame_is_taken_off(cat: Image.Image, colour: tuple[int, int, int]) -> None:
    framed = ImageOps.expand(cat, (30, 80), colour)
    inner = without_borders(np.asarray(framed))
    assert abs(inner.shape[0] - cat.height) <= 2
    assert abs(inner.shape[1] - cat.width) <= 2
    both = as_integers([found_of(framed).inner_hash]), as_integers([found_of(cat).hash])
    assert distance(both[0], both[1][0])[0] <= 4


def test_a_photo_without_a_frame_keeps_all_of_itself(cat: Image.Image) -> None:
    pixels = np.asarray(cat)
    assert without_borders(pixels) is pixels
    assert found_of(cat).inner == 1.0
    assert found_of(cat).inner_hash == found_of(cat).hash


def test_a_plain_picture_is_no_frame_around_nothing() -> None:
    plain = np.full((120, 160, 3), 200, np.uint8)
    assert without_borders(plain).shape == plain.shape


def test_the_small_picture_comes_back_nearly_as_it_was(cat: Image.Image) -> None:
    kept = found_of(cat).picture
    back = evidence.unpacked(kept)
    wanted = np.asarray(cat.convert("L").resize((96, 96), Image.Resampling.BILINEAR), np.int16)
    assert len(kept) < 6000
    assert np.abs(back - wanted).mean() < 3
