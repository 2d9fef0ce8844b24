"""Which vectors point most nearly the same way as the query's: exact, every vector compared."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from albumen.packs.runtime import cores
from albumen.search.matrix import DamagedError, Ids, Matrix, Source, Vectors

Scores = NDArray[np.float32]


def score_all(matrix: Matrix, source: Source, query: Scores) -> tuple[Ids, Scores]:
    """Every photo's id and its cosine with the query `(dim,)`; a damaged file is made again."""
    with suppress(DamagedError):
        return _score_parts(matrix.parts(source, cores()), query)
    matrix.rebuild(source)
    return score(matrix.from_store(source), query)


def _score_parts(
    parts: Sequence[Iterable[tuple[Ids, Vectors]]], query: Scores
) -> tuple[Ids, Scores]:
    """Parts of a large matrix are checked and multiplied by a thread each."""
    if len(parts) == 1:
        return score(parts[0], query)
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(parts)) as pool:
        ids, scores = zip(*pool.map(lambda part: score(part, query), parts), strict=True)
    return np.concatenate(ids), np.concatenate(scores)


def score(blocks: Iterable[tuple[Ids, Vectors]], query: Scores) -> tuple[Ids, Scores]:
    """Ids `(N,)` and cosines `(N,)` of all blocks; vectors and query have length 1."""
    ids: list[Ids] = [np.empty(0, np.int64)]
    scores: list[Scores] = [np.empty(0, np.float32)]
    for block_ids, vectors in blocks:
        ids.append(np.array(block_ids))
        scores.append(_product(vectors, query))
    return np.concatenate(ids), np.concatenate(scores)


def best(ids: Ids, scores: Scores, limit: int) -> Ids:
    """Positions of the `limit` highest scores, highest first; equal scores by the smaller id."""
    if limit < len(scores):
        least = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        places = np.flatnonzero(scores >= least)
    else:
        places = np.arange(len(scores))
    order = np.lexsort((ids[places], -scores[places]))
    return places[order][:limit]


def _product(vectors: Vectors, query: Scores) -> Scores:
    """float16 `(n, dim)` times float32 `(dim,)`, exactly as after `vectors.astype(np.float32)`.

    NumPy's own conversion takes three times as long (bench/search.py). Here bits move: sign in its
    place, exponent and fraction 13 places up, which is the number times 2**-112; the query takes
    that factor back. (No embedding holds infinity or NaN, the only halves this would change.)
    """
    bits = vectors.view(np.int16).astype(np.int32)
    np.left_shift(bits, 13, out=bits)
    np.bitwise_and(bits, np.int32(-0x70002000), out=bits)
    scaled = query * np.float32(2.0**112)
    # Not `@`, which shares so small a product out among OpenBLAS's threads: they wait for each
    # other longer than they work, and while they wait they keep the cores from everybody else.
    product: Scores = np.vecdot(bits.view(np.float32), scaled)
    return product
