"""From the same decoded picture, the same input as the published processors make; and what decoding
at reduced scale, which they do not do, changes."""

import io
from pathlib import Path

import bench._references  # noqa: F401  (so that transformers loads beside any build of PyTorch)
import numpy as np
import pytest
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from albumen.library.decode import DecodeWorkers, decode
from albumen.packs import catalogue, open_pack
from albumen.packs.manifest import PreprocessingRecord
from albumen.packs.preprocessing import Preprocessing

HALF = (0.5, 0.5, 0.5)
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
VIT = PreprocessingRecord((224, 224), None, "bilinear", HALF, HALF)
CLIP = PreprocessingRecord(224, 224, "bicubic", MEAN, STD)

PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
# (height, width) cut out of a photo: odd, portrait, landscape, square, smaller than the input.
CUTS = [(427, 640), (299, 223), (223, 299), (225, 225), (224, 224), (97, 400), (300, 57), (31, 33)]


def photo(sample_photos: Path, name: str) -> np.ndarray:
    with Image.open(sample_photos / name) as picture:
        return np.asarray(picture.convert("RGB"))


def ours(record: PreprocessingRecord, pixels: np.ndarray) -> np.ndarray:
    steps = Preprocessing(record)
    return steps.normalise(steps.apply(pixels)[np.newaxis])


def theirs(processor, pixels: np.ndarray) -> np.ndarray:
    return processor(images=Image.fromarray(pixels), return_tensors="np")["pixel_values"]


@pytest.mark.parametrize("cut", CUTS, ids=lambda cut: f"{cut[0]}x{cut[1]}")
@pytest.mark.parametrize("family", ["vit", "clip"])
def test_input_is_that_of_the_published_processor(
    sample_photos: Path, family: str, cut: tuple[int, int]
) -> None:
    record, processor = {
        "vit": (VIT, ViTImageProcessorPil(image_mean=HALF, image_std=HALF)),
        "clip": (CLIP, CLIPImageProcessorPil()),
    }[family]
    for name in PHOTOS:
        whole = photo(sample_photos, name)
        pixels = np.ascontiguousarray(whole[: cut[0], -cut[1] :])
        given, expected = ours(record, pixels), theirs(processor, pixels)
        assert given.shape == expected.shape == (1, 3, 224, 224)
        # A level of 8 bits is 1 / (255 * 0.26) = 0.015: these are the same pixels, to rounding.
        assert np.abs(given - expected).max() < 1e-6


def test_a_wrong_interpolation_would_be_noticed(sample_photos: Path) -> None:
    pixels = photo(sample_photos, "coffee.png")
    bicubic = theirs(CLIPImageProcessorPil(), pixels)
    bilinear = ours(PreprocessingRecord(224, 224, "bilinear", MEAN, STD), pixels)
    assert np.abs(bicubic - bilinear).max() > 0.1


def as_jpeg(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=92)
    return out.getvalue()


def both_ways(data: bytes, steps: Preprocessing) -> tuple[np.ndarray, np.ndarray]:
    """The pack's uint8 input, from the picture decoded at reduced scale and at its full one."""
    with DecodeWorkers(1) as workers:
        reduced = decode(data, short_side=steps.short_side, workers=workers).pixels
    with Image.open(io.BytesIO(data)) as picture:
        full = np.asarray(picture.convert("RGB"))
    assert steps.short_side <= min(reduced.shape[:2]) < min(full.shape[:2])
    return steps.apply(reduced), steps.apply(full)


@pytest.mark.parametrize("side", [64, 112, 224])
@pytest.mark.parametrize("name", PHOTOS)
def test_decoding_at_reduced_scale_changes_little(
    sample_photos: Path, name: str, side: int
) -> None:
    steps = Preprocessing(PreprocessingRecord(side, side, "bicubic", MEAN, STD))
    reduced, full = both_ways(as_jpeg(photo(sample_photos, name)), steps)
    # Of 255 levels. Worst is a scale just above the size wanted: 300 px of fur, decoded to 113 and
    # resized to 112.
    assert np.abs(reduced.astype(int) - full).mean() < 6
    a, b = (steps.normalise(one[np.newaxis]).ravel() for one in (reduced, full))
    assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) > 0.97


@pytest.mark.skipif(not catalogue.builtin_packs(), reason="no pack is shipped in this checkout")
@pytest.mark.parametrize("name", PHOTOS)
def test_embeddings_hardly_feel_it(sample_photos: Path, name: str) -> None:
    pack = open_pack("starter")
    pair = both_ways(as_jpeg(photo(sample_photos, name)), pack.preprocessing)
    reduced, full = pack.encode_images(np.stack(pair))
    assert reduced @ full > 0.99
