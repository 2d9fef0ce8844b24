"""Whether two small grey pictures show the same picture, and which part of it each one shows.

One is laid over the other: first in each of the eight orientations as it is; where that does not
fit, also without the plain borders of both, and its middle is looked for in the other at many sizes
and places (normalised correlation). What fits best is adjusted until the two agree (Lucas & Kanade,
"An Iterative Image Registration Technique", 1981, with an affine map and Tukey's weights, so that
captions and stickers do not pull). In the end pieces are compared one by one: a copy agrees nearly
everywhere, two photos of one scene do not.

Shapes: B pairs, pictures (B, S, S) uint8 of which each is stretched to a square. Places are -1 to
1 from left to right (x) and from top to bottom (y); a map (B, 2, 3) takes places of one picture to
those of the other: p = M · (x, y, 1).
"""

import itertools
from functools import cache

import numpy as np
from numpy.typing import NDArray

from albumen.duplicates import comparing, parallax, squares
from albumen.duplicates.comparing import Alignment, Maps
from albumen.duplicates.squares import Floats, Grey, Pyramid
from albumen.library import evidence

QUARTERS = np.array([[[1, 0], [0, 1]], [[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, 1], [-1, 0]]])
MIRRORED = np.array([[-1, 0], [0, 1]])
ORIENTATIONS = np.concatenate([QUARTERS, QUARTERS @ MIRRORED]).astype(np.float32)
"""(8, 2, 2): quarter turns, and the same of the mirror image."""

TEMPLATE, WHOLE = 10, 16
"""The middle 10×10 of a picture of 16×16 is what is looked for."""

SIZES = (13, 16, 19, 22, 26, 31, 36, 43)
"""Sides at which it is looked for: the searched picture is 1.2 times to a third as large. The last
is for one side alone: a letterbox leaves the other as it is."""

STEADY = 0.22
"""The most that a copy drifts; what two eyes see of one scene drifts by more."""

STILL = 0.025
"""Two exposures drift by no less, if only by their noise."""

SHARED = 0.3
"""The least share of a picture that another must show to be judged."""

TURNS = np.radians([-14.0, -7.0, 0.0, 7.0, 14.0])
HYPOTHESES = 3
BORDERS = (1, 4)
"""A picture on plain ground may itself be framed."""

CERTAIN = 0.3
"""By so much a correlation of whole pictures is worth more than one of a middle with a place."""

PROMISING = 0.78
"""The least correlation of a middle with what it is found on: of copies, nearly all have more."""


def align(
    first: Grey, second: Grey, aspects: Floats, other_aspects: Floats, good: float = 0.8
) -> Alignment:
    """Lay second over first. aspects: width to height of each; `good`: what needs no search."""
    one, other = squares.scaled(first), squares.scaled(second)
    best = _in_each_orientation(one, other)
    poor = np.flatnonzero(best.similarity < good)
    if len(poor):
        logs = np.log(np.stack([aspects, other_aspects])[:, poor])
        found = _searched(squares.some(one, poor), squares.some(other, poor), logs)
        best = comparing.better(best, found, poor)
    loose = np.flatnonzero((best.similarity >= good) & (best.drift > STEADY / 2))
    if len(loose):
        near = squares.some(one, loose), squares.some(other, loose)
        maps = _adjusted(*near, _adjusted(*near, best.maps[loose], 48, 5)[0], 96, 3)[0]
        best = comparing.better(best, comparing.compared(*near, maps), loose)
    doubtful = np.flatnonzero((best.similarity >= good - 0.1) & (best.drift >= STILL))
    if len(doubtful):
        near = squares.some(one, doubtful), squares.some(other, doubtful)
        best.moved[doubtful] = parallax.moved(*near, best.maps[doubtful])
    return best


# As they are, in eight orientations


