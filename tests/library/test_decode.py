"""Whatever a picture's format, turn and colours: upright RGB pixels come of it, or a reason."""

import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageSequence
from tests.library import pictures

from albumen.library.decode import DecodedPixels, DecodeError, DecodeWorkers, decode

FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF"]
WITH_ORIENTATION = ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"]


@pytest.fixture(scope="module")
def workers() -> Iterator[DecodeWorkers]:
    with DecodeWorkers(1) as workers:
        yield workers


def failure(data: bytes, workers: DecodeWorkers) -> tuple[str, str]:
    with pytest.raises(DecodeError) as error:
        decode(data, short_side=32, workers=workers)
    return error.value.status, error.value.reason


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_gives_the_same_picture(format: str, workers: DecodeWorkers) -> None:
    decoded = decode(pictures.encoded(pictures.quadrants(), format), short_side=32, workers=workers)
    assert decoded.format == format
    assert (decoded.width, decoded.height) == pictures.SIZE
    assert decoded.pixels.dtype == np.uint8
    assert decoded.pixels.shape == (32, 48, 3)
    assert decoded.pixels.flags.c_contiguous
    assert decoded.pixels.flags.writeable
    assert pictures.shows_quadrants(decoded.pixels)


@pytest.mark.parametrize("format", WITH_ORIENTATION)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_is_shown_upright(
    format: str, orientation: int, workers: DecodeWorkers
) -> None:
    data = pictures.oriented(format, orientation)
    decoded = decode(data, short_side=32, workers=workers)
    assert (decoded.width, decoded.height) == pictures.SIZE
    assert pictures.shows_quadrants(decoded.pixels)
    if format in ("JPEG", "PNG", "WEBP", "TIFF"):
        assert decoded.orientation == orientation


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_orientation_zero_and_nonsense_leave_the_picture_as_it_is(
    format: str, orientation: int, workers: DecodeWorkers
) -> None:
    decoded = decode(pictures.oriented(format, orientation), short_side=32, workers=workers)
    assert decoded.orientation == 1
    assert pictures.shows_quadrants(decoded.pixels)


def test_pixels_are_reduced_but_not_below_the_wanted_short_side(workers: DecodeWorkers) -> None:
    image = pictures.quadrants((1200, 800))
    for format in ("JPEG", "PNG", "WEBP", "TIFF"):
        pixels = decode(pictures.encoded(image, format), short_side=100, workers=workers).pixels
        assert 100 <= min(pixels.shape[:2]) < 200, format


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", [(1, 1), (3, 700), (700, 3), (31, 33)])
def test_pictures_smaller_than_wanted_keep_their_size(
    format: str, size: tuple[int, int], workers: DecodeWorkers
) -> None:
    data = pictures.encoded(Image.new("RGB", size, pictures.RED), format)
    decoded = decode(data, short_side=224, workers=workers)
    assert decoded.pixels.shape == (size[1], size[0], 3)


def test_a_name_never_chooses_the_decoder_but_the_content_does(workers: DecodeWorkers) -> None:
    # decode() is not even told the name; this only pins down that formats are told apart.
    for format in FORMATS:
        data = pictures.encoded(pictures.quadrants(), format)
        assert decode(data, short_side=32, workers=workers).format == format


# Colours


def test_grey_pictures_become_rgb(workers: DecodeWorkers) -> None:
    grey = pictures.quadrants().convert("L")
    for format in ("JPEG", "PNG", "TIFF", "WEBP"):
        decoded = decode(pictures.encoded(grey, format), short_side=32, workers=workers)
        expected = np.asarray(grey.convert("RGB"))
        assert np.allclose(pictures.corners(decoded.pixels), pictures.corners(expected), atol=4)


@pytest.mark.parametrize("adobe", [True, False])
def test_cmyk_jpegs_show_their_colours_not_the_inverse(adobe: bool, workers: DecodeWorkers) -> None:
    data = pictures.encoded(pictures.quadrants().convert("CMYK"), "JPEG")
    if not adobe:
        data = pictures.jpeg_without_app14(data)
    assert pictures.shows_quadrants(decode(data, short_side=32, workers=workers).pixels)


def test_cmyk_tiffs_show_their_colours(workers: DecodeWorkers) -> None:
    data = pictures.encoded(pictures.quadrants().convert("CMYK"), "TIFF")
    assert pictures.shows_quadrants(decode(data, short_side=32, workers=workers).pixels)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "GIF", "BMP"])
