"""What is kept of a picture so that its copies are found: perceptual hashes, and a small grey copy.

All are of the picture stretched to a square, so that a quarter turn or a mirror image of the photo
turns or mirrors them exactly. One hash is of the whole picture, the other, like the fingerprint
(which is a pack's), of what is left without plain borders: frames, letterboxes, captions in a bar,
a screenshot's surroundings.
"""

from functools import cache

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from albumen.library.records import Evidence, Fit

SIDE = 96
"""Of the small grey copy; it is kept as a JPEG of some 3 kB."""

QUALITY = 88
PLAIN = 14
"""How far the colours of a plain border may lie apart: JPEG makes them so."""

TEXT = 0.08
"""The tallest line of text in a border, as a share of the picture."""

LEAST_INNER = 0.12
"""A picture of which less than that is left has no borders; it is plain itself."""

HASHED = 8
"""Frequencies each way: 64 bits."""

Bits = NDArray[np.uint64]


def of(pixels: NDArray[np.uint8], fit: Fit) -> Evidence:
    """pixels: uint8 RGB (H, W, 3). `fit` gives what the fingerprint's pack takes."""
    inner = without_borders(pixels)
    small = _small_and_grey(pixels)
    its = small if inner is pixels else _small_and_grey(inner)
    return Evidence(
        hash=perceptual_hash(small),
        inner_hash=perceptual_hash(its),
        inner=inner[..., 0].size / pixels[..., 0].size,
        picture=packed(small),
        pixels=fit(inner),
    )


def _small_and_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    grey = Image.fromarray(pixels).convert("L")
    return np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def without_borders(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The part of a picture (H, W, 3) inside plain borders; the picture itself if it has none."""
    top, bottom, left, right = inner_box(pixels)
    inner = pixels[top:bottom, left:right]
    return pixels if inner.shape == pixels.shape else inner


def inner_box(pixels: NDArray[np.uint8], borders: int = 2) -> tuple[int, int, int, int]:
    """Where the part inside plain borders begins and ends: rows, then columns of (H, W, C).

    borders: how many are taken off, one within the other.

    A row belongs to a border if most of it has the colour of the outermost one; a few rows that do
    not, such as a line of text, are passed over where the border goes on behind them.
    """
    (height, width), inner, box = pixels.shape[:2], pixels, [0, 0]
    for _ in range(borders):
        before = inner.shape
        for axis in (0, 1):  # above and below, then the sides, which are clear of text only then
            lines = inner if axis == 0 else inner.swapaxes(0, 1)
            first, last = _border(lines), len(lines) - _border(lines[::-1])
            if first < last:
                inner = inner[first:last] if axis == 0 else inner[:, first:last]
                box[axis] += first
        if inner.shape == before:
            break
    rows, columns = inner.shape[:2]
    if rows * columns < LEAST_INNER * height * width or min(rows, columns) < 16:
        return 0, height, 0, width
    return box[0], box[0] + rows, box[1], box[1] + columns


def _border(lines: NDArray[np.uint8]) -> int:
    """How many lines, from the first, are a plain border. lines: (N, M, C)."""
    colour = np.median(lines[0], axis=0).astype(np.int16)
    between = 1 + TEXT * len(lines)
    alike = _plain(lines[:1], colour)
    if not alike[0]:  # as in nearly all photos
        return 0
    places, ends = np.zeros(1, np.int64), np.zeros(0, np.int64)
    # A border is seldom wide: lines are looked at until it has ended, at first a sixteenth of them.
    while not len(ends) and len(alike) < len(lines) and len(alike) - places[-1] <= between + 1:
        known = len(alike)
        more = _plain(lines[known : max(2 * known, len(lines) // 16)], colour)
        alike = np.concatenate([alike, more])
        places = np.flatnonzero(alike)
        ends = np.flatnonzero(np.diff(places) > between)
    last = int(places[ends[0]] if len(ends) else places[-1])
    return last + 1 if alike[: last + 1].mean() >= 0.5 else 0


def _plain(lines: NDArray[np.uint8], colour: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Which lines have mostly that colour: (N,)."""
    low, high = (np.clip(colour + apart, 0, 255).astype(np.uint8) for apart in (-PLAIN, PLAIN))
    within = (lines >= low) & (lines <= high)
    near = np.logical_and.reduce([within[..., c] for c in range(lines.shape[2])])
    alike: NDArray[np.bool_] = near.mean(1) >= 0.7
    return alike


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
    differing = np.bitwise_count(orientations(hashes) ^ other)
    least: NDArray[np.uint8] = differing.min(axis=0)
    return least
