"""Whether two small grey pictures show the same picture, and which part of it each one shows.

One is laid over the other: first in each of the eight orientations as it is; where that does not
fit, its middle is looked for in the other at many sizes and places (normalised correlation), and
what fits best is adjusted until the two agree (Lucas & Kanade, "An Iterative Image Registration
Technique", 1981, with an affine map and Tukey's weights, so that captions and stickers do not
pull). In the end pieces are compared one by one: a copy agrees nearly everywhere, two photos of
one scene do not.

Shapes: B pairs, pictures (B, S, S) uint8 of which each is stretched to a square. Places are -1 to
1 from left to right (x) and from top to bottom (y); a map (B, 2, 3) takes places of one picture to
those of the other: p = M · (x, y, 1).
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Floats = NDArray[np.floating[Any]]
"""float32 throughout; what NumPy's own types say of arithmetic is less exact."""

Maps = Floats

QUARTERS = np.array([[[1, 0], [0, 1]], [[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, 1], [-1, 0]]])
MIRRORED = np.array([[-1, 0], [0, 1]])
ORIENTATIONS = np.concatenate([QUARTERS, QUARTERS @ MIRRORED]).astype(np.float32)
"""(8, 2, 2): quarter turns, and the same of the mirror image."""

TEMPLATE, WHOLE = 10, 16
"""The middle 10×10 of a picture of 16×16 is what is looked for."""

SIZES = (13, 16, 19, 22, 26, 31, 36, 43)
"""Sides at which it is looked for: the searched picture is 1.2 times to a third as large. The last
is for one side alone: a letterbox leaves the other as it is."""

STEADY = 0.19
"""The most that a copy drifts; what two eyes see of one scene drifts by more."""

SHARED = 0.3
"""The least share of a picture that another must show to be judged."""

TURNS = np.radians([-9.0, 0.0, 9.0])
HYPOTHESES = 3
PROMISING = 0.78
"""The least correlation of a middle with what it is found on: of copies, nearly all have more."""

BLOCK, STEP = 12, 6
"""Pieces compared in the end: 12 pixels of 96, half overlapping."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """How well pairs agree where they overlap, and what they share.

    similarity: (B,) 0 to 1, the share of textured pieces that agree · drift: (B,) how far pieces
    lie beside where they should, in 96ths of what is shared, the lower quartile: what is near moves
    against what is far when the camera moves, while a copy lies still · maps: (B, 2, 3), places of
    the second picture to places of the first · first, second: (B,) the share of each that the other
    shows.
    """

    similarity: Floats
    drift: Floats
    maps: Maps
    first: Floats
    second: Floats


def align(
    first: Grey, second: Grey, aspects: Floats, other_aspects: Floats, good: float = 0.8
) -> Alignment:
    """Lay second over first. aspects: width to height of each; `good`: what needs no search."""
    one, other = _scaled(first), _scaled(second)
    best = _in_each_orientation(one, other)
    poor = np.flatnonzero(best.similarity < good)
    if len(poor):
        logs = np.log(np.stack([aspects, other_aspects])[:, poor])
        found = _searched(_some(one, poor), _some(other, poor), logs)
        best = _better(best, found, poor)
    loose = np.flatnonzero((best.similarity >= good) & (best.drift > STEADY / 2))
    if len(loose):
        near = _some(one, loose), _some(other, loose)
        maps = _adjusted(*near, _adjusted(*near, best.maps[loose], 48, 5)[0], 96, 3)[0]
        best = _better(best, _compared(*near, maps), loose)
    return best


# Pictures at several sizes


Pyramid = dict[int, Floats]
"""The same pictures, (B, n, n) for some sides n."""


def _scaled(pictures: Grey) -> Pyramid:
    full = pictures.astype(np.float32)
    half = _halved(full)
    return {96: _blurred(full), 48: half, 24: _halved(half)}


def _halved(x: Floats) -> Floats:
    rows = x[:, ::2] + x[:, 1::2]
    return (rows[:, :, ::2] + rows[:, :, 1::2]) / 4


def _some(pyramid: Pyramid, rows: NDArray[np.intp]) -> Pyramid:
    return {side: pictures[rows] for side, pictures in pyramid.items()}


def _blurred(x: Floats) -> Floats:
    """A little, by ¼ ½ ¼ each way: a place of the one falls between two of the other."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), "edge")
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) / 16


@cache
def _grid(side: int) -> Floats:
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


def _resized(x: Floats, height: int, width: int) -> Floats:
    """(B, S, S) -> (B, height, width)"""
    side = x.shape[-1]
    return _resampling(side, height) @ x @ _resampling(side, width).T


def _sampled(x: Floats, places: Floats) -> tuple[Floats, NDArray[np.bool_]]:
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


# As they are, in eight orientations


