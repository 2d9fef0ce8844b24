"""The pieces of a JPEG, PNG, WebP, HEIF or AVIF file, in order: where each begins and ends.

Only the outer structure is read here; what lies in a piece is left to the decoders. Nothing is
copied, every step moves forward, and damaged data end the walk instead of raising.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_MARKER = re.compile(rb"\xff([^\x00\xff])")  # after any number of fill bytes
_JPEG_ALONE = frozenset(bytes((code,)) for code in (0x01, *range(0xD0, 0xDA)))  # without a length
SOS, APP1 = 0xDA, 0xE1

MAX_PIECES = 200_000
"""A PNG of 200 megapixels has some 75,000 pieces; a file made of millions of empty ones would take
minutes to walk."""


class Piece(NamedTuple):
    """One segment or chunk: its name, and where its content (`start` to `end`) lies."""

    name: bytes
    start: int
    end: int


def jpeg_header(data: bytes) -> Iterator[Piece]:
    """The segments of a JPEG's header, up to and including the first SOS; name: marker byte.

    Like libjpeg, passes over stray bytes between segments.
    """
    at = 2
    for _ in range(MAX_PIECES):
        marker = _JPEG_MARKER.search(data, at)
        if marker is None:
            return
        at = marker.end()
        if marker[1] in _JPEG_ALONE:
            continue
        end = at + int.from_bytes(data[at : at + 2], "big")
        if end < at + 2 or end > len(data):
            return
        yield Piece(marker[1], at + 2, end)
        if marker[1][0] == SOS:
            return
        at = end


def png_chunks(data: bytes) -> Iterator[Piece]:
    """The chunks of a PNG whose content lies wholly in `data`; name: the chunk's type."""
    at = len(PNG_SIGNATURE)
    for _ in range(MAX_PIECES):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):  # also where nothing is left
            return
        yield Piece(data[at + 4 : at + 8], at + 8, end)
        at = end + 4


def webp_chunks(data: bytes) -> Iterator[Piece]:
    """The chunks of a WebP whose content lies wholly in `data`; name: the chunk's FourCC."""
    limit = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    at = 12
    for _ in range(MAX_PIECES):
        start = at + 8
        end = start + int.from_bytes(data[at + 4 : start], "little")
        if end > limit:
            return
        yield Piece(data[at : at + 4], start, end)
        at = end + (end - start) % 2


def boxes(data: bytes, start: int, end: int) -> Iterator[Piece]:
    """The boxes of an ISO container (HEIF, AVIF) between two places; name: the box's type."""
    at = start
    for _ in range(MAX_PIECES):
        size, content = int.from_bytes(data[at : at + 4], "big"), at + 8
        if size == 1:
            size, content = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        elif size == 0:  # to the end
            size = end - at
        if size < content - at or at + size > end:  # also where nothing is left
            return
        yield Piece(data[at + 4 : at + 8], content, at + size)
        at += size


def heif_item(data: bytes, kind: bytes) -> Piece | None:
    """The first item of a kind (`Exif`, `mime`) in a HEIF or AVIF, where it lies in one piece.

    ISO/IEC 14496-12, 8.11: `meta` holds `iinf` (which items there are) and `iloc` (where).
    """
    for meta in boxes(data, 0, len(data)):
        if meta.name == b"meta":
            below = {box.name: box for box in boxes(data, meta.start + 4, meta.end)}
            if b"iinf" in below and b"iloc" in below:
                item = _item_id(data, below[b"iinf"], kind)
                return None if item is None else _item_place(data, below[b"iloc"], item, kind)
    return None


def _item_id(data: bytes, iinf: Piece, kind: bytes) -> int | None:
    first = iinf.start + (6 if data[iinf.start : iinf.start + 1] == b"\0" else 8)
    for infe in boxes(data, first, iinf.end):
        version, content = data[infe.start : infe.start + 1], data[infe.start + 4 : infe.end]
        width = 4 if version == b"\3" else 2
        if version in (b"\2", b"\3") and content[width + 2 : width + 6] == kind:
            return int.from_bytes(content[:width], "big")
    return None


def _item_place(data: bytes, iloc: Piece, wanted: int, kind: bytes) -> Piece | None:
    """Walks `iloc`, whose fields have the widths that its head states."""
    at = iloc.start

    def number(width: int) -> int:
        nonlocal at
        at += width
        return int.from_bytes(data[at - width : at], "big")

    version = number(4) >> 24
    offset_width, length_width = divmod(number(1), 16)
    base_width, index_width = divmod(number(1), 16)
    index_width = index_width if version else 0
    id_width = 2 if version < 2 else 4
    for _ in range(number(id_width)):
        if at >= iloc.end:
            return None
        item, method = number(id_width), number(2) if version else 0
        number(2)  # in which file: this one
        base, extents = number(base_width), number(2)
        if item == wanted:
            number(index_width)
            start = base + number(offset_width)
            end = start + number(length_width)
            whole = method & 15 == 0 and extents == 1 and end <= len(data)
            return Piece(kind, start, end) if whole else None
        at += extents * (index_width + offset_width + length_width)
    return None