def test_palettes_are_looked_up(format: str, workers: DecodeWorkers) -> None:
    data = pictures.encoded(pictures.quadrants().quantize(16), format)
    assert pictures.shows_quadrants(decode(data, short_side=32, workers=workers).pixels)


def half_clear() -> Image.Image:
    """The quadrants in RGBA, the left half wholly transparent (and black below)."""
    image = pictures.quadrants().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 48, 64))
    return image


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "AVIF", "HEIF", "GIF"])
def test_what_is_transparent_is_white_like_paper(format: str, workers: DecodeWorkers) -> None:
    decoded = decode(pictures.encoded(half_clear(), format), short_side=32, workers=workers)
    upper_left, upper_right, lower_left, _ = pictures.corners(decoded.pixels)
    assert upper_left.min() > 245
    assert lower_left.min() > 245
    assert np.allclose(upper_right, pictures.GREEN, atol=30)


def test_transparent_palette_grey_and_colour_key_pngs_are_over_white(
    workers: DecodeWorkers,
) -> None:
    palette = half_clear().quantize(8)
    grey = half_clear().convert("LA")
    keyed = half_clear().convert("RGB")
    for image, options in ((palette, {}), (grey, {}), (keyed, {"transparency": (0, 0, 0)})):
        data = pictures.encoded(image, "PNG", **options)
        corners = pictures.corners(decode(data, short_side=32, workers=workers).pixels)
        assert corners[0].min() > 245, image.mode
        assert corners[1].min() < 245, image.mode


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(format: str, workers: DecodeWorkers) -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16)[None].repeat(64, axis=0)
    decoded = decode(
        pictures.encoded(Image.fromarray(ramp), format), short_side=64, workers=workers
    )
    assert np.abs(decoded.pixels[32, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_real_numbers_in_a_tiff_are_scaled(workers: DecodeWorkers) -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None].repeat(64, axis=0)
    for values in (ramp, ramp * 1e6 - 5e5):
        decoded = decode(
            pictures.encoded(Image.fromarray(values), "TIFF"), short_side=64, workers=workers
        )
        assert np.abs(decoded.pixels[32, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_progressive_interlaced_and_compressed_variants_are_read(workers: DecodeWorkers) -> None:
    image = pictures.quadrants()
    variants = [
        pictures.encoded(image, "JPEG", progressive=True),
        pictures.encoded(image, "JPEG", subsampling="4:1:1"),
        pictures.encoded(image, "WEBP", lossless=False, quality=95),
        pictures.encoded(image, "TIFF", compression="tiff_lzw"),
        pictures.encoded(image, "TIFF", compression="jpeg", quality=95),
        pictures.encoded(image, "TIFF", compression="tiff_deflate", tile=(16, 16)),
        pictures.encoded(image, "GIF", interlace=True),
    ]
    for data in variants:
        assert pictures.shows_quadrants(decode(data, short_side=32, workers=workers).pixels)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF", "AVIF", "HEIF"])
def test_of_animations_and_pages_the_first_is_taken(format: str, workers: DecodeWorkers) -> None:
    others = [Image.new("RGB", pictures.SIZE, colour) for colour in ("black", "white")]
    data = pictures.encoded(pictures.quadrants(), format, save_all=True, append_images=others)
    assert len(list(ImageSequence.Iterator(Image.open(BytesIO(data))))) == 3
    decoded = decode(data, short_side=32, workers=workers)
    assert pictures.shows_quadrants(decoded.pixels)


def test_a_real_photo_decodes_to_what_pillow_shows(
    sample_photos: Path, workers: DecodeWorkers
) -> None:
    photo = Image.open(sample_photos / "coffee.png").convert("RGB")
    for format in ("JPEG", "PNG", "WEBP", "AVIF", "HEIF"):
        decoded = decode(pictures.encoded(photo, format), short_side=100, workers=workers)
        height, width = decoded.pixels.shape[:2]
        expected = np.asarray(photo.resize((width, height), Image.Resampling.BOX))
        assert np.abs(decoded.pixels.astype(int) - expected).mean() < 5, format


# What is no picture


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"<svg onload='x'>", "SVG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video"),
        (b"PK\x03\x04" + b"\0" * 30, "archive"),
        (b"\xff\x0a" + b"\0" * 30, "JPEG XL"),
        (b"just some words\n", "no picture"),
        (b"BM is how this text begins, and no bitmap does", "no picture"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "LFS"),
    ],
)
def test_disguised_files_are_skipped_by_what_they_are(
    data: bytes, word: str, workers: DecodeWorkers
) -> None:
    status, reason = failure(data, workers)
    assert status == "skipped"
    assert word in reason