def _in_each_orientation(one: Pyramid, other: Pyramid) -> Alignment:
    """The best of the eight, without any search."""
    count = len(one[48])
    small, its = _resized(one[48], 24, 24), _resized(other[48], 24, 24)
    wanted = _standard(_high_passed(small).reshape(count, -1))
    scores = np.empty((8, count), np.float32)
    for number in range(8):
        turned = _oriented(its, number)
        scores[number] = (_standard(_high_passed(turned).reshape(count, -1)) * wanted).sum(1)
    chosen = scores.argmax(0)
    maps = np.zeros((count, 2, 3), np.float32)
    maps[:, :, :2] = ORIENTATIONS[chosen]
    return _compared(one, other, maps)


def _oriented(x: Floats, number: int) -> Floats:
    """The pictures as ORIENTATIONS[number] lays them over another: (B, n, n)."""
    # The map takes places of x to places of the result; NumPy turns the other way round in y.
    turned = np.flip(x, 2) if number >= 4 else x
    return np.rot90(turned, -(number % 4), (1, 2))


def _high_passed(x: Floats, reach: int = 3) -> Floats:
    """Without what varies over more than 2 · reach + 1 pixels: light, shade, vignettes."""
    return x - _box(x, reach)


def _box(x: Floats, reach: int) -> Floats:
    """The mean over squares of 2 · reach + 1 pixels, borders repeated."""
    width = 2 * reach + 1
    padded = np.pad(x, ((0, 0), (reach + 1, reach), (reach + 1, reach)), "edge")
    sums = padded.cumsum(1).cumsum(2)
    total = sums[:, width:, width:] - sums[:, :-width, width:]
    total -= sums[:, width:, :-width] - sums[:, :-width, :-width]
    result: Floats = total / (width * width)
    return result


def _standard(rows: Floats) -> Floats:
    """Rows of mean 0 and length 1, so that products are correlations: (..., N)."""
    rows = rows - rows.mean(-1, keepdims=True)
    length = np.sqrt((rows * rows).sum(-1, keepdims=True))
    result: Floats = rows / np.maximum(length, 1e-3 * rows.shape[-1] ** 0.5)
    return result


# The search


def _searched(one: Pyramid, other: Pyramid, aspects: Floats) -> Alignment:
    """The best of the middle of each looked for in the other, adjusted.

    aspects: (2, B) the logarithms of one's width to height, and of other's.
    """
    mine, its = aspects
    there = _found(one[48], other[48], np.stack([its - mine, -its - mine]))
    back = _found(other[48], one[48], np.stack([mine - its, -mine - its]))
    scores = np.concatenate([there[0], back[0]], 1)
    maps = np.concatenate([there[1], _inverse(back[1])], 1)
    order = np.argsort(-scores, axis=1)[:, :HYPOTHESES]
    kept = np.flatnonzero(scores.max(1) >= PROMISING)
    found = _nothing(len(mine))
    if len(kept):
        chosen = np.take_along_axis(maps, order[..., None, None], 1)[kept]
        best = _refined(_some(one, kept), _some(other, kept), chosen)
        found = _better(found, best, kept)
    return found


def _refined(one: Pyramid, other: Pyramid, maps: Maps) -> Alignment:
    """The best of several maps (B, K, 2, 3), adjusted from coarse to fine."""
    count, several = maps.shape[:2]
    rows = np.repeat(np.arange(count), several)
    coarse, fits = _adjusted(_some(one, rows), _some(other, rows), maps.reshape(-1, 2, 3), 24, 8)
    best = fits.reshape(count, several).argmax(1) + np.arange(count) * several
    middle, _ = _adjusted(one, other, coarse[best], 48, 5)
    fine, _ = _adjusted(one, other, middle, 96, 3)
    return _compared(one, other, fine)


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
    """(B, 24, 100): the middle in each orientation and turned a little, standardised."""
    whole = _high_passed(_blurred(_resized(sought, 2 * WHOLE, 2 * WHOLE)), 6)
    grid = _grid(WHOLE).reshape(3, WHOLE, WHOLE)
    edge = (WHOLE - TEMPLATE) // 2
    middle = grid[:2, edge : edge + TEMPLATE, edge : edge + TEMPLATE].reshape(2, -1)
    parts = []
    for matrix in _variants():
        places = np.broadcast_to(matrix.T @ middle, (len(sought), 2, TEMPLATE**2))
        parts.append(_standard(_sampled(whole[..., None], places)[0][..., 0]))
    return np.stack(parts, 1)


@cache
def _variants() -> Floats:
    """(24, 2, 2): orientations, each turned a little too; all orthogonal."""
    small = np.stack([[[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]] for t in TURNS])
    return (small[None] @ ORIENTATIONS[:, None]).reshape(-1, 2, 2).astype(np.float32)


def _places_of(
    searched: Floats, templates: Floats, variants: NDArray[np.intp], height: int, width: int
) -> tuple[Floats, Maps]:
    """The best place in the searched pictures at that size: (B,), (B, 2, 3)."""
    count = len(searched)
    field = _high_passed(_resized(searched, height, width))
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
    wanted = _flattened(other[side]).reshape(len(maps), -1)
    moving = _flattened(one[side])
    down, right = np.gradient(moving, axis=(1, 2))
    layers = np.stack([moving, right * (side / 2), down * (side / 2)], -1)
    grid = _grid(side)
    maps, fits = maps.copy(), np.zeros(len(maps), np.float32)
    for _ in range(rounds):
        seen, inside = _sampled(layers, maps @ grid)
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


