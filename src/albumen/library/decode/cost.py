"""How much memory decoding a picture takes, told from its header: it decides who decodes it."""

import math
from typing import Literal

from albumen.library.containers import SOS, jpeg_header, png_chunks, webp_chunks

_FRAMES = frozenset(bytes((code,)) for code in range(0xC0, 0xD0) if code not in (0xC4, 0xC8, 0xCC))
_PROGRESSIVE = frozenset((b"\xc2", b"\xc6", b"\xca", b"\xce"))
_TEXTS = frozenset((b"tEXt", b"zTXt", b"iTXt", b"iCCP"))
_LARGEST_TEXT, _UNPACKED = 1 << 20, 1032
"""Pillow unpacks no more of one chunk of a PNG, and deflate makes no more of one byte."""


def cost(data: bytes, format: Literal["JPEG", "PNG", "WEBP"], short_side: int) -> int:
    """Bytes that decoding holds at a time, about; 0 where there is no header to go by."""
    if format == "JPEG":
        return _jpeg(data, short_side)
    return _png(data) if format == "PNG" else _webp(data)


def _jpeg(data: bytes, short_side: int) -> int:
    """The reduced picture; and all coefficients, if the scans are not one after the other."""
    frame = scan = None
    for piece in jpeg_header(data):
        if piece.name in _FRAMES:
            frame = piece
        elif piece.name[0] == SOS:
            scan = piece
    if frame is None or scan is None or frame.end - frame.start < 6 or scan.start == scan.end:
        return 0
    head = data[frame.start : frame.end]
    height, width = int.from_bytes(head[1:3], "big"), int.from_bytes(head[3:5], "big")
    components = head[5]
    eighths = min(8, math.ceil(8 * short_side / max(1, min(width, height))))
    reduced = width * height * eighths * eighths // 64
    held = reduced * (3 if components < 4 else 16)
    if frame.name in _PROGRESSIVE or data[scan.start] < components:
        shares = [(sampling >> 4) * (sampling & 15) for sampling in head[7::3]]
        held += 2 * width * height * sum(shares) // (max(shares, default=0) or 1)
    return held


def _png(data: bytes) -> int:
    """The picture, of 16 bits scaled as real numbers; and its texts and profile, unpacked."""
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    return width * height * (16 if data[24:25] == b"\x10" else 4) + _texts(data)


def _texts(data: bytes) -> int:
    total = 0
    for name, start, end in png_chunks(data):
        if name in _TEXTS:
            keyword = data.find(b"\0", start, end)
            packed = name != b"tEXt" and (name != b"iTXt" or any(data[keyword + 1 : keyword + 2]))
            size = end - start
            total += min(size * _UNPACKED, _LARGEST_TEXT) if packed else size
    return total


def _webp(data: bytes) -> int:
    """The picture; an animation also holds the frame before and the next."""
    frames = 3 if any(chunk.name == b"ANIM" for chunk in webp_chunks(data)) else 1
    width, height = webp_size(data) or (0, 0)
    return width * height * 4 * frames


def webp_size(data: bytes) -> tuple[int, int] | None:
    """The canvas of a WebP, from its header: Pillow allocates it before it can be asked."""
    for name, start, _ in webp_chunks(data):
        head = data[start : start + 10]
        if name == b"VP8X" and len(head) == 10:
            return (
                int.from_bytes(head[4:7], "little") + 1,
                int.from_bytes(head[7:10], "little") + 1,
            )
        if name == b"VP8L" and len(head) >= 5:
            bits = int.from_bytes(head[1:5], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        if name == b"VP8 " and len(head) == 10:
            return (
                int.from_bytes(head[6:8], "little") & 0x3FFF,
                int.from_bytes(head[8:10], "little") & 0x3FFF,
            )
    return None
