"""Recall, accuracy and their standard errors, for vectors of length 1."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Hits = NDArray[np.float64]

QUERIES_AT_ONCE = 1024  # bounds memory: 1024 queries of 100,000 candidates are 400 MB


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share from 0 to 1 and its standard error; None where one picture alone was judged."""

    value: float
    error: float | None


def hits_within(
    queries: Vectors, candidates: Vectors, right: NDArray[np.int64], tops: Sequence[int]
) -> list[Hits]:
    """How far each query's right candidate is among the first k, for every k of `tops`.

    queries: (Q, D); candidates: (C, D); right: (Q,), the index of the right candidate -> a list of
    (Q,), 1 or 0. Candidates of exactly the same score are taken in random order: of two equal ones,
    the right one comes first half the time, so its hit at k = 1 is 0.5. (So a model that gives the
    same vector for everything scores as chance does.)
    """
    hits = [np.zeros(len(queries)) for _ in tops]
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        part = slice(start, start + QUERIES_AT_ONCE)
        scores = queries[part] @ candidates.T
        wanted = np.take_along_axis(scores, right[part, np.newaxis], axis=1)
        better = (scores > wanted).sum(axis=1)
        equal = (scores == wanted).sum(axis=1)
        for hit, top in zip(hits, tops, strict=True):
            hit[part] = np.clip((top - better) / equal, 0, 1)
    return hits


def estimate(hits: Hits, pictures: NDArray[np.int64]) -> Estimate:
    """The mean of `hits` (Q,) and its standard error; `pictures` (Q,) tells which one each is of.

    Captions of one picture succeed or fail together, so pictures are what is drawn at random: the
    error is the linearised one of a ratio of sums over clusters (Cochran, Sampling Techniques,
    3rd edition, 6.4). With one query a picture it is sqrt(p (1 - p) / (n - 1)).
    """
    mean = float(hits.mean())
    _, cluster = np.unique(pictures, return_inverse=True)
    sums = np.bincount(cluster, hits - mean)
    if len(sums) < 2:
        return Estimate(mean, None)
    variance = (sums**2).sum() / len(hits) ** 2 * len(sums) / (len(sums) - 1)
    return Estimate(mean, float(np.sqrt(variance)))
