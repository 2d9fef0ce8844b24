"""The hash of a picture's image data, which outlives a rating or a date written into the file.

What a person decided about a photo hangs on it.

Hashed is what decoding to pixels needs, byte for byte: two files with one hash show one picture
(but for the orientation and colour profile that their metadata state). A picture that was encoded
anew has another hash.
"""

import numpy as np
from blake3 import blake3

from albumen.library.containers import (
    PNG_SIGNATURE,
    SOS,
    Piece,
    jpeg_header,
    png_chunks,
    webp_chunks,
)

_FRAMES_AND_TABLES = frozenset((*range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD))  # SOFn DHT DAC DQT DNL DRI
_APP14 = 0xEE  # Adobe's: says how colours are coded
_STRETCH = 1 << 18  # bytes looked at together: they fit a processor's cache
_PNG_IMAGE = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"acTL", b"fcTL", b"fdAT"))
_WEBP_IMAGE = frozenset((b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"))


def of(data: bytes) -> bytes | None:
    """BLAKE3 (32 bytes) of the image data of a whole JPEG, PNG or WebP; None for all else.

    Never raises. Reads only the structure: whether the data decode is not its question.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return _digest(data, b"jpeg", _jpeg(data))
    if data.startswith(PNG_SIGNATURE):
        return _digest(data, b"png", _png(data))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _digest(data, b"webp", _webp(data))
    return None


def _digest(data: bytes, format: bytes, parts: list[Piece]) -> bytes | None:
    """The hash of these parts with their names; consecutive ones of one name count as one."""
    if not parts:
        return None
    view, hasher, last = memoryview(data), blake3(format), b""
    for name, start, end in parts:
        if name != last:
            hasher.update(b"\0" + name)
        hasher.update(view[start:end])
        last = name
    return hasher.digest()


def _jpeg(data: bytes) -> list[Piece]:
    """Frame, tables and everything from the first scan to the end marker; [] if one is missing."""
    parts: list[Piece] = []
    for piece in jpeg_header(data):
        marker, adobe = piece.name[0], data.startswith(b"Adobe", piece.start)
        if marker == SOS:
            close = _end_marker(data, piece.end)
            return [*parts, piece._replace(end=close)] if close >= 0 and parts else []
        if marker in _FRAMES_AND_TABLES or (marker == _APP14 and adobe):
            parts.append(piece)
    return []


def _end_marker(data: bytes, start: int) -> int:
    """Where the first end marker from `start` on lies, -1 without one.

    As `data.find(b"\xff\xd9", start)`, which takes eight times as long for the megabytes of a photo
    and keeps all other threads from working meanwhile.
    """
    values = np.frombuffer(data, np.uint8)
    for at in range(start, len(data) - 1, _STRETCH):
        stretch = values[at : at + _STRETCH + 1]
        here = (stretch[:-1] == 0xFF) & (stretch[1:] == 0xD9)
        first = int(here.argmax())
        if here[first]:
            return at + first
    return -1


def _png(data: bytes) -> list[Piece]:
    """The chunks that make the pixels, however the data are split; [] if the end is missing."""
    parts: list[Piece] = []
    for piece in png_chunks(data):
        if piece.name in _PNG_IMAGE:
            parts.append(piece)
        elif piece.name == b"IEND":
            return parts if any(part.name == b"IDAT" for part in parts) else []
    return []


def _webp(data: bytes) -> list[Piece]:
    """The chunks that make the pixels; [] if the file is shorter than it says."""
    if 8 + int.from_bytes(data[4:8], "little") > len(data) + 1:
        return []
    parts = [chunk for chunk in webp_chunks(data) if chunk.name in _WEBP_IMAGE]
    return [] if all(part.name in (b"ALPH", b"ANIM") for part in parts) else parts