def _flattened(x: Floats) -> Floats:
    """Local mean 0 and deviation about 1: light and contrast do not count."""
    reach = x.shape[-1] // 12
    rest = x - _box(x, reach)
    result: Floats = rest / (np.sqrt(np.maximum(_box(rest * rest, reach), 0)) + 4)
    return result


def _tukey(error: Floats, inside: NDArray[np.bool_]) -> Floats:
    """Weights that fall to 0 where the error is large, as under a sticker."""
    bound = 2.5
    near = np.clip(1 - (error / bound) ** 2, 0, None)
    return np.where(inside, near * near, 0).astype(np.float32)


def _inverse(maps: Maps) -> Maps:
    """Of (..., 2, 3) affine maps."""
    linear = np.linalg.inv(maps[..., :2])
    return np.concatenate([linear, -linear @ maps[..., 2:]], -1).astype(np.float32)


# Comparing


def _compared(one: Pyramid, other: Pyramid, maps: Maps) -> Alignment:
    """Pieces of other against what the map shows of one."""
    side, wanted = 96, other[96]
    count = len(wanted)
    places = maps @ _grid(side)
    seen, inside = _sampled(one[96][..., None], places)
    seen, inside = seen.reshape(count, side, side), inside.reshape(count, side, side)
    agreement, weight = _pieces(wanted, seen, inside)
    drift = _drift(_flattened(wanted), _flattened(seen), weight)
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
    )


def _pieces(wanted: Floats, seen: Floats, inside: NDArray[np.bool_]) -> tuple[Floats, Floats]:
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
    """The mean over each piece: (B, S, S) -> (B, pieces)."""
    sums = np.pad(x, ((0, 0), (1, 0), (1, 0))).cumsum(1, dtype=np.float64).cumsum(2)
    far = sums[:, BLOCK::STEP, BLOCK::STEP] - sums[:, :-BLOCK:STEP, BLOCK::STEP]
    near = sums[:, BLOCK::STEP, :-BLOCK:STEP] - sums[:, :-BLOCK:STEP, :-BLOCK:STEP]
    result: Floats = ((far - near) / BLOCK**2).reshape(len(x), -1).astype(np.float32)
    return result


def _drift(wanted: Floats, seen: Floats, weight: Floats) -> Floats:
    """How far pieces of `seen` lie beside where they should, but for one smooth bend of it all.

    Each piece's own shift is one step of Lucas and Kanade; a bend of second order, such as the
    slant of a photographed print, is taken off. Of the pieces' distances the lower quartile, so
    that letters over the picture do not count.
    """
    down, right = np.gradient(seen, axis=(1, 2))
    error = wanted - seen
    xx, yy = _means(right * right) + 0.02, _means(down * down) + 0.02
    xy, xe, ye = _means(right * down), _means(right * error), _means(down * error)
    shifts = np.stack([yy * xe - xy * ye, xx * ye - xy * xe], -1) / (xx * yy - xy * xy)[..., None]
    shifts = np.clip(shifts, -3, 3)
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


@cache
def _bend(pieces: int) -> Floats:
    """(pieces², 6): 1, x, y, x², xy, y² of the middle of each piece."""
    x, y, one = _grid(pieces)
    return np.stack([one, x, y, x * x, x * y, y * y], 1)


def _nothing(count: int) -> Alignment:
    """No likeness at all."""
    none = np.zeros(count, np.float32)
    maps = np.tile(np.eye(2, 3, dtype=np.float32), (count, 1, 1))
    return Alignment(none, none + 3, maps, none, none)


def _taken(alignment: Alignment, rows: NDArray[np.intp]) -> Alignment:
    return Alignment(
        alignment.similarity[rows],
        alignment.drift[rows],
        alignment.maps[rows],
        alignment.first[rows],
        alignment.second[rows],
    )


def _better(known: Alignment, found: Alignment, rows: NDArray[np.intp]) -> Alignment:
    """`found` in place of these rows of `known`, where it is better."""
    better = worth(found) > worth(_taken(known, rows))
    parts = []
    for name in ("similarity", "drift", "maps", "first", "second"):
        values = getattr(known, name).copy()
        values[rows[better]] = getattr(found, name)[better]
        parts.append(values)
    return Alignment(*parts)


def worth(alignment: Alignment) -> Floats:
    """Similarity, less where little is shared, which agrees by chance, and where pieces drift."""
    shared = np.maximum(alignment.first, alignment.second)
    steady = 1 - 0.1 * np.clip(alignment.drift, 0, 3)
    worth: Floats = alignment.similarity * np.clip(shared / 0.5, 0, 1) * steady
    return worth
