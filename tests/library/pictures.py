"""Pictures made in view: four coloured quadrants in every format, turn and colour mode.

Pillow encodes them (HEIC: pillow-heif, which only the tests need); turning them is left to Pillow
too, so that our own turning is checked against another's.
"""

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 200, 40), (30, 40, 220), (230, 220, 40)
SIZE = (96, 64)

_STORED_AS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How an upright picture is turned before it is stored with that orientation."""


def quadrants(size: tuple[int, int] = SIZE) -> Image.Image:
    """Red and green above blue and yellow."""
    small = Image.new("RGB", (2, 2))
    small.putdata([RED, GREEN, BLUE, YELLOW])
    return small.resize(size, Image.Resampling.NEAREST)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    """The file's bytes; lossless, or nearly, where the format lets one choose."""
    if format == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    if format in ("JPEG", "AVIF", "HEIF"):
        options = {"quality": 95, **options}
    if format == "WEBP":
        options = {"lossless": True, **options}
    file = BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def oriented(format: str, orientation: int, size: tuple[int, int] = SIZE) -> bytes:
    """The quadrants, stored turned, with the EXIF orientation that turns them upright again."""
    image = quadrants(size)
    if orientation in _STORED_AS:
        image = image.transpose(_STORED_AS[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(image, format, exif=exif.tobytes() if format != "TIFF" else exif)


def shows_quadrants(pixels: NDArray[np.uint8], tolerance: float = 30) -> bool:
    """Whether the four colours are where they belong."""
    return all(
        np.abs(shown - colour).max() <= tolerance
        for shown, colour in zip(corners(pixels), (RED, GREEN, BLUE, YELLOW), strict=True)
    )


def corners(pixels: NDArray[np.uint8]) -> list[NDArray[np.float64]]:
    """The mean colour in the middle of each quadrant: upper left, upper right, lower left, ..."""
    height, width = pixels.shape[:2]
    return [
        pixels[
            height * (4 * row + 1) // 8 : height * (4 * row + 3) // 8,
            width * (4 * column + 1) // 8 : width * (4 * column + 3) // 8,
        ].mean(axis=(0, 1))
        for row in (0, 1)
        for column in (0, 1)
    ]


def jpeg_without_app14(data: bytes) -> bytes:
    """The same JPEG without Adobe's marker."""
    at = data.index(b"\xff\xee")
    return data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0] :]


def jpeg_with_size(data: bytes, width: int, height: int) -> bytes:
    """The same JPEG with a lie in its frame header."""
    at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def png_with_size(data: bytes, width: int, height: int) -> bytes:
    """The same PNG with a lie in its header, its checksum made right."""
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def gif_with_size(data: bytes, width: int, height: int) -> bytes:
    """The same GIF with a lie about its screen."""
    return data[:6] + struct.pack("<HH", width, height) + data[10:]


def noise(size: tuple[int, int], seed: int = 0) -> Image.Image:
    """A picture that no encoder makes small."""
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(values)
