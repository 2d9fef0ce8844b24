"""Preprocessing is that of the published image processors: their sizes, rounding, resampling."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from albumen.packs.manifest import PreprocessingRecord
from albumen.packs.preprocessing import Preprocessing, centre_crop

RECORD = PreprocessingRecord(
    112, 112, "bicubic", (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
)


def photo(sample_photos: Path, name: str) -> np.ndarray:
    return np.asarray(Image.open(sample_photos / name).convert("RGB"))


def test_a_photo_is_resized_by_its_short_side_and_cropped_in_the_middle(
    sample_photos: Path,
) -> None:
    pixels = photo(sample_photos, "coffee.png")  # 400 x 600
    done = Preprocessing(RECORD).apply(pixels)
    # The long side is rounded down, 168.0 -> 168; the middle begins at (168 - 112) // 2.
    resized = Image.fromarray(pixels).resize((168, 112), Image.Resampling.BICUBIC)
    assert np.array_equal(done, np.asarray(resized)[:, 28:140])


@pytest.mark.parametrize(("height", "width", "long"), [(300, 451, 168), (451, 300, 168)])
def test_the_long_side_is_rounded_down(height: int, width: int, long: int) -> None:
    # 112 * 451 / 300 = 168.37
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    size = (long, 112) if width > height else (112, long)
    resized = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    expected = resized[:, 28:140] if width > height else resized[28:140]
    assert np.array_equal(Preprocessing(RECORD).apply(pixels), expected)


@pytest.mark.parametrize("name", ["bilinear", "bicubic", "lanczos"])
def test_interpolation_is_pillows_of_that_name(sample_photos: Path, name: str) -> None:
    pixels = photo(sample_photos, "astronaut.png")  # 512 x 512
    done = Preprocessing(replace(RECORD, interpolation=name)).apply(pixels)
    own = Image.fromarray(pixels).resize((112, 112), Image.Resampling[name.upper()])
    assert np.array_equal(done, np.asarray(own))


@pytest.mark.parametrize(("height", "width"), [(9, 3001), (3001, 9), (1, 65535), (200, 4000)])
def test_of_a_strip_the_same_middle_comes_out_as_if_it_were_resized_whole(
    height: int, width: int
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    steps = Preprocessing(replace(RECORD, resize=16, crop=16))
    short = min(height, width)
    long = int(16 * max(height, width) / short)
    size = (16, long) if height > width else (long, 16)
    whole = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    # Pillow resizes the two axes of very tall pictures in another order, rounding in between.
    assert np.abs(steps.apply(pixels).astype(int) - centre_crop(whole, 16)).mean() < 0.5


def test_a_size_of_two_sides_keeps_no_aspect(sample_photos: Path) -> None:
    steps = Preprocessing(replace(RECORD, resize=(64, 80), crop=None))
    assert steps.apply(photo(sample_photos, "coffee.png")).shape == (64, 80, 3)
    assert steps.short_side == 80


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 400), st.integers(1, 400))
def test_any_picture_becomes_a_square_of_the_same_type(height: int, width: int) -> None:
    done = Preprocessing(RECORD).apply(np.full((height, width, 3), 77, np.uint8))
    assert done.shape == (112, 112, 3)
    assert done.dtype == np.uint8
    assert (done == 77).all()


@settings(deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30))
def test_a_crop_keeps_the_middle_and_fills_up_with_black(
    height: int, width: int, side: int
) -> None:
    pixels = np.full((height, width, 3), 200, np.uint8)
    done = centre_crop(pixels, side)
    assert done.shape == (side, side, 3)
    assert (done == 200).sum() == min(height, side) * min(width, side) * 3


def test_values_are_scaled_channel_by_channel() -> None:
    batch = np.zeros((2, 1, 1, 3), np.uint8)
    batch[1] = 255
    done = Preprocessing(RECORD).normalise(batch)
    assert done.shape == (2, 3, 1, 1)
    assert done.dtype == np.float32
    assert done.flags.c_contiguous
    mean, std = np.float64(RECORD.mean), np.float64(RECORD.std)
    assert done[0].ravel() == pytest.approx(-mean / std, abs=1e-6)
    assert done[1].ravel() == pytest.approx((1 - mean) / std, abs=1e-6)
