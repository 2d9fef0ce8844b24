"""The pieces of a JPEG, PNG or WebP file, in order: where each begins and ends.

Only the outer structure is read here; what lies in a piece is left to the decoders. Nothing is
copied, every step moves forward, and damaged data end the walk instead of raising.
"""

from collections.abc import Iterator
from typing import NamedTuple

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_ALONE = frozenset((0x01, *range(0xD0, 0xDA)))  # markers without a length: TEM, RSTn, SOI, EOI
SOS, EOI, APP1 = 0xDA, 0xD9, 0xE1


class Piece(NamedTuple):
    """One segment or chunk: its name, and where its content (`start` to `end`) lies."""

    name: bytes
    start: int
    end: int


def jpeg_header(data: bytes) -> Iterator[Piece]:
    """The segments of a JPEG's header, up to and including the first SOS; name: marker byte."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return
        marker = data[at + 1]
        if marker == 0xFF:  # fill bytes may stand before any marker
            at += 1
            continue
        if marker in _JPEG_ALONE:
            at += 2
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end < at + 4 or end > len(data):
            return
        yield Piece(bytes((marker,)), at + 4, end)
        if marker == SOS:
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
