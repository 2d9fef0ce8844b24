"""The image hash outlives edits of metadata, and tells pictures apart."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.library import pictures

from albumen.library import image_hash

FORMATS = ["JPEG", "PNG", "WEBP"]


def with_rating(data: bytes) -> bytes:
    """The same picture, with EXIF, XMP and a comment written into the file by hand."""
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><!-- Rating="5" --></x:xmpmeta>'
    if data.startswith(b"\xff\xd8"):
        content = b"http://ns.adobe.com/xap/1.0/\0" + xmp
        app1 = b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content
        comment = b"\xff\xfe" + struct.pack(">H", 6) + b"five"
        tables = data.index(b"\xff\xdb")
        return data[:2] + app1 + data[2:tables] + comment + data[tables:]
    if data.startswith(b"\x89PNG"):
        content = b"iTXtXML:com.adobe.xmp\0\0\0\0\0" + xmp
        crc = struct.pack(">I", zlib.crc32(content))
        return data[:33] + struct.pack(">I", len(content) - 4) + content + crc + data[33:]
    chunk = b"XMP " + struct.pack("<I", len(xmp)) + xmp + b"\0" * (len(xmp) % 2)
    return b"RIFF" + struct.pack("<I", len(data) - 8 + len(chunk)) + data[8:] + chunk


@pytest.mark.parametrize("format", FORMATS)
def test_a_rating_written_into_the_file_changes_nothing(format: str) -> None:
    data = pictures.encoded(pictures.quadrants(), format)
    rated = with_rating(data)
    assert rated != data
    assert image_hash.of(rated) == image_hash.of(data) is not None
    Image.open(BytesIO(rated)).load()  # what was written by hand is still a picture


@pytest.mark.parametrize("format", FORMATS)
def test_exif_written_by_pillow_changes_nothing(format: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a caption"
    plain = pictures.encoded(pictures.quadrants(), format)
    captioned = pictures.encoded(pictures.quadrants(), format, exif=exif.tobytes())
    assert plain != captioned
    assert image_hash.of(plain) == image_hash.of(captioned)


@pytest.mark.parametrize("format", FORMATS)
def test_different_pictures_differ(format: str) -> None:
    images = [pictures.noise((64, 48), seed) for seed in range(5)]
    images += [pictures.quadrants((64, 48)), pictures.quadrants((48, 64))]
    hashes = {image_hash.of(pictures.encoded(image, format)) for image in images}
    assert len(hashes) == len(images)
    assert all(value is not None and len(value) == 32 for value in hashes)


def test_another_palette_or_transparency_is_another_picture() -> None:
    image = pictures.quadrants().quantize(4)
    other = image.copy()
    other.putpalette([255 - value for value in image.getpalette() or []])
    assert image.tobytes() == other.tobytes()
    hashes = {
        image_hash.of(pictures.encoded(image, "PNG")),
        image_hash.of(pictures.encoded(other, "PNG")),
        image_hash.of(pictures.encoded(image, "PNG", transparency=0)),
    }
    assert len(hashes) == 3


def test_adobes_marker_counts_since_it_changes_colours() -> None:
    data = pictures.encoded(pictures.quadrants().convert("CMYK"), "JPEG")
    assert image_hash.of(data) != image_hash.of(pictures.jpeg_without_app14(data)) is not None


def test_another_encoding_of_one_picture_differs() -> None:
    image = pictures.noise((64, 48))
    jpegs = {image_hash.of(pictures.encoded(image, "JPEG", quality=q)) for q in (50, 60, 70)}
    assert len(jpegs) == 3


def test_animations_are_hashed_whole() -> None:
    first, second, third = (pictures.noise((32, 32), seed) for seed in range(3))
    one = pictures.encoded(first, "WEBP", save_all=True, append_images=[second])
    two = pictures.encoded(first, "WEBP", save_all=True, append_images=[third])
    assert image_hash.of(one) != image_hash.of(two)


def test_other_formats_have_none(sample_photos: Path) -> None:
    for format in ("GIF", "BMP", "TIFF", "HEIF", "AVIF"):
        assert image_hash.of(pictures.encoded(pictures.quadrants(), format)) is None
    assert image_hash.of(b"") is None
    assert image_hash.of(b"just some words") is None
    assert image_hash.of((sample_photos / "coffee.png").read_bytes()) is not None


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.9, 0.99])
def test_a_truncated_file_has_none(format: str, share: float) -> None:
    data = pictures.encoded(pictures.noise((64, 48)), format)
    assert image_hash.of(data[: int(len(data) * share)]) is None


HEADS = [
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"RIFF\xff\0\0\0WEBP",
    b"RIFF\xff\xff\xff\xffWEBP",
]


@given(st.sampled_from(HEADS), st.binary(max_size=300))
def test_arbitrary_bytes_never_raise(head: bytes, data: bytes) -> None:
    value = image_hash.of(head + data)
    assert value is None or len(value) == 32


@given(
    st.lists(st.sampled_from([b"\xff", b"\xd9", b"\0", b"xyz"]), max_size=12).map(b"".join),
    st.integers(0, 20),
    st.integers(0, 9),
)
def test_the_end_marker_is_the_first_however_the_data_are_stretched(
    end: bytes, start: int, offset: int
) -> None:
    data = b"\xff" * 3 + bytes(image_hash._STRETCH - offset) + end
    for begin in (0, start, image_hash._STRETCH - start):
        assert image_hash._end_marker(data, begin) == data.find(b"\xff\xd9", begin)