def _in_each_orientation(one: Pyramid, other: Pyramid) -> Alignment:
    """The best of the eight, without any search."""
    small, its = (squares.resized(each[48], 24, 24) for each in (one, other))
    maps = _best_orientation(small, its)[1]
    seen = squares.turned(one[96], maps[..., :2])
    return comparing.agreeing(other[96], seen, np.ones(seen.shape, bool), maps)


def _best_orientation(small: Floats, its: Floats) -> tuple[Floats, Maps]:
    """How well the best of the eight fits, (B,), and its maps. small, its: (B, 24, 24)."""
    count = len(small)
    wanted = squares.standard(squares.high_passed(small).reshape(count, -1))
    scores = np.empty((8, count), np.float32)
    for number in range(8):
        turned = _oriented(its, number)
        scores[number] = (
            squares.standard(squares.high_passed(turned).reshape(count, -1)) * wanted
        ).sum(1)
    maps = np.zeros((count, 2, 3), np.float32)
    maps[:, :, :2] = ORIENTATIONS[scores.argmax(0)]
    return scores.max(0), maps


def _oriented(x: Floats, number: int) -> Floats:
    """The pictures as ORIENTATIONS[number] lays them over another: (B, n, n)."""
    # The map takes places of x to places of the result; NumPy turns the other way round in y.
    turned = np.flip(x, 2) if number >= 4 else x
    return np.rot90(turned, -(number % 4), (1, 2))


# Without plain borders


def _without_borders(one: Pyramid, other: Pyramid) -> tuple[Floats, Maps]:
    """How well what lies inside the borders of both fits, (B, 1), and the maps, (B, 1, 2, 3).

    -1 where neither has borders: that was tried already.
    """
    count = len(one[96])
    best, maps = np.full(count, -1, np.float32), np.zeros((count, 2, 3), np.float32)
    mine, its = _inner(one), _inner(other)
    for (small, box), (other_small, other_box) in itertools.product(mine, its):
        score, turned = _best_orientation(small, other_small)
        better = (score > best) & np.any(box != other_box, axis=(1, 2))
        best[better] = score[better]
        maps[better] = _composed(_composed(box, turned), _inverse(other_box))[better]
    return best[:, None], maps[:, None]


def _inner(pictures: Pyramid) -> list[tuple[Floats, Maps]]:
    """Pictures within how many borders, (B, 24, 24), and maps of the whole to that, (B, 2, 3)."""
    boxes = [np.tile(np.eye(2, 3, dtype=np.float32), (len(pictures[96]), 1, 1))]
    for borders in BORDERS:
        maps = boxes[0].copy()
        for number, picture in enumerate(np.rint(pictures[96]).astype(np.uint8)):
            top, bottom, left, right = evidence.inner_box(picture[..., None], borders)
            maps[number, 0] = (right - left) / 96, 0, (right + left) / 96 - 1
            maps[number, 1] = 0, (bottom - top) / 96, (bottom + top) / 96 - 1
        boxes.append(maps)
    grid, layers = squares.grid(24), pictures[48][..., None]
    return [(squares.sampled(layers, box @ grid)[0].reshape(-1, 24, 24), box) for box in boxes]


def _composed(after: Maps, before: Maps) -> Maps:
    """First `before`, then `after`."""
    linear = after[..., :2] @ before
    linear[..., 2] += after[..., 2]
    return linear


# The search


def _searched(one: Pyramid, other: Pyramid, aspects: Floats) -> Alignment:
    """The best of the middle of each looked for in the other, adjusted.

    aspects: (2, B) the logarithms of one's width to height, and of other's.
    """
    mine, its = aspects
    there = _found(one[48], other[48], np.stack([its - mine, -its - mine]))
    back = _found(other[48], one[48], np.stack([mine - its, -mine - its]))
    framed = _without_borders(one, other)
    scores = np.concatenate([framed[0] + CERTAIN, there[0], back[0]], 1)
    maps = np.concatenate([framed[1], there[1], _inverse(back[1])], 1)
    order = np.argsort(-scores, axis=1)[:, :HYPOTHESES]
    kept = np.flatnonzero(scores.max(1) >= PROMISING)
    found = comparing.nothing(len(mine))
    if len(kept):
        chosen = np.take_along_axis(maps, order[..., None, None], 1)[kept]
        best = _refined(squares.some(one, kept), squares.some(other, kept), chosen)
        found = comparing.better(found, best, kept)
    return found