def test_empty_and_zeroed_files_fail_with_a_reason(workers: DecodeWorkers) -> None:
    assert failure(b"", workers) == ("failed", "the file is empty")
    assert "zeros" in failure(bytes(5000), workers)[1]


# Damage


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.7, 0.9, 0.97])
def test_a_truncated_file_fails_rather_than_giving_half_a_picture(
    format: str, share: float, workers: DecodeWorkers
) -> None:
    # Noise fills the file with pixels; TIFF puts its directory last or first, so both ends count.
    data = pictures.encoded(pictures.noise((160, 120)), format)
    status, reason = failure(data[: int(len(data) * share)], workers)
    assert status == "failed"
    if format != "TIFF":
        assert "truncated" in reason or "damaged" in reason


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("share", [0.1, 0.4, 0.6, 0.8, 0.95, 0.999])
def test_a_truncated_jpeg_says_so_whatever_follows_it(
    share: float, progressive: bool, workers: DecodeWorkers
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = pictures.encoded(
        pictures.noise((160, 120)), "JPEG", progressive=progressive, exif=exif.tobytes()
    )
    cut = data[: int(len(data) * share)]
    assert "truncated" in failure(cut, workers)[1]
    for tail in (b"\xff\xd9", bytes(4096), bytes(4096) + b"\xff\xd9"):
        assert failure(cut + tail, workers)[0] == "failed"


def test_a_jpeg_cut_within_its_thumbnail_is_truncated(workers: DecodeWorkers) -> None:
    thumbnail = pictures.encoded(pictures.quadrants((64, 48)), "JPEG")
    app1 = b"Exif\0\0" + thumbnail
    data = pictures.encoded(pictures.noise((160, 120)), "JPEG")
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", len(app1) + 2) + app1 + data[2:]
    assert decode(data, short_side=32, workers=workers).width == 160
    for end in (len(app1) - 10, len(app1) + 40, len(data) - 5000):
        assert failure(data[:end], workers)[0] == "failed"


def test_bytes_after_the_end_do_no_harm(workers: DecodeWorkers) -> None:
    motion = b"\0\0\0\x18ftypmp42" + bytes(1000)  # a motion photo's film follows its picture
    second = pictures.encoded(pictures.noise((50, 50)), "JPEG")  # as in multi-picture files
    for format in ("JPEG", "PNG", "GIF", "BMP", "TIFF"):
        data = pictures.encoded(pictures.quadrants(), format)
        for tail in (motion, second, b"\n", bytes(100)):
            decoded = decode(data + tail, short_side=32, workers=workers)
            assert pictures.shows_quadrants(decoded.pixels), format


def test_stray_bytes_in_a_jpegs_header_do_no_harm(workers: DecodeWorkers) -> None:
    data = pictures.encoded(pictures.quadrants(), "JPEG")
    at = data.index(b"\xff\xdb")
    for stray in (b"\0", b"\0\0\0\0\0", b"\xff\xff\xff"):
        decoded = decode(data[:at] + stray + data[at:], short_side=32, workers=workers)
        assert pictures.shows_quadrants(decoded.pixels)


def test_damage_in_the_middle_of_a_jpeg_fails(workers: DecodeWorkers) -> None:
    data = bytearray(pictures.encoded(pictures.noise((320, 240)), "JPEG"))
    middle = len(data) // 2
    data[middle : middle + 60] = b"\x55" * 60
    assert failure(bytes(data), workers)[0] == "failed"


# Bombs


@pytest.mark.parametrize(
    "data",
    [
        pictures.jpeg_with_size(pictures.encoded(pictures.quadrants(), "JPEG"), 65500, 65500),
        pictures.jpeg_with_size(
            pictures.encoded(pictures.quadrants(), "JPEG", progressive=True), 20000, 20000
        ),
        pictures.png_with_size(pictures.encoded(pictures.quadrants(), "PNG"), 200_000, 200_000),
        b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0" + b"\xfe\xff\xff" * 2 + b"VP8L\0\0\0\0",
        pictures.gif_with_size(pictures.encoded(pictures.quadrants(), "GIF"), 65535, 65535),
        b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, 99999, 99999, 1, 24, 0) + bytes(99),
    ],
    ids=["JPEG", "progressive JPEG", "PNG", "WebP", "GIF", "BMP"],
)
def test_bombs_are_refused_by_their_header(data: bytes, workers: DecodeWorkers) -> None:
    status, reason = failure(data, workers)
    assert status == "failed"
    assert "megapixels" in reason


