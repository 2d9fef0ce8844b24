"""The best of what a file says about when, where and with what; nothing in it makes it raise."""

import struct
import time
import tracemalloc
import zlib
from datetime import datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational
from tests.library import pictures

from albumen.library import metadata
from albumen.library.exif import Exif, exif_block
from albumen.library.records import Metadata

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # as albumen.library.exif has it

EXIF, GPS = 0x8769, 0x8825
MTIME = int(datetime(2015, 6, 7, 8, 9, 10).timestamp() * 1e9)


def exif_of(main: dict[int, Any], exif: dict[int, Any] | None = None, gps: Any = None) -> bytes:
    """An EXIF block with these tags, by Pillow."""
    block = Image.Exif()
    block.update(main)
    block.get_ifd(EXIF).update(exif or {})
    block.get_ifd(GPS).update(gps or {})
    return block.tobytes()


def photo(format: str = "JPEG", **options: Any) -> bytes:
    return pictures.encoded(pictures.quadrants(), format, **options)


def read(data: bytes, name: str = "photo.jpg", mtime_ns: int = MTIME) -> Metadata:
    return metadata.read(data, name=name, mtime_ns=mtime_ns)


def dated(text: object, offset: str = "") -> Metadata:
    return read(photo(exif=exif_of({}, {0x9003: text, 0x9011: offset})))


# Dates


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_exif_is_read_from_every_format_that_has_it(format: str) -> None:
    block = exif_of({0x0110: "EOS 40D"}, {0x9003: "2024:05:01 10:20:30", 0x9011: "+02:00"})
    found = read(photo(format, exif=block))
    assert found.taken == "2024-05-01T10:20:30"
    assert found.taken_source == "exif"
    assert found.offset == "+02:00"
    assert found.camera == "EOS 40D"


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("2024:05:01 10:20:30", "2024-05-01T10:20:30"),
        ("2024-05-01T10:20:30", "2024-05-01T10:20:30"),
        ("2024:05:01 10:20:30.123", "2024-05-01T10:20:30"),
        ("2024/05/01 10:20", "2024-05-01T10:20:00"),
        ("2024:05:01", "2024-05-01T00:00:00"),
        ("2024:02:29 00:00:00", "2024-02-29T00:00:00"),
    ],
)
def test_dates_are_read_as_cameras_write_them(text: str, taken: str) -> None:
    assert (dated(text).taken, dated(text).taken_source) == (taken, "exif")


@pytest.mark.parametrize(
    "text",
    [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "2023:02:29 00:00:00",
        "2024:13:01 00:00:00",
        "2024:05:01 24:00:00",
        "1900:01:01 00:00:00",
        "0024:05:01 10:20:30",
        f"{datetime.now().year + 2}:05:01 10:20:30",
        "yesterday",
        "",
        "\0",
        20240501,
        b"\xff\xfe2024:05:01 10:20:30",
    ],
)
def test_dates_that_cannot_be_count_as_absent(text: object) -> None:
    found = dated(text)
    assert (found.taken, found.taken_source) == ("2015-06-07T08:09:10", "mtime")


def test_the_moment_of_the_shot_comes_before_scanning_and_changing() -> None:
    shot, scanned, changed = (f"20{year}:05:01 10:20:30" for year in ("10", "11", "12"))
    for main, below, year in (
        ({0x0132: changed}, {0x9003: shot, 0x9004: scanned}, "2010"),
        ({0x0132: changed}, {0x9004: scanned}, "2011"),
        ({0x0132: changed}, {}, "2012"),
        ({0x0132: changed}, {0x9003: "0000:00:00 00:00:00"}, "2012"),
    ):
        taken = read(photo(exif=exif_of(main, below))).taken
        assert taken is not None
        assert taken[:4] == year


@pytest.mark.parametrize(
    ("text", "offset"),
    [("+02:00", "+02:00"), ("-0930", "-09:30"), ("Z", "+00:00"), ("+25:00", None), ("x", None)],
)
def test_offsets_are_kept_if_they_can_be(text: str, offset: str | None) -> None:
    assert dated("2024:05:01 10:20:30", text).offset == offset


XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" {0}'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)
AS_ATTRIBUTE = XMP.format('xmp:CreateDate="2001-01-01" exif:DateTimeOriginal="{0}">')
AS_ELEMENT = XMP.format("><exif:DateTimeOriginal>{0}</exif:DateTimeOriginal>")