def _refined(one: Pyramid, other: Pyramid, maps: Maps) -> Alignment:
    """The best of several maps (B, K, 2, 3), adjusted from coarse to fine."""
    count, several = maps.shape[:2]
    rows = np.repeat(np.arange(count), several)
    coarse, fits = _adjusted(
        squares.some(one, rows), squares.some(other, rows), maps.reshape(-1, 2, 3), 24, 8
    )
    best = fits.reshape(count, several).argmax(1) + np.arange(count) * several
    middle, _ = _adjusted(one, other, coarse[best], 48, 5)
    fine, _ = _adjusted(one, other, middle, 96, 3)
    return comparing.compared(one, other, fine)


def _found(searched: Floats, sought: Floats, ratio: Floats) -> tuple[Floats, Maps]:
    """The middle of `sought` in `searched`: the best places of each size and shape.

    Shapes: as stretched as the searched picture; or scaled evenly, as a crop is, upright or turned
    by a quarter. ratio: (B,) and (B,) logarithms of how much wider sought then is, stacked (2, B).
    (B, K) correlations, (B, K, 2, 3) maps of places of sought to places of searched.
    """
    templates = _templates(sought)
    turned = np.repeat(np.arange(8) % 2 == 1, len(TURNS))
    step = float(np.log(SIZES[-1] / SIZES[0]) / (len(SIZES) - 1))
    shapes = [(np.zeros(len(ratio[0]), int), np.arange(len(turned)))]
    for quarter in (0, 1):
        shapes.append(
            (np.rint(ratio[quarter] / step).astype(int), np.flatnonzero(turned == quarter))
        )
    scores, maps = [], []
    for number, (shift, variants) in enumerate(shapes):
        for size in range(len(SIZES) if number else len(SIZES) - 1):
            valid = (
                (shift + size >= 0) & (shift + size < len(SIZES)) & ((shift != 0) | (number == 0))
            )
            score = np.full(len(shift), -1, np.float32)
            its = np.tile(np.eye(2, 3, dtype=np.float32), (len(shift), 1, 1))
            for amount in np.unique(shift[valid]):
                which = np.flatnonzero(valid & (shift == amount))
                score[which], its[which] = _places_of(
                    searched[which], templates[which], variants, SIZES[size + amount], SIZES[size]
                )
            scores.append(score)
            maps.append(its)
    return np.stack(scores, 1), np.stack(maps, 1)


def _templates(sought: Floats) -> Floats:
    """(B, 40, 100): the middle in each orientation and turned a little, standardised."""
    whole = squares.high_passed(squares.blurred(squares.resized(sought, 2 * WHOLE, 2 * WHOLE)), 6)
    grid = squares.grid(WHOLE).reshape(3, WHOLE, WHOLE)
    edge = (WHOLE - TEMPLATE) // 2
    middle = grid[:2, edge : edge + TEMPLATE, edge : edge + TEMPLATE].reshape(2, -1)
    parts = []
    for matrix in _variants():
        places = np.broadcast_to(matrix.T @ middle, (len(sought), 2, TEMPLATE**2))
        parts.append(squares.standard(squares.sampled(whole[..., None], places)[0][..., 0]))
    return np.stack(parts, 1)


@cache
def _variants() -> Floats:
    """(40, 2, 2): orientations, each turned a little too; all orthogonal."""
    small = np.stack([[[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]] for t in TURNS])
    return (small[None] @ ORIENTATIONS[:, None]).reshape(-1, 2, 2).astype(np.float32)


