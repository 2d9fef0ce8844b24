"""The pieces of a JPEG, PNG, WebP, HEIF or AVIF file, in order: where each begins and ends.

Only the outer structure is read here; what lies in a piece is left to the decoders. Nothing is
copied, every step moves forward, and damaged data end the walk instead of raising.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_JPEG_ALONE = frozenset(bytes((code,)) for code in (0x01, *range(0xD0, 0xDA)))  # without a length
SOS, EOI, APP1 = 0xDA, 0xD9, 0xE1


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
    while marker := _JPEG_MARKER.search(data, at):
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
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            return
        yield Piece(data[at + 4 : at + 8], at + 8, end)
        at = end + 4


def webp_chunks(data: bytes) -> Iterator[Piece]:
    """The chunks of a WebP whose content lies wholly in `data`; name: the chunk's FourCC."""
    limit = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    at = 12
    while at + 8 <= limit:
        start = at + 8
        end = start + int.from_bytes(data[at + 4 : start], "little")
        if end > limit:
            return
        yield Piece(data[at : at + 4], start, end)
        at = end + (end - start) % 2


def boxes(data: bytes, start: int, end: int) -> Iterator[Piece]:
    """The boxes of an ISO container (HEIF, AVIF) between two places; name: the box's type."""
    at = start
    while at + 8 <= end:
        size, content = int.from_bytes(data[at : at + 4], "big"), at + 8
        if size == 1:
            size, content = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        elif size == 0:  # to the end
            size = end - at
        if size < content - at or at + size > end:
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
    first = iinf.start + (6 if data[iinf.start] == 0 else 8)
    for infe in boxes(data, first, iinf.end):
        width = 2 if data[infe.start] == 2 else 4  # of the id, by the box's version: 2 or 3
        at = infe.start + 4
        if data[infe.start] >= 2 and data[at + width + 2 : at + width + 6] == kind:
            return int.from_bytes(data[at : at + width], "big")
    return None


def _item_place(data: bytes, iloc: Piece, wanted: int, kind: bytes) -> Piece | None:
    """Walks `iloc`, whose fields have the widths that its head states."""
    at = iloc.start + 6

    def number(width: int) -> int:
        nonlocal at
        at += width
        return int.from_bytes(data[at - width : at], "big")

    version = data[iloc.start]
    offset_width, length_width = divmod(data[iloc.start + 4], 16)
    base_width, index_width = divmod(data[iloc.start + 5], 16)
    for _ in range(number(2 if version < 2 else 4)):
        if at >= iloc.end:
            return None
        item = number(2 if version < 2 else 4)
        method = number(2) if version else 0
        number(2)
        base, extents = number(base_width), number(2)
        for _ in range(min(extents, iloc.end - at)):
            number(index_width if version else 0)
            start, length = base + number(offset_width), number(length_width)
            if item == wanted:
                whole = method & 15 == 0 and extents == 1 and start + length <= len(data)
                return Piece(kind, start, start + length) if whole else None
    return None
