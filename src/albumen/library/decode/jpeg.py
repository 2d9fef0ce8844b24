"""JPEG through libjpeg-turbo, at reduced scale: the inverse cosine transform does the reducing.

Half a picture is no picture: data that end early, or that the decoder has to guess, are an error.
libjpeg only warns of both and fills up with grey, so every warning counts, but for those below.
"""

import re

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from albumen.library.containers import SOS, jpeg_header
from albumen.library.decode.bounds import (
    MAX_JPEG_PIXELS,
    MAX_PROGRESSIVE_PIXELS,
    MAX_SCANS,
    check_size,
)
from albumen.library.decode.orient import orient
from albumen.library.decode.outcome import TRUNCATED, DecodedPixels, DecodeError
from albumen.library.decode.rendering import decode_with_pillow
from albumen.library.exif import Exif, exif_block

_HARMLESS = re.compile(
    r": (\d|1[0-6]) extraneous bytes before marker 0xd9"  # before the end: more is lost picture
    r"|: \d{1,2} extraneous bytes before marker 0x(e.|fe|db|c[012])"  # padding in the header
    r"|ICC marker|JFIF|subsampling level"
)
"""What doesn't touch the pixels, or is only beyond simplejpeg: Pillow is asked instead."""

_PROGRESSIVE = b"\xc2\xc6\xca\xce"


def decode_jpeg(data: bytes, short_side: int) -> DecodedPixels:
    """Decode at the smallest scale whose short side is at least `short_side`, and turn upright."""
    try:
        return _decode(data, short_side)
    except (ValueError, KeyError) as error:  # KeyError: colours that simplejpeg has no name for
        message = str(error)
        if isinstance(error, ValueError) and not _HARMLESS.search(message):
            raise _error(data, message) from None
    if not _ends(data):
        raise DecodeError("failed", TRUNCATED)
    return decode_with_pillow(data, "JPEG", short_side)


def _decode(data: bytes, short_side: int) -> DecodedPixels:
    height, width, colours, _ = simplejpeg.decode_jpeg_header(data, strict=False)
    check_size(width, height, MAX_JPEG_PIXELS)
    _check_scans(data, width, height)
    wanted = short_side if short_side < min(width, height) else 0  # 0: full size
    pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
        data, "CMYK" if colours == "CMYK" else "RGB", min_height=wanted, min_width=wanted
    )
    if colours == "CMYK":
        pixels = _rgb_of_inverted_cmyk(pixels)
    stated = Exif(exif_block(data)).orientation
    if stated >= 5:
        width, height = height, width
    return DecodedPixels("JPEG", width, height, orient(pixels, stated), stated)


def _check_scans(data: bytes, width: int, height: int) -> None:
    if not any(piece.name in _PROGRESSIVE for piece in jpeg_header(data)):
        return
    check_size(width, height, MAX_PROGRESSIVE_PIXELS)
    if data.count(b"\xff\xda") > MAX_SCANS:
        raise DecodeError("failed", f"it has more than {MAX_SCANS} scans, made to take hours")


def _error(data: bytes, message: str) -> DecodeError:
    if "Premature end of JPEG" in message or _first_scan(data) is None:
        return DecodeError("failed", TRUNCATED)
    return DecodeError("failed", f"its picture data are damaged ({message})")


def _first_scan(data: bytes) -> int | None:
    return next((piece.end for piece in jpeg_header(data) if piece.name == bytes((SOS,))), None)


def _ends(data: bytes) -> bool:
    """Whether an end marker follows the first scan (those of thumbnails stand before it)."""
    start = _first_scan(data)
    return start is not None and data.find(b"\xff\xd9", start) >= 0


def _rgb_of_inverted_cmyk(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """CMYK JPEGs hold inverted inks, Adobe's habit, which all browsers take for granted."""
    inks = pixels.astype(np.uint16)
    return ((inks[..., :3] * inks[..., 3:] + 127) // 255).astype(np.uint8)
