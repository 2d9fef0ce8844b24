"""How well two pictures agree, piece by piece, when a map lays one over the other.

Shapes: B pairs; a map (B, 2, 3) takes places of the second picture to places of the first.
"""

from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albumen.duplicates import squares
from albumen.duplicates.squares import Floats, Pyramid

Maps = Floats

STEP = 6
"""Pixels of 96 from piece to piece; each is twice as wide and high, so that they overlap."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """How well pairs agree where they overlap, and what they share.

    similarity: (B,) 0 to 1, the share of textured pieces that agree · drift: (B,) how far pieces
    lie beside where they should, in 96ths of what is shared, the lower quartile: what is near moves
    against what is far when the camera moves, while a copy lies still · maps: (B, 2, 3), places of
    the second picture to places of the first · first, second: (B,) the share of each that the other
    shows · moved: (B,) the share of textured pieces that lie elsewhere than the rest (`parallax`),
    0 where that was not looked at.
    """

    similarity: Floats
    drift: Floats
    maps: Maps
    first: Floats
    second: Floats
    moved: Floats


def compared(one: Pyramid, other: Pyramid, maps: Maps) -> Alignment:
    """Pieces of other against what the map shows of one."""
    side, count = 96, len(maps)
    seen, inside = squares.sampled(one[96][..., None], maps @ squares.grid(side))
    return agreeing(
        other[96], seen.reshape(count, side, side), inside.reshape(count, side, side), maps
    )


def agreeing(wanted: Floats, seen: Floats, inside: NDArray[np.bool_], maps: Maps) -> Alignment:
    """Pieces of what is wanted against what is seen, as far as that is inside: (B, S, S)."""
    count = len(wanted)
    agreement, weight = pieces(wanted, seen, inside)
    drift = _drift(squares.flattened(wanted), squares.flattened(seen), weight)
    total = weight.sum(1)
    similarity = np.where(total > 0.5, (agreement * weight).sum(1) / np.maximum(total, 1e-6), 0)
    second = inside.mean((1, 2))
    first = np.minimum(second * np.abs(np.linalg.det(maps[..., :2])), 1)
    return Alignment(
        similarity.astype(np.float32),
        drift / np.sqrt(np.maximum(second, 0.05)).astype(np.float32),
        maps,
        first.astype(np.float32),
        second.astype(np.float32),
        np.zeros(count, np.float32),
    )


def pieces(wanted: Floats, seen: Floats, inside: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """How well each piece agrees, 0 to 1, and how much it has to say: both (B, pieces)."""
    a, b = _means(wanted), _means(seen)
    spread_a = np.maximum(_means(wanted * wanted) - a * a, 0)
    spread_b = np.maximum(_means(seen * seen) - b * b, 0)
    together = _means(wanted * seen) - a * b
    correlation = together / (np.sqrt(spread_a * spread_b) + 2)
    # What is plain in one of them has less to say: it may be the ground of a caption.
    lower, upper = np.minimum(spread_a, spread_b), np.maximum(spread_a, spread_b)
    texture = 0.7 * np.sqrt(lower) + 0.3 * np.sqrt(upper)
    whole = _means(inside.astype(np.float32)) > 0.98
    weight = np.where(whole, np.clip((texture - 3) / 12, 0, 1), 0)
    return np.clip((correlation - 0.25) / 0.5, 0, 1), weight


def _means(x: Any) -> Floats:
    """The mean over each piece: (B, S, S) -> (B, pieces). Pieces are two cells wide and high."""
    count, cells = len(x), x.shape[1] // STEP
    cell = x.reshape(count, cells, STEP, cells, STEP).mean((2, 4))
    rows = cell[:, :-1] + cell[:, 1:]
    pieces: Floats = (rows[:, :, :-1] + rows[:, :, 1:]) / 4
    return pieces.reshape(count, -1)


def _drift(wanted: Floats, seen: Floats, weight: Floats) -> Floats:
    """How far pieces of `seen` lie beside where they should, but for one smooth bend of it all.

    Each piece's own shift is one step of Lucas and Kanade; a bend of second order, such as the
    slant of a photographed print, is taken off. Of the pieces' distances the lower quartile, so
    that letters over the picture do not count.
    """
    shifts = np.clip(steps(wanted, seen)[0], -3, 3)
    basis = _bend(round(shifts.shape[1] ** 0.5))
    distances = np.linalg.norm(shifts, axis=2)
    for _ in range(3):
        fit = weight / (0.1 + distances)  # so that what drifts far does not bend the rest
        normal = (basis.T * fit[:, None]) @ basis + 1e-3 * np.eye(6, dtype=np.float32)
        bend = basis @ np.linalg.solve(normal, (basis.T * fit[:, None]) @ shifts)
        distances = np.linalg.norm(shifts - bend, axis=2)
    told = np.where(weight > 0.3, distances, np.nan)
    some = (weight > 0.3).sum(1) >= 4
    drift = np.full(len(wanted), 3.0, np.float32)
    if some.any():
        drift[some] = np.nanquantile(told[some], 0.25, axis=1)
    return drift


def steps(wanted: Floats, seen: Floats) -> tuple[Floats, Floats]:
    """One step of Lucas and Kanade for each piece: (B, pieces, 2) pixels, right and down.

    And how much the piece has to tell of both directions: (B, pieces), little along an edge.
    """
    # Of both together: beside a sharp picture the slopes of a blurred one are too slight.
    down, right = np.gradient((wanted + seen) / 2, axis=(1, 2))
    error = wanted - seen
    xx, yy = _means(right * right) + 0.02, _means(down * down) + 0.02
    xy, xe, ye = _means(right * down), _means(right * error), _means(down * error)
    step = np.stack([yy * xe - xy * ye, xx * ye - xy * xe], -1) / (xx * yy - xy * xy)[..., None]
    corners = (xx + yy) / 2 - np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    return step, corners


@cache
def _bend(pieces: int) -> Floats:
    """(pieces², 6): 1, x, y, x², xy, y² of the middle of each piece."""
    x, y, one = squares.grid(pieces)
    return np.stack([one, x, y, x * x, x * y, y * y], 1)


def nothing(count: int) -> Alignment:
    """No likeness at all."""
    none = np.zeros(count, np.float32)
    maps = np.tile(np.eye(2, 3, dtype=np.float32), (count, 1, 1))
    return Alignment(none, none + 3, maps, none, none, none)


def taken(alignment: Alignment, rows: NDArray[np.intp]) -> Alignment:
    """These pairs alone."""
    return Alignment(*(getattr(alignment, field.name)[rows] for field in fields(Alignment)))


def better(known: Alignment, found: Alignment, rows: NDArray[np.intp]) -> Alignment:
    """`found` in place of these rows of `known`, where it is better."""
    better = worth(found) > worth(taken(known, rows))
    parts = []
    for field in fields(Alignment):
        values = getattr(known, field.name).copy()
        values[rows[better]] = getattr(found, field.name)[better]
        parts.append(values)
    return Alignment(*parts)


def worth(alignment: Alignment) -> Floats:
    """Similarity, less where little is shared, which agrees by chance, and where pieces drift."""
    shared = np.maximum(alignment.first, alignment.second)
    steady = 1 - 0.1 * np.clip(alignment.drift, 0, 3)
    worth: Floats = alignment.similarity * np.clip(shared / 0.5, 0, 1) * steady
    return worth
