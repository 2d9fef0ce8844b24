"""Whether part of a scene moved between two pictures that agree: then they are two exposures.

Of a copy everything lies where it lay, but for one smooth bend of it all (a slant, a lens put
right). When the camera or somebody in view moved, however little, one part lies aside of the rest,
and shows the same once it is moved back; what lies under a sticker or letters does not. Pieces are
followed by Lucas and Kanade's steps, first all together with the bend, then each with those around
it. Shapes as in `comparing`: B pairs, (B, P) pieces in rows and columns.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from albumen.duplicates import comparing, squares
from albumen.duplicates.comparing import STEP, Maps
from albumen.duplicates.squares import Floats, Pyramid

SIDE = 96
PIECES = SIDE // STEP - 1
"""In a row, and in a column."""

TOGETHER, ALONE = 3, 2
"""Rounds in which all pieces move together, then each."""

ASIDE = 0.25
"""How far a piece lies from its place, in 96ths of what is shared, to have moved."""

AGREES = 0.9
"""How well it agrees once it is back."""

NEIGHBOURS = 6
"""Of the nine pieces about a moved one, itself among them, so many moved too."""


def moved(one: Pyramid, other: Pyramid, maps: Maps) -> Floats:
    """(B,) the share of textured pieces that lie elsewhere than the rest of their picture."""
    wanted, flat = other[SIDE], squares.flattened(other[SIDE])
    bent: Floats = np.zeros((len(maps), PIECES**2, 2), np.float32)
    shifts, told = bent, bent[..., 0]
    for number in range(TOGETHER + ALONE):
        seen, inside = _seen(one[SIDE], maps, shifts)
        _, weight = comparing.pieces(wanted, seen, inside)
        if number == 0:
            textured, shown = weight, inside.mean((1, 2))
        steps, corners = comparing.steps(flat, squares.flattened(seen))
        told = np.clip(corners / 0.1, 0, 1)
        if number < TOGETHER:
            shifts = bent = bent + _bend(np.clip(steps, -3, 3), weight)
        else:
            aside = shifts - bent + np.clip(steps, -1.5, 1.5)
            shifts = bent + _evened(aside, weight * told + 1e-3)
    agreement, weight = comparing.pieces(wanted, *_seen(one[SIDE], maps, shifts))
    weight = weight * told * agreement
    aside = shifts - bent
    far = np.linalg.norm(aside - _bend(aside, weight), axis=2)
    far = far / np.sqrt(np.maximum(shown, 0.05))[:, None]
    gone = _together((far > ASIDE) & (agreement > AGREES))
    share: Floats = (gone * weight).sum(1) / np.maximum(textured.sum(1), 1e-6)
    return share


def _seen(picture: Floats, maps: Maps, shifts: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """What the maps show of the picture (B, S, S), each piece moved by its shift in pixels."""
    count = len(maps)
    spread = _spread()
    field = shifts.reshape(count, PIECES, PIECES, 2).transpose(0, 3, 1, 2)
    flow = (spread @ field @ spread.T).reshape(count, 2, -1) * np.float32(2 / SIDE)
    grid = squares.grid(SIDE)
    places = maps @ grid + maps[..., :2] @ flow
    seen, inside = squares.sampled(picture[..., None], places)
    return seen.reshape(count, SIDE, SIDE), inside.reshape(count, SIDE, SIDE)


@cache
def _spread() -> Floats:
    """(SIDE, PIECES): what each pixel takes of the pieces to its sides."""
    places = (np.arange(SIDE) + 0.5) / STEP - 1
    apart = np.abs(np.clip(places, 0, PIECES - 1)[:, None] - np.arange(PIECES))
    weights: Floats = np.clip(1 - apart, 0, 1).astype(np.float32)
    return weights


def _bend(shifts: Floats, weight: Floats) -> Floats:
    """The smooth bend, of third order, that most of the shifts (B, P, 2) follow."""
    basis = _basis()
    ridge = 1e-3 * np.eye(basis.shape[1], dtype=np.float32)
    distances = np.zeros(weight.shape, np.float32)
    bend = np.zeros_like(shifts)
    for _ in range(4):
        fit = weight / (0.1 + distances)  # so that what lies far aside does not bend the rest
        normal = (basis.T * fit[:, None]) @ basis + ridge
        bend = basis @ np.linalg.solve(normal, (basis.T * fit[:, None]) @ shifts)
        distances = np.linalg.norm(shifts - bend, axis=2)
    return bend


@cache
def _basis() -> Floats:
    """(P, 10): 1, x, y, x², xy, y², x³, x²y, xy², y³ of the middle of each piece."""
    x, y, one = squares.grid(PIECES)
    columns = [one, x, y, x * x, x * y, y * y, x**3, x * x * y, x * y * y, y**3]
    return np.stack(columns, 1).astype(np.float32)


def _evened(shifts: Floats, weight: Floats) -> Floats:
    """Each shift (B, P, 2) as the mean of those about it."""
    total = _about(weight[..., None])
    mean: Floats = _about(shifts * weight[..., None]) / np.maximum(total, 1e-3)
    return mean


def _about(x: Floats) -> Floats:
    """(B, P, C): the sums over each piece and its eight neighbours."""
    field = x.reshape(len(x), PIECES, PIECES, -1)
    padded = np.pad(field, ((0, 0), (1, 1), (1, 1), (0, 0)))
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    sums: Floats = (rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]).reshape(x.shape)
    return sums


def _together(chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Those of the chosen pieces (B, P) that most of their neighbours are chosen with."""
    count = _about(chosen[..., None].astype(np.float32))[..., 0]
    both: NDArray[np.bool_] = chosen & (count >= NEIGHBOURS)
    return both
