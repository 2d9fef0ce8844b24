"""Square grey pictures at several sizes: resampled, looked up between pixels, freed of light.

Shapes: B pictures (B, S, S) float32. Places are -1 to 1 from left to right (x) and from top to
bottom (y).
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Floats = NDArray[np.floating[Any]]
"""float32 throughout; what NumPy's own types say of arithmetic is less exact."""

Pyramid = dict[int, Floats]
"""The same pictures, (B, n, n) for some sides n."""


def scaled(pictures: Grey) -> Pyramid:
    """Pictures of 96 pixels at 96, a little blurred, at 48 and at 24."""
    full = pictures.astype(np.float32)
    half = _halved(full)
    return {96: blurred(full), 48: half, 24: _halved(half)}


def _halved(x: Floats) -> Floats:
    rows = x[:, ::2] + x[:, 1::2]
    return (rows[:, :, ::2] + rows[:, :, 1::2]) / 4


def some(pyramid: Pyramid, rows: NDArray[np.intp]) -> Pyramid:
    """These pictures alone."""
    return {side: pictures[rows] for side, pictures in pyramid.items()}


def blurred(x: Floats) -> Floats:
    """A little, by ¼ ½ ¼ each way: a place of the one falls between two of the other."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), "edge")
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 16


@cache
def grid(side: int) -> Floats:
    """(3, side²): the places of pixels, and ones."""
    centres = (np.arange(side, dtype=np.float32) * 2 + 1) / side - 1
    y, x = np.meshgrid(centres, centres, indexing="ij")
    return np.stack([x.ravel(), y.ravel(), np.ones(side * side, np.float32)])


@cache
def _resampling(side: int, target: int) -> Floats:
    """(target, side): each target pixel as the mean of those it covers, triangle-weighted."""
    scale = side / target
    centres = (np.arange(target) + 0.5) * scale - 0.5
    apart = np.abs(np.arange(side)[None] - centres[:, None]) / max(scale, 1.0)
    weights = np.clip(1 - apart, 0, None)
    result: Floats = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    return result


def resized(x: Floats, height: int, width: int) -> Floats:
    """(B, S, S) -> (B, height, width)"""
    side = x.shape[-1]
    return _resampling(side, height) @ x @ _resampling(side, width).T


def sampled(x: Floats, places: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """x (B, S, S, C) at places (B, 2, N), bilinear: (B, N, C); and which lie inside, (B, N)."""
    count, side, _, channels = x.shape
    inside: NDArray[np.bool_] = np.all(np.abs(places) <= 1, axis=1)
    at = (np.clip(places, -1, 1) + 1) * np.float32(side / 2) - np.float32(0.5)
    low = np.clip(at, 0, side - 2).astype(np.int32)
    fx, fy = (np.clip(at - low, 0, 1).transpose(1, 0, 2))[..., None]
    first = np.arange(count, dtype=np.int32)[:, None] * (side * side)
    index = first + low[:, 1] * side + low[:, 0]
    flat = x.reshape(-1, channels)
    upper = flat[index] * (1 - fx) + flat[index + 1] * fx
    lower = flat[index + side] * (1 - fx) + flat[index + side + 1] * fx
    return upper * (1 - fy) + lower * fy, inside


def turned(x: Floats, matrices: Floats) -> Floats:
    """x (B, S, S) looked up as matrices (B, 2, 2) of quarter turns and mirrors say, exactly."""
    count, side, _ = x.shape
    places = np.rint(((matrices @ grid(side)[:2] + 1) * side - 1) / 2).astype(np.int32)
    index = places[:, 1] * side + places[:, 0]
    return np.take_along_axis(x.reshape(count, -1), index, 1).reshape(x.shape)


def high_passed(x: Floats, reach: int = 3) -> Floats:
    """Without what varies over more than 2 · reach + 1 pixels: light, shade, vignettes."""
    return x - box(x, reach)


def box(x: Floats, reach: int) -> Floats:
    """The mean over squares of 2 · reach + 1 pixels, borders repeated."""
    width = 2 * reach + 1
    padded = np.pad(x, ((0, 0), (reach + 1, reach), (reach + 1, reach)), "edge")
    sums = padded.cumsum(1).cumsum(2)
    total = sums[:, width:, width:] - sums[:, :-width, width:]
    total -= sums[:, width:, :-width] - sums[:, :-width, :-width]
    result: Floats = total / (width * width)
    return result


def standard(rows: Floats) -> Floats:
    """Rows of mean 0 and length 1, so that products are correlations: (..., N)."""
    rows = rows - rows.mean(-1, keepdims=True)
    length = np.sqrt((rows * rows).sum(-1, keepdims=True))
    result: Floats = rows / np.maximum(length, 1e-3 * rows.shape[-1] ** 0.5)
    return result


def flattened(x: Floats) -> Floats:
    """Local mean 0 and deviation about 1: light and contrast do not count."""
    reach = x.shape[-1] // 12
    rest = x - box(x, reach)
    result: Floats = rest / (np.sqrt(np.maximum(box(rest * rest, reach), 0)) + 4)
    return result
