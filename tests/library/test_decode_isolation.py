"""What takes much memory is a worker's: pictures by their header, files by their size."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.library import pictures
from tests.library.hostile import png
from tests.library.test_decode_workers import running

from albumen.library.decode import DecodeWorkers, decode
from albumen.library.decode.bounds import MAX_FILE_HERE, MAX_MEMORY_HERE, MAX_SHOWN
from albumen.library.decode.cost import cost
from albumen.library.develop import develop
from albumen.library.identify import identify
from albumen.library.records import Failure, Identified, Root, Seen

LARGE = Image.new("RGB", (4000, 3000), (200, 30, 30))
NOISE = pictures.noise((96, 64))


@pytest.fixture
def workers() -> Iterator[DecodeWorkers]:
    with DecodeWorkers(1) as workers:
        yield workers


def test_a_jpeg_costs_its_reduced_picture_unless_its_scans_are_all_kept() -> None:
    plain, progressive = (
        pictures.encoded(LARGE, "JPEG", progressive=progressive) for progressive in (False, True)
    )
    assert cost(plain, "JPEG", 224) == 500 * 375 * 3
    # Two bytes a coefficient; of the two colours a quarter of them.
    assert cost(progressive, "JPEG", 224) == 500 * 375 * 3 + 4000 * 3000 * 3


def test_a_png_costs_its_pixels_and_what_its_texts_become() -> None:
    assert cost(png(1000, 500), "PNG", 224) == 1000 * 500 * 4
    assert cost(png(1000, 500, depth=16), "PNG", 224) == 1000 * 500 * 16
    noted = pictures.encoded(NOISE, "PNG", icc_profile=bytes(100_000))
    assert cost(noted, "PNG", 224) > cost(pictures.encoded(NOISE, "PNG"), "PNG", 224) + 100_000


def test_an_animated_webp_costs_three_frames() -> None:
    frames = {"save_all": True, "append_images": [pictures.noise((96, 64), 1)]}
    assert cost(pictures.encoded(NOISE, "WEBP", **frames), "WEBP", 32) == 96 * 64 * 4 * 3


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_data_without_a_header_cost_nothing_and_are_refused_by_the_decoder(format: str) -> None:
    whole = pictures.encoded(pictures.quadrants(), format)
    assert cost(whole[:14], format, 32) <= MAX_MEMORY_HERE


@pytest.mark.parametrize(
    ("data", "in_a_worker"),
    [
        (pictures.encoded(LARGE, "JPEG"), False),
        (pictures.encoded(LARGE, "JPEG", progressive=True), True),
        (png(1000, 1000), False),
        (png(4000, 3000), True),
    ],
    ids=["JPEG", "progressive JPEG", "PNG of a megapixel", "PNG of twelve"],
)
def test_the_header_decides_who_decodes(
    workers: DecodeWorkers, data: bytes, in_a_worker: bool
) -> None:
    assert min(decode(data, short_side=64, workers=workers).pixels.shape[:2]) >= 64
    assert bool(running(workers)) == in_a_worker


def test_a_progressive_jpeg_is_the_same_from_a_worker(workers: DecodeWorkers) -> None:
    photo = pictures.noise((1500, 1000), 3)
    far = decode(
        pictures.encoded(photo.resize((3000, 2000)), "JPEG", progressive=True),
        short_side=250, workers=workers,
    )  # fmt: skip
    near = decode(
        pictures.encoded(photo.resize((3000, 2000)), "JPEG"), short_side=250, workers=workers
    )
    assert running(workers)
    assert np.abs(far.pixels.astype(int) - near.pixels).max() <= 2


def test_of_a_strip_no_more_pixels_are_given_than_are_shown(workers: DecodeWorkers) -> None:
    decoded = decode(png(200_000, 300), short_side=256, workers=workers)
    assert (decoded.width, decoded.height) == (200_000, 300)
    assert decoded.pixels.shape[0] * decoded.pixels.shape[1] <= MAX_SHOWN


# Large files


def file_of(folder: Path, data: bytes) -> Seen:
    path = folder / "IMG_20240501_102030.jpg"
    path.write_bytes(data)
    status = path.stat()
    return Seen(Root(1, folder), os.fsencode(path.name), len(data), status.st_mtime_ns, 0)


@pytest.fixture
def large(tmp_path: Path) -> Seen:
    """A photo of little more than may be held, most of it behind its end."""
    data = pictures.oriented("JPEG", 6) + bytes(MAX_FILE_HERE)
    return file_of(tmp_path, data)


def new(content: bytes) -> bool:
    return False


def test_a_large_file_is_identified_without_being_held(large: Seen) -> None:
    identified = identify(large, new)
    assert isinstance(identified, Identified)
    assert (identified.data, identified.settled) == (None, False)
    small = identify(file_of(large.root.path, large.path.read_bytes()[:1000]), new)
    assert isinstance(small, Identified)
    assert small.data is not None


def test_a_large_file_tells_the_same_from_a_worker(large: Seen, workers: DecodeWorkers) -> None:
    identified = identify(large, new)
    assert isinstance(identified, Identified)
    far, failures = develop(identified, short_side=32, fit=None, fingerprint=None, workers=workers)
    assert failures == ()
    assert running(workers)
    held = replace(identified, data=large.path.read_bytes())
    near, _ = develop(held, short_side=32, fit=None, fingerprint=None, workers=workers)
    assert far is not None
    assert near is not None
    assert np.array_equal(far.pixels, near.pixels)
    assert far.record.metadata == near.record.metadata
    assert (far.image_hash, far.content_hash) == (near.image_hash, near.content_hash)
    assert far.metadata.taken == "2024-05-01T10:20:30"
    assert (far.width, far.height, far.metadata.orientation) == (96, 64, 6)


@pytest.mark.parametrize("end", ["changed", "vanished", "is no picture"])
def test_a_large_file_that_is_no_longer_what_it_was_fails(
    large: Seen, workers: DecodeWorkers, end: str
) -> None:
    if end == "is no picture":
        large.path.write_bytes(b"PK\x03\x04" + bytes(MAX_FILE_HERE))
    identified = identify(large, new)
    assert isinstance(identified, Identified)
    if end == "changed":
        large.path.write_bytes(bytes(MAX_FILE_HERE + 5))
    if end == "vanished":
        large.path.unlink()
    decoded, (failure,) = develop(
        identified, short_side=32, fit=None, fingerprint=None, workers=workers
    )
    assert decoded is None
    told = {
        "changed": ("identify", "failed", "it changed while it was read", False),
        "vanished": ("identify", "failed", "no such file", False),
        "is no picture": ("decode", "skipped", "but an archive", True),
    }
    stage, status, reason, lasting = told[end]
    assert failure == Failure(stage, status, failure.reason, lasting)
    assert reason in failure.reason
