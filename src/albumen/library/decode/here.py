"""Decoding in this very process, be it ours or a worker's."""

import math
from dataclasses import replace

import numpy as np

from albumen.library.decode.bounds import MAX_SHOWN
from albumen.library.decode.formats import Format
from albumen.library.decode.jpeg import decode_jpeg
from albumen.library.decode.outcome import DecodedPixels
from albumen.library.decode.rendering import decode_with_pillow


def decode_here(data: bytes, format: Format, short_side: int) -> DecodedPixels:
    """Decode with the decoder of this format; at most MAX_SHOWN pixels. Raises DecodeError."""
    if format == "JPEG":
        picture = decode_jpeg(data, short_side)
    else:
        picture = decode_with_pillow(data, format, short_side)
    height, width = picture.pixels.shape[:2]
    if height * width <= MAX_SHOWN:
        return picture
    from PIL import Image

    scale = math.sqrt(MAX_SHOWN / (height * width))
    size = max(1, int(width * scale)), max(1, int(height * scale))
    shown = Image.fromarray(picture.pixels).resize(size, Image.Resampling.BOX)
    return replace(picture, pixels=np.array(shown))
