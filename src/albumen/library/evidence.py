"""What is kept of a picture so that its copies are found: a perceptual hash, and a small grey copy.

Both are of the whole picture stretched to a square, so that a quarter turn or a mirror image of the
photo turns or mirrors them exactly. The third evidence, the fingerprint, is a pack's.
"""

from functools import cache

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from albumen.library.records import Evidence, Fit

SIDE = 96
"""Of the small grey copy; it is kept as a JPEG of some 3 kB."""

QUALITY = 88
HASHED = 8
"""Frequencies each way: 64 bits."""

Bits = NDArray[np.uint64]


def of(pixels: NDArray[np.uint8], fit: Fit) -> Evidence:
    """pixels: uint8 RGB (H, W, 3). `fit` gives what the fingerprint's pack takes."""
    from PIL import Image

    grey = Image.fromarray(pixels).convert("L")
    small = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    return Evidence(perceptual_hash(small), packed(small), fit(pixels))


def packed(grey: NDArray[np.uint8]) -> bytes:
    """(SIDE, SIDE) as a JPEG."""
    square = np.ascontiguousarray(grey)[..., None]
    data: bytes = simplejpeg.encode_jpeg(square, QUALITY, colorspace="GRAY")
    return data


def unpacked(data: bytes) -> NDArray[np.uint8]:
    """What `packed` wrote: (SIDE, SIDE)."""
    grey: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, colorspace="GRAY")[..., 0]
    return grey


def perceptual_hash(grey: NDArray[np.uint8]) -> bytes:
    """8 bytes: the signs of the lowest 8×8 frequencies (cosine transform). grey: (S, S).

    After Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, but
    signs are against 0 and not the median: a mirrored picture then has the same hash but for the
    signs of its odd frequencies, a turned one but for rows and columns in each other's place.
    """
    waves = _waves(len(grey))
    spectrum = waves @ (grey.astype(np.float32) - grey.mean()) @ waves.T
    return np.packbits(spectrum > 0).tobytes()


@cache
def _waves(side: int) -> NDArray[np.float32]:
    """(HASHED, side): cosine waves of 0, ½, 1, ... periods."""
    places = (np.arange(side) + 0.5) / side
    waves: NDArray[np.float32] = np.cos(np.pi * np.arange(HASHED)[:, None] * places)
    return waves.astype(np.float32)


def as_integers(hashes: list[bytes]) -> Bits:
    """Hashes of 8 bytes as 64-bit numbers (N,)."""
    return np.frombuffer(b"".join(hashes), ">u8").astype(np.uint64)


def orientations(hashes: Bits) -> Bits:
    """The hashes (N,) of the same pictures in their eight orientations: (8, N)."""
    rows, columns = np.divmod(np.arange(64), HASHED)
    mirrored, flipped = (_number(axis % 2 == 1) for axis in (columns, rows))
    turned = _transposed(hashes)
    changes = (np.uint64(0), mirrored, flipped, mirrored ^ flipped)
    return np.stack([each ^ change for each in (hashes, turned) for change in changes])


def _number(bits: NDArray[np.bool_]) -> np.uint64:
    return np.uint64(int.from_bytes(np.packbits(bits).tobytes(), "big"))


def _transposed(hashes: Bits) -> Bits:
    """Rows and columns of each 8×8 square of bits in each other's place."""
    octets = hashes.astype(">u8").view(np.uint8).reshape(-1, HASHED)
    square = np.unpackbits(octets, axis=1).reshape(-1, HASHED, HASHED)
    turned = np.packbits(square.transpose(0, 2, 1).reshape(-1, 64), axis=1)
    return turned.view(">u8").reshape(-1).astype(np.uint64)


def distance(hashes: Bits, other: np.uint64) -> NDArray[np.uint8]:
    """In how many of 64 bits each hash (N,) differs from another, in the orientation that fits."""
    differing: NDArray[np.uint8] = np.bitwise_count(orientations(hashes) ^ other)
    return differing.min(axis=0)
