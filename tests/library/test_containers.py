"""Walking a file's pieces: right on real files, short and safe on hostile ones."""

import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.library import pictures

from albumen.library.containers import (
    boxes,
    heif_item,
    jpeg_header,
    png_chunks,
    webp_chunks,
)


def exif() -> bytes:
    block = Image.Exif()
    block[0x0110] = "a model"
    return block.tobytes()


def test_the_pieces_of_a_jpeg_header_end_with_the_first_scan() -> None:
    data = pictures.encoded(pictures.quadrants(), "JPEG", exif=exif(), comment="hello")
    pieces = list(jpeg_header(data))
    assert [piece.name for piece in pieces].count(b"\xda") == 1
    assert pieces[-1].name == b"\xda"
    (comment,) = [data[start:end] for name, start, end in pieces if name == b"\xfe"]
    assert comment == b"hello"


def test_the_chunks_of_a_png_are_all_there() -> None:
    data = pictures.encoded(pictures.noise((300, 200)), "PNG", exif=exif())
    chunks = list(png_chunks(data))
    assert chunks[0].name == b"IHDR"
    assert chunks[-1].name == b"IEND"
    assert {b"eXIf", b"IDAT"} < {chunk.name for chunk in chunks}


def test_the_chunks_of_a_webp_are_padded_to_even_lengths() -> None:
    data = pictures.encoded(pictures.quadrants(), "WEBP", exif=exif() + b"!", xmp=b"<x/>")
    names = [chunk.name for chunk in webp_chunks(data)]
    assert names == [b"VP8X", b"VP8L", b"EXIF", b"XMP "]


@pytest.mark.parametrize("format", ["HEIF", "AVIF"])
def test_an_item_of_a_heif_or_avif_is_found(format: str) -> None:
    data = pictures.encoded(pictures.quadrants(), format, exif=exif(), xmp=b"<x>packet</x>")
    item = heif_item(data, b"Exif")
    assert item is not None
    assert data[item.start : item.end].endswith(exif()[6:])
    packet = heif_item(data, b"mime")
    assert packet is not None
    assert data[packet.start : packet.end] == b"<x>packet</x>"
    assert heif_item(data, b"none") is None


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + name + content


def heif(iinf: bytes, iloc: bytes) -> bytes:
    ftyp = box(b"ftyp", b"heic\0\0\0\0heic")
    return ftyp + box(b"meta", bytes(4) + box(b"iinf", iinf) + box(b"iloc", iloc))


EXIF_IS_ITEM_1 = bytes(4) + b"\0\1" + box(b"infe", b"\2\0\0\0\0\1\0\0Exif\0")


def test_an_item_is_found_where_the_locations_say() -> None:
    def located(version: int, fields: bytes) -> bytes:
        return heif(EXIF_IS_ITEM_1, bytes((version, 0, 0, 0)) + fields)

    plain = located(
        0, b"\x44\x00\0\2" + b"\0\7\0\0\0\1" + bytes(8) + b"\0\1\0\0\0\1\0\0\0\5\0\0\0\6"
    )
    item = heif_item(plain, b"Exif")
    assert item is not None
    assert (item.start, item.end) == (5, 11)
    in_pieces = located(0, b"\x44\x00\0\1" + b"\0\1\0\0\0\2" + bytes(16))
    assert heif_item(in_pieces, b"Exif") is None
    beyond = located(0, b"\x44\x00\0\1" + b"\0\1\0\0\0\1" + b"\0\0\0\5\0\1\0\0")
    assert heif_item(beyond, b"Exif") is None


HOSTILE = {
    "empty JPEG segments": b"\xff\xd8" + b"\xff\xfe\0\2" * 5_000_000,
    "markers without segments": b"\xff\xd8" + b"\xff\xd0" * 10_000_000,
    "no marker at all": b"\xff\xd8" + b"\xff\0" * 10_000_000,
    "empty PNG chunks": b"\x89PNG\r\n\x1a\n" + (bytes(4) + b"tEXt" + bytes(4)) * 2_000_000,
    "empty WebP chunks": b"RIFF\xff\xff\xff\x7fWEBP" + (b"XXXX" + bytes(4)) * 2_500_000,
    "empty boxes": b"\0\0\0\x08ftyp" + b"\0\0\0\x08free" * 2_500_000,
    "a box without size": b"\0\0\0\x08ftyp\0\0\0\1free" + bytes(1_000_000),
    "endless locations": heif(EXIF_IS_ITEM_1, b"\2\0\0\0\0\0" + b"\xff" * 4_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_walked_in_little_time(name: str) -> None:
    data, begin = HOSTILE[name], time.thread_time()
    for walk in (jpeg_header, png_chunks, webp_chunks):
        for _ in walk(data):
            pass
    for _ in boxes(data, 0, len(data)):
        pass
    heif_item(data, b"Exif")
    assert time.thread_time() - begin < 5


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=60), st.integers(0, 200))
def test_arbitrary_items_and_locations_never_raise(iinf: bytes, iloc: bytes, keep: int) -> None:
    for data in (heif(iinf, iloc), heif(EXIF_IS_ITEM_1, iloc), heif(iinf, iloc)[:keep]):
        item = heif_item(data, b"Exif")
        assert item is None or item.end <= len(data)


@given(st.binary(max_size=200))
def test_pieces_lie_within_the_data_and_move_forward(data: bytes) -> None:
    for pieces in (
        list(jpeg_header(b"\xff\xd8" + data)),
        list(png_chunks(b"\x89PNG\r\n\x1a\n" + data)),
        list(webp_chunks(b"RIFF\xff\0\0\0WEBP" + data)),
        list(boxes(bytes(12) + data, 12, 12 + len(data))),
    ):
        assert all(piece.start <= piece.end <= len(data) + 12 for piece in pieces)
        assert all(a.end <= b.start for a, b in zip(pieces, pieces[1:], strict=False))