def test_a_progressive_jpeg_of_endless_scans_is_refused(workers: DecodeWorkers) -> None:
    data = pictures.encoded(pictures.quadrants(), "JPEG", progressive=True)
    start, end = data.rindex(b"\xff\xda"), data.rindex(b"\xff\xd9")
    assert "scans" in failure(data[:start] + data[start:end] * 500 + b"\xff\xd9", workers)[1]


def test_a_header_that_lies_small_gives_no_more_pixels_than_it_says(
    workers: DecodeWorkers,
) -> None:
    data = pictures.jpeg_with_size(pictures.encoded(pictures.noise((320, 240)), "JPEG"), 32, 32)
    try:
        decoded = decode(data, short_side=32, workers=workers)
    except DecodeError:
        return
    assert decoded.pixels.shape == (32, 32, 3)


def test_a_hundred_megapixel_jpeg_is_decoded_without_holding_it(tmp_path: Path) -> None:
    small = pictures.encoded(pictures.noise((512, 512)).convert("L"), "JPEG", quality=30)
    big = Image.new("L", (10_000, 10_000), 128)
    big.paste(Image.open(BytesIO(small)), (5000, 5000))
    (tmp_path / "big.jpg").write_bytes(pictures.encoded(big, "JPEG", quality=50))
    (tmp_path / "small.jpg").write_bytes(small)
    script = """
import resource, sys
from albumen.library.decode import DecodeWorkers, decode
peaks = []
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        decoded = decode(file.read(), short_side=112, workers=DecodeWorkers(1))
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(decoded.width, decoded.height, peaks[1] - peaks[0])
"""
    run = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "small.jpg", tmp_path / "big.jpg"],
        capture_output=True,
        text=True,
        check=True,
    )
    width, height, kib = map(int, run.stdout.split())
    assert (width, height) == (10_000, 10_000)
    assert kib < 40_000  # the whole picture would be 300 MB


# Hostile data


@settings(max_examples=300, deadline=None)
@given(head=st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]), data=st.binary(max_size=400))
def test_arbitrary_bytes_give_pixels_or_a_reason(head: bytes, data: bytes) -> None:
    with pytest.raises(DecodeError) as error:
        decode(head + data, short_side=32, workers=NOBODY)
    assert error.value.reason


@settings(max_examples=300, deadline=None)
@given(
    format=st.sampled_from(["JPEG", "PNG", "WEBP"]),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8
    ),
)
def test_a_damaged_picture_gives_pixels_of_its_size_or_a_reason(
    format: str, changes: list[tuple[float, int]]
) -> None:
    data = bytearray(WHOLE[format])
    for place, value in changes:
        data[int(place * len(data))] = value
    try:
        decoded = decode(bytes(data), short_side=32, workers=NOBODY)
    except DecodeError:
        return
    assert isinstance(decoded, DecodedPixels)
    assert min(decoded.pixels.shape[:2]) >= min(32, decoded.width, decoded.height)


NOBODY = DecodeWorkers(1, timeout=5)
WHOLE = {
    format: pictures.encoded(pictures.noise((64, 48)), format) for format in ("JPEG", "PNG", "WEBP")
}


def test_threads_decode_at_the_same_time(workers: DecodeWorkers) -> None:
    """Each decoder lets the interpreter go on: another thread never waits for a whole picture.

    A busy machine may keep this thread waiting too; a decoder that held the interpreter would do
    so every time.
    """
    for format in ("JPEG", "PNG", "WEBP"):
        data = pictures.encoded(pictures.noise((1800, 1200)), format)
        assert any(ticks_while_decoding(data, workers) > 8 for _ in range(20)), format


def ticks_while_decoding(data: bytes, workers: DecodeWorkers) -> int:
    """How many fiftieths of a decode's time this thread woke up in while another decoded."""
    options = {"short_side": 112, "workers": workers}
    begin = time.perf_counter()
    decode(data, **options)
    alone = time.perf_counter() - begin
    thread = threading.Thread(target=decode, args=(data,), kwargs=options)
    thread.start()
    ticks = 0
    while thread.is_alive():
        time.sleep(alone / 50)
        ticks += 1
    return ticks