@pytest.mark.parametrize("form", [AS_ATTRIBUTE, AS_ELEMENT])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
def test_xmp_has_the_date_where_exif_has_none(form: str, format: str) -> None:
    packet = form.format("2024-05-01T10:20:30.5-03:00").encode()
    if format == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet.decode())
        data = photo("PNG", pnginfo=info)
    else:
        data = photo(format, xmp=packet)
    found = read(data)
    assert found.taken == "2024-05-01T10:20:30"
    assert (found.taken_source, found.offset) == ("xmp", "-03:00")


@pytest.mark.parametrize(
    "packet",
    [
        b"<not xml",
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        b"\xff\xfe\0\0",
        b"<x>" * 20_000,
    ],
)
def test_broken_or_hostile_xmp_counts_as_absent(packet: bytes) -> None:
    assert read(photo(xmp=packet)).taken_source == "mtime"


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("IMG_20240501_102030.jpg", "2024-05-01T10:20:30"),
        ("IMG_20240501_102030_1.jpg", "2024-05-01T10:20:30"),
        ("20240501_102030.heic", "2024-05-01T10:20:30"),
        ("2024-05-01 10.20.30.jpg", "2024-05-01T10:20:30"),
        ("2024-05-01_10-20-30.jpg", "2024-05-01T10:20:30"),
        ("IMG-20240501-WA0001.jpg", "2024-05-01T00:00:00"),
        ("Screenshot_2024-05-01-10-20-30.png", "2024-05-01T10:20:30"),
        ("Screenshot_20240501-102030_Chrome.png", "2024-05-01T10:20:30"),
        ("Screen Shot 2024-05-01 at 10.20.30 PM.png", "2024-05-01T22:20:30"),
        ("signal-2024-05-01-102030.jpg", "2024-05-01T10:20:30"),
        ("Foto 2024.05.01.jpg", "2024-05-01T00:00:00"),
        ("PXL_20240501_102030123.jpg", "2024-05-01T10:20:30"),
        ("x 99999999 20240501.jpg", "2024-05-01T00:00:00"),
    ],
)
def test_names_that_phones_and_programs_give_hold_the_date(name: str, taken: str) -> None:
    found = read(photo(), name)
    assert (found.taken, found.taken_source) == (taken, "name")
    assert found.offset == ("+00:00" if name.startswith("PXL_") else None)


@pytest.mark.parametrize(
    "name",
    [
        "DSC_2024.jpg",
        "IMG_1234.jpg",
        "20241301.jpg",
        "120240501.jpg",
        "202405011.jpg",
        "2024-0501.jpg",
        "holiday.jpg",
        "18991231.jpg",
        "",
    ],
)
def test_other_numbers_in_names_are_no_dates(name: str) -> None:
    assert read(photo(), name).taken_source == "mtime"


@pytest.mark.parametrize("mtime_ns", [0, -1, 10**30, -(10**30)])
def test_a_modification_time_that_cannot_be_is_no_date(mtime_ns: int) -> None:
    found = read(photo(), mtime_ns=mtime_ns)
    assert (found.taken, found.taken_source) == (None, None)


# Places


def degrees(d: Any, m: Any = 0, s: Any = 0) -> tuple[Any, Any, Any]:
    return (d, m, s)


def placed(gps: dict[int, Any]) -> tuple[float | None, float | None]:
    found = read(photo(exif=exif_of({}, gps=gps)))
    return found.latitude, found.longitude


def test_positions_are_signed_degrees() -> None:
    south_west = {1: "S", 2: degrees(33, 51.5, 30), 3: "W", 4: degrees(151, 12)}
    assert placed(south_west) == (pytest.approx(-33.8666667), pytest.approx(-151.2))
    north_east = {1: "N", 2: degrees(33.5), 3: "E", 4: degrees(0)}
    assert placed(north_east) == (33.5, 0)


@pytest.mark.parametrize(
    "change",
    [
        {1: None},
        {3: None},
        {1: "X"},
        {2: degrees(91)},
        {4: degrees(180, 1)},
        {2: degrees(IFDRational(1, 0))},
        {2: degrees(10, IFDRational(0, 0))},
        {2: None},
    ],
)
def test_half_or_impossible_positions_count_as_absent(change: dict[int, Any]) -> None:
    gps: dict[int, Any] = {1: "N", 2: degrees(48), 3: "E", 4: degrees(11)} | change
    assert placed({tag: value for tag, value in gps.items() if value is not None}) == (None, None)


def test_the_null_island_is_a_lost_fix() -> None:
    assert placed({1: "N", 2: degrees(0), 3: "E", 4: degrees(0)}) == (None, None)


