"""What photos say in words: from IPTC, XMP, EXIF and sidecars, hostile ones included."""

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.library.albums import jpeg
from tests.library.worded import (
    BOMB,
    iim,
    keywords,
    with_iptc,
    with_segment,
    with_windows_words,
    with_xmp,
    xmp,
)

from albumen.library import metadata, words
from albumen.library.records import Told

PHOTO = jpeg(1)


def test_a_photo_without_words_says_nothing() -> None:
    assert words.read(PHOTO) == Told()


def test_xmp_says_keywords_title_caption_place_and_rating() -> None:
    packet = xmp(
        keywords("Rosie", "beach", "BEACH", " ")
        + '<dc:title><rdf:Alt><rdf:li xml:lang="de">Am Strand</rdf:li>'
        '<rdf:li xml:lang="x-default">At the beach</rdf:li></rdf:Alt></dc:title>'
        "<dc:description><rdf:Alt><rdf:li>Rosie digs.\nA lot.</rdf:li></rdf:Alt></dc:description>"
        "<photoshop:City>Rome</photoshop:City><photoshop:Country>Italy</photoshop:Country>",
        'xmp:Rating="4"',
    )
    assert words.read(with_xmp(PHOTO, packet)) == Told(
        ("Rosie", "beach"), "At the beach", "Rosie digs.\nA lot.", "Rome, Italy", 4
    )


def test_hierarchies_and_faces_are_keywords() -> None:
    packet = xmp(
        keywords("Italy|Rome", "darktable|exported", property="lr:hierarchicalSubject")
        + '<mwg-rs:Regions><rdf:Bag><rdf:li mwg-rs:Name="Anna"/></rdf:Bag></mwg-rs:Regions>'
    )
    assert set(words.read(with_xmp(PHOTO, packet)).keywords) == {"Italy", "Rome", "Anna"}


@pytest.mark.parametrize(
    ("marked", "coded", "read"),
    [
        (((1, 90, b"\x1b%G"),), "café".encode(), "café"),
        ((), "café".encode(), "café"),
        ((), "café".encode("cp1252"), "café"),
    ],
)
def test_iptc_says_keywords_in_its_character_set(marked: tuple, coded: bytes, read: str) -> None:
    fields = iim(*marked, (2, 25, coded), (2, 25, b"beach"), (2, 120, b"We dig."), (2, 90, b"Rome"))
    assert words.read(with_iptc(PHOTO, fields)) == Told(
        (read, "beach"), None, "We dig.", "Rome", None
    )


def test_an_iptc_date_serves_where_exif_has_none() -> None:
    block = iim((2, 55, b"19850617"), (2, 60, b"103000+0200"))
    found = metadata.read(with_iptc(PHOTO, block), name="a.jpg", mtime_ns=10**18)
    assert (found.taken, found.offset) == ("1985-06-17T10:30:00", "+02:00")


def test_the_words_of_windows_are_read() -> None:
    assert words.read(with_windows_words("Rosie;beach", "We dig.", 3)) == Told(
        ("Rosie", "beach"), None, "We dig.", None, 3
    )


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_xmp_is_read_in_other_formats(format: str) -> None:
    file, image = BytesIO(), Image.open(BytesIO(PHOTO))
    packet = xmp(keywords("Rosie"))
    if format == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet.decode())
        image.save(file, format, pnginfo=info)
    elif format == "WEBP":
        image.save(file, format, xmp=packet)
    else:
        image.save(file, format, tiffinfo={700: packet})
    assert words.read(file.getvalue()).keywords == ("Rosie",)


def test_what_cameras_write_by_themselves_is_no_caption() -> None:
    exif, file = Image.Exif(), BytesIO()
    exif[0x010E] = "OLYMPUS DIGITAL CAMERA         "
    Image.open(BytesIO(PHOTO)).save(file, "JPEG", exif=exif)
    assert words.read(file.getvalue()) == Told()


def test_a_damaged_block_costs_only_what_it_says() -> None:
    whole = with_iptc(PHOTO, iim((2, 25, b"beach")))
    assert words.read(with_xmp(whole, b"<x:xmpmeta><rdf")).keywords == ("beach",)
    cut = iim((2, 25, b"beach"), (2, 25, b"Rosie"))[:-9]
    assert words.read(with_iptc(PHOTO, cut)).keywords == ("beach",)


def test_a_bomb_in_a_photo_says_nothing() -> None:
    assert words.read(with_xmp(PHOTO, BOMB.encode())) == Told()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (BOMB.encode(), "it declares entities"),
        (b"", "no well-formed XML"),
        (b"\xff\xd8\xff\xe0", "no well-formed XML"),
        (b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>", "no well-formed XML"),
        (b"<html><body>no</body></html>", "but not XMP"),
        (b"<a>" * 100_000, "no well-formed XML"),
    ],
)
def test_a_sidecar_that_is_none_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(words.SidecarError, match=reason):
        words.read_sidecar(content)


def test_a_deeply_nested_sidecar_is_read_in_time() -> None:
    nested = "<dc:subject>" * 50_000 + "</dc:subject>" * 50_000
    assert words.read_sidecar(xmp(nested)) == Told()


def test_a_sidecar_tells_its_date() -> None:
    packet = xmp("<exif:DateTimeOriginal>1985-06-17T10:30:00</exif:DateTimeOriginal>")
    assert words.read_sidecar(packet).taken == "1985-06-17T10:30:00"


def test_odd_keywords_become_tags_or_nothing() -> None:
    packet = xmp(keywords("New\nYear", "🎉", "חוף", "x" * 300, "&#8238;"))
    assert words.read(with_xmp(PHOTO, packet)).keywords == ("New Year", "🎉", "חוף")


def test_ten_thousand_keywords_are_a_thousand() -> None:
    packet = xmp(keywords(*(f"k{n}" for n in range(10_000))))
    assert len(words.read_sidecar(packet).keywords) == words.MOST_KEYWORDS


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([0xE1, 0xED]))
def test_no_block_makes_reading_raise(block: bytes, marker: int) -> None:
    prefix = b"Photoshop 3.0\x008BIM\x04\x04\0\0" if marker == 0xED else b"Exif\0\0MM\0*"
    words.read(with_segment(PHOTO, marker, prefix + block))
    words.read(block)
