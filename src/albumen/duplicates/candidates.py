"""Pairs of photos that may be copies, found among very many without comparing all with all.

Two ways, since each finds what the other misses. Perceptual hashes: pictures of which a few bits
differ share most bits, so some of `TABLES` choices of `KEY_BITS` bits agree altogether; sorted by
those, they lie side by side. Fingerprints: pictures near one of the same anchors are compared, so
that each photo meets a bounded number of others however many there are.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from albumen.library.evidence import Bits, orientations

Ids = NDArray[np.int64]
Pairs = NDArray[np.int64]
Vectors = NDArray[np.float16]

DIFFERING = 10
"""Bits of 64 that hashes of copies may differ in."""

TABLES, KEY_BITS = 16, 20
CROWD = 64
"""Of so many hashes with one key, a hash meets only its next neighbours: plain pictures abound."""

ALIKE = 0.45
"""The least cosine of fingerprints of possible copies."""

NEAREST = 8
"""How many neighbours of a fingerprint are looked at."""

CELL = 512
"""Photos that share an anchor, on average."""

ANCHORS_EACH = 4
FEW = 8192
"""So many are compared with all."""

PART = 65536
"""Rows looked at together, so that memory stays flat."""

SEED = 11


@dataclass(frozen=True, slots=True)
class Found:
    """Pairs (N, 2) of row numbers, the first the smaller, and how alike each is, 0 to 1."""

    pairs: Pairs
    likeness: NDArray[np.float32]


def by_hash(hashes: Bits, others: Bits, new: NDArray[np.bool_] | None = None) -> Found:
    """Pairs whose hashes agree in one of eight orientations but for a few bits.

    hashes, others: (N,) two hashes of each picture, either of which may agree. `new`: rows of which
    at least one must be in a pair; all if None.
    """
    count = len(hashes)
    rows = np.arange(count)
    both = hashes != others
    plain, owner = np.concatenate([hashes, others[both]]), np.concatenate([rows, rows[both]])
    asked = np.arange(len(plain)) if new is None else np.flatnonzero(new[owner])
    turned = orientations(plain[asked])
    random = np.random.default_rng(SEED)
    found = np.empty(0, np.int64)
    for _ in range(TABLES):
        bits = random.permutation(64)[:KEY_BITS]
        some = _agreeing(plain, turned, owner, asked, bits)
        found = np.union1d(found, some[:, 0] * count + some[:, 1])
    pairs = np.stack(np.divmod(found, max(1, count)), 1)
    return Found(pairs, np.ones(len(pairs), np.float32))


def _keys(hashes: Bits, bits: NDArray[np.int64]) -> NDArray[np.int32]:
    """Those bits of each hash as a number of KEY_BITS bits."""
    keys = np.zeros(len(hashes), np.int32)
    for place, bit in enumerate(bits.tolist()):
        keys |= ((hashes >> np.uint64(bit)) & np.uint64(1)).astype(np.int32) << place
    return keys


def _agreeing(plain: Bits, turned: Bits, owner: Ids, asked: Ids, bits: NDArray[np.int64]) -> Pairs:
    """Pairs that agree in those bits, and nearly so in all."""
    keys = _keys(plain, bits)
    whose = np.argsort(keys, kind="stable")
    begins = np.zeros((1 << KEY_BITS) + 1, np.int64)  # where the hashes of each key begin
    np.cumsum(np.bincount(keys, minlength=1 << KEY_BITS), out=begins[1:])
    pairs = [np.empty((0, 2), np.int64)]
    for hashes in turned:
        wanted = _keys(hashes, bits)
        for start in range(0, len(asked), PART):  # so that crowds do not fill the memory
            some = slice(start, start + PART)
            first = begins[wanted[some]]
            count = np.minimum(begins[wanted[some] + 1] - first, CROWD)
            asking = np.repeat(np.arange(len(first)), count)
            offset = np.arange(len(asking)) - np.repeat(np.cumsum(count) - count, count)
            met = whose[first[asking] + offset]
            near = np.bitwise_count(hashes[some][asking] ^ plain[met]) <= DIFFERING
            one, other = owner[asked[some][asking[near]]], owner[met[near]]
            pairs.append(np.stack([one, other], 1)[one != other])
    return np.sort(np.concatenate(pairs), axis=1)


def by_fingerprint(vectors: Vectors, new: NDArray[np.bool_] | None = None) -> Found:
    """For each row the NEAREST rows whose fingerprints are alike: (N, D) of length 1.

    `new`: rows to look for neighbours of; all if None.
    """
    count = len(vectors)
    asking = np.arange(count) if new is None else np.flatnonzero(new)
    if not len(asking) or count < 2:
        return Found(np.empty((0, 2), np.int64), np.empty(0, np.float32))
    alone = count <= FEW or len(asking) * 20 < count
    neighbours = _among_all(vectors, asking) if alone else _among_cells(vectors)
    pairs, likeness = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    for one, other, alike in neighbours:
        pairs.append(np.minimum(one, other) * count + np.maximum(one, other))
        likeness.append(alike)
    found, places = np.unique(np.concatenate(pairs), return_index=True)
    return Found(np.stack(np.divmod(found, count), 1), np.concatenate(likeness)[places])


Neighbours = tuple[Ids, Ids, NDArray[np.float32]]
"""Rows (n,), a row near each (n,), and their cosines (n,)."""


def _among_all(vectors: Vectors, asking: Ids) -> Iterator[Neighbours]:
    """Every row asked about against every row."""
    for at in range(0, len(asking), CELL):
        rows = asking[at : at + CELL]
        mine = vectors[rows].astype(np.float32)
        for start in range(0, len(vectors), PART):
            part = vectors[start : start + PART].astype(np.float32)
            products = mine @ part.T
            inside = (rows >= start) & (rows < start + len(part))
            products[np.flatnonzero(inside), rows[inside] - start] = -1
            yield _nearest(products, rows, np.arange(start, start + len(part)))


def _nearest(products: NDArray[np.float32], rows: Ids, columns: Ids) -> Neighbours:
    """The NEAREST alike of each row of products (rows, columns)."""
    alike = products >= ALIKE  # few are
    crowded = np.flatnonzero(np.count_nonzero(alike, axis=1) > NEAREST)
    if len(crowded):
        places = np.argpartition(-products[crowded], NEAREST - 1, axis=1)[:, :NEAREST]
        alike[crowded] = False
        alike[crowded[:, None], places] = True
    one, other = np.nonzero(alike)
    return rows[one], columns[other], products[one, other]


def _among_cells(vectors: Vectors) -> Iterator[Neighbours]:
    """Every row against those that share one of its nearest anchors."""
    rows, cells, anchors = _assigned(vectors)
    order = np.argsort(cells, kind="stable")
    bounds = np.searchsorted(cells[order], np.arange(anchors + 1))
    for first, last in itertools.pairwise(bounds.tolist()):
        for at in range(first, last, FEW):  # a crowd about one anchor is looked at in parts
            members = rows[order[at : min(at + FEW, last)]]
            if len(members) > 1:
                mine = vectors[members].astype(np.float32)
                products = mine @ mine.T
                np.fill_diagonal(products, -1)
                yield _nearest(products, members, members)


def _assigned(vectors: Vectors) -> tuple[Ids, NDArray[np.int32], int]:
    """Each row with its nearest anchors, which are some of the rows: rows, anchors, how many."""
    count = len(vectors) // CELL
    chosen = np.sort(np.random.default_rng(SEED).permutation(len(vectors))[:count])
    anchors = vectors[chosen].astype(np.float32).T
    cells = np.empty((len(vectors), ANCHORS_EACH), np.int32)
    for start in range(0, len(vectors), FEW):
        products = vectors[start : start + FEW].astype(np.float32) @ anchors
        nearest = np.argpartition(-products, ANCHORS_EACH - 1, axis=1)
        cells[start : start + FEW] = nearest[:, :ANCHORS_EACH]
    rows = np.repeat(np.arange(len(vectors)), ANCHORS_EACH)
    return rows, cells.ravel(), count