# Camera and orientation


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("NIKON CORPORATION", "NIKON D70", "NIKON D70"),
        ("Apple", "iPhone 11", "Apple iPhone 11"),
        ("OLYMPUS IMAGING CORP.  ", "E-P3            ", "OLYMPUS E-P3"),
        ("EASTMAN KODAK COMPANY", "KODAK CX7530", "KODAK CX7530"),
        ("Canon\0junk", "Canon EOS\0junk", "Canon EOS"),
        ("", "ION230", "ION230"),
        ("Jolla", "", "Jolla"),
        ("", "", None),
        ("\x01\x02", "\x03", None),
    ],
)
def test_the_camera_is_make_and_model_without_repetition(
    make: str, model: str, camera: str | None
) -> None:
    assert read(photo(exif=exif_of({0x010F: make, 0x0110: model}))).camera == camera


@pytest.mark.parametrize(("value", "orientation"), [(1, 1), (6, 6), (8, 8), (0, 1), (9, 1)])
def test_orientation_is_one_to_eight(value: int, orientation: int) -> None:
    assert read(pictures.oriented("JPEG", value)).orientation == orientation


# Hostile EXIF


def tiff(entries: list[tuple[int, int, int, int]], size: int = 0) -> bytes:
    """A TIFF structure of one directory, by hand: (tag, type, count, value or offset) each."""
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    block = b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4)
    return block + bytes(max(0, size - len(block)))


def png_with_exif(block: bytes) -> bytes:
    chunk = b"eXIf" + block
    crc = struct.pack(">I", zlib.crc32(chunk))
    plain = photo("PNG")
    return plain[:33] + struct.pack(">I", len(block)) + chunk + crc + plain[33:]


def test_a_directory_that_leads_to_itself_ends() -> None:
    block = tiff([(EXIF, 4, 1, 8), (GPS, 4, 1, 8), (0xA005, 4, 1, 8)])
    assert read(png_with_exif(block)).taken_source == "mtime"


@pytest.mark.parametrize(
    "block",
    [
        tiff([(tag, 7, 900_000, 8) for tag in range(60_000)], 1_000_000),
        tiff([(0x010E, 2, 2**32 - 1, 8)] * 100, 1_000_000),
        tiff([(0x927C, 12, 2**29, 8)], 1_000_000),
        tiff([], 100 << 20),
    ],
    ids=["overlapping", "endless text", "endless numbers", "100 MB"],
)
@pytest.mark.parametrize("container", ["PNG", "TIFF"])
def test_hostile_exif_costs_little_time_and_memory(block: bytes, container: str) -> None:
    data = png_with_exif(block) if container == "PNG" else block
    tracemalloc.start()
    begin = time.thread_time()
    read(data)
    seconds, (_, peak) = time.thread_time() - begin, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 2
    assert peak < 8 << 20


HEADS = [
    b"",
    b"\xff\xd8\xff\xe1\0\xffExif\0\0II*\0",
    b"II*\0",
    b"MM\0*\0\0\0\x08",
    b"\x89PNG\r\n\x1a\n",
]
HEIC = photo("HEIF", exif=exif_of({0x0110: "x"}, {0x9003: "2024:05:01 10:20:30"}))
BLOCK = exif_of(
    {0x010F: "Make", 0x0110: "Model"},
    {0x9003: "2024:05:01 10:20:30", 0x9011: "+02:00"},
    {1: "N", 2: degrees(48), 3: "E", 4: degrees(11)},
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(HEADS), st.binary(max_size=400), st.text(), st.integers())
def test_arbitrary_bytes_never_raise(head: bytes, data: bytes, name: str, mtime_ns: int) -> None:
    assert isinstance(read(head + data, name, mtime_ns), Metadata)


@settings(max_examples=300, deadline=None)
@given(
    whole=st.sampled_from([photo(exif=BLOCK), photo("WEBP", exif=BLOCK), HEIC, photo("TIFF")]),
    changes=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=9
    ),
    keep=st.floats(0, 1),
)
@example(whole=HEIC, changes=[(0.0, 0)], keep=0.5)
def test_damaged_metadata_never_raises(
    whole: bytes, changes: list[tuple[float, int]], keep: float
) -> None:
    data = bytearray(whole[: int(len(whole) * keep) + 1])
    head = min(len(data), 700)  # metadata lie at the beginning
    for place, value in changes:
        data[int(place * head)] = value
    found = read(bytes(data))
    assert found.latitude is None or -90 <= found.latitude <= 90
    assert found.longitude is None or -180 <= found.longitude <= 180
    assert 1 <= found.orientation <= 8


def test_an_exif_block_without_its_header_is_no_exif() -> None:
    assert exif_block(photo()) is None
    assert Exif(b"no TIFF").orientation == 1
    assert Exif(None).get(0x0110) is None