def _places_of(
    searched: Floats, templates: Floats, variants: NDArray[np.intp], height: int, width: int
) -> tuple[Floats, Maps]:
    """The best place in the searched pictures at that size: (B,), (B, 2, 3)."""
    count = len(searched)
    field = squares.high_passed(squares.resized(searched, height, width))
    windows = np.lib.stride_tricks.sliding_window_view(field, (TEMPLATE, TEMPLATE), (1, 2))
    across = windows.shape[2]
    flat = windows.reshape(count, -1, TEMPLATE**2)
    # Templates have mean 0, so that of a window need not be taken off; only its length counts.
    length = np.sqrt(np.einsum("bpn,bpn->bp", flat, flat) - flat.sum(2) ** 2 / TEMPLATE**2 + 100)
    products = _products(flat, templates[:, variants].transpose(0, 2, 1))
    products = (products / length[..., None]).reshape(count, -1)
    best = products.argmax(1)
    place, variant = np.divmod(best, len(variants))
    top, left = np.divmod(place, across)
    scale = np.array([WHOLE / width, WHOLE / height], np.float32)
    maps = np.zeros((count, 2, 3), np.float32)
    maps[:, :, :2] = scale[:, None] * _variants()[variants[variant]]
    maps[:, 0, 2] = (2 * left + TEMPLATE) / width - 1
    maps[:, 1, 2] = (2 * top + TEMPLATE) / height - 1
    return products[np.arange(count), best], maps


def _products(x: Floats, y: Floats) -> Floats:
    """x @ y, in parts so small that the library underneath starts no threads of its own for them.

    Its threads wait by spinning, which on a busy machine costs more than the products.
    """
    parts = range(0, x.shape[1], 100)
    return np.concatenate([x[:, at : at + 100] @ y for at in parts], axis=1)


# Adjusting


def _adjusted(
    one: Pyramid, other: Pyramid, maps: Maps, side: int, rounds: int
) -> tuple[Maps, Floats]:
    """Gauss-Newton on the affine map, other's places to one's, so that the pictures agree.

    Returns the maps, and how well each fitted before its last step: the mean weight of what both
    show, less where that is little.
    """
    wanted = squares.flattened(other[side]).reshape(len(maps), -1)
    moving = squares.flattened(one[side])
    down, right = np.gradient(moving, axis=(1, 2))
    layers = np.stack([moving, right * (side / 2), down * (side / 2)], -1)
    grid = squares.grid(side)
    maps, fits = maps.copy(), np.zeros(len(maps), np.float32)
    for _ in range(rounds):
        seen, inside = squares.sampled(layers, maps @ grid)
        error = wanted - seen[..., 0]
        weights = _tukey(error, inside)
        steps = (seen[..., None, 1:].swapaxes(2, 3) * grid.T[:, None]).reshape(*error.shape, 6)
        weighted = (steps * weights[..., None]).swapaxes(1, 2)  # (B, 6, N)
        normal = weighted @ steps
        ridge = 2e-4 * np.trace(normal, axis1=1, axis2=2) + 1e-4
        normal += np.eye(6, dtype=np.float32) * ridge[:, None, None]
        change = np.linalg.solve(normal, weighted @ error[..., None])[..., 0]
        maps += np.clip(change, -0.2, 0.2).reshape(-1, 2, 3)
        shown = inside.mean(1)
        fits = weights.mean(1) / np.maximum(shown, SHARED)
    return maps, fits


def _tukey(error: Floats, inside: NDArray[np.bool_]) -> Floats:
    """Weights that fall to 0 where the error is large, as under a sticker."""
    bound = 2.5
    near = np.clip(1 - (error / bound) ** 2, 0, None)
    return np.where(inside, near * near, 0).astype(np.float32)


def _inverse(maps: Maps) -> Maps:
    """Of (..., 2, 3) affine maps."""
    linear = np.linalg.inv(maps[..., :2])
    return np.concatenate([linear, -linear @ maps[..., 2:]], -1).astype(np.float32)
