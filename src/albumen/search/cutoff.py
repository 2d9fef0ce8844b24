"""Where the matches of a query end.

No cosine says that: for one query 0.25 is right and for another wrong. So the cosine is first held
against what pictures in general have (z, from the pack's background and the library), and against
what else the photo shows: by how much the query beats the best of some hundreds of plain words, the
rivals (margin). Both together are the evidence that the words describe the photo. Then

1. a photo matches only if its evidence is more than chance gives in a library of that size: the
   k-th best of N needs the more, the smaller k/N is (the rule of Benjamini and Hochberg, J. R.
   Stat. Soc. B 1995). If none has that much, nothing matches;
2. it matches only if it lies above the valley in the library's own scores, where these part in two:
   in an album of cats and dogs both are like "a cat", the cats more so. Two normal distributions
   are fitted, with what z usually is of matches and of others as their prior, and the cut is made
   where the expected F1 is best.

All constants were chosen on pictures and absent things of the development split, never on judged
ones, on which `python -m bench.search_quality` then measures it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from albumen.packs.background import Background

Array = NDArray[np.float64]
Positions = NDArray[np.int64]
VectorsAt = Callable[[Positions], NDArray[np.floating]]
"""The vectors (n, D) of photos, by their positions among the scores."""

FEWEST = 50  # photos of a library by which to tell, where the pack has no statistics of photos
HIGHEST, OTHERS = 1024, 1024  # photos looked at: the best ones, and some of the rest for all of it
KIN = 0.8  # a rival whose scores go with the query's to this degree names the same, and is none

EXAMPLE = 2.3  # z above which a photo is like an example picture


@dataclass(frozen=True, slots=True)
class Evidence:
    """How z and margin count, and how much the best of N photos needs: first + slope * ln N."""

    z: float
    margin: float
    bias: float
    first: float
    slope: float


WITH_RIVALS = Evidence(z=0.62, margin=1.18, bias=0.60, first=0.0, slope=0.55)
WITHOUT = Evidence(z=1.84, margin=0.0, bias=-3.15, first=0.20, slope=0.55)


@dataclass(frozen=True, slots=True)
class Normal:
    """A distribution's mean and spread."""

    mean: float
    spread: float


# What z is of matches and of others, before the library is looked at; how firm that is; and the
# share of matches, as if so many had been seen to match and not to.
MATCHES, OTHER = Normal(3.0, 0.45), Normal(0.0, 0.9)
MEANS_VARY, SPREADS_COUNT, SHARE = (1.0, 4.0), 10.0, (0.5, 5.0)
ROUNDS = 40


@dataclass(frozen=True, slots=True)
class Sample:
    """Photos that stand for all: `positions` (n,), best first, and how many each stands for."""

    positions: Positions
    weights: Array


def cutoff(
    query: NDArray[np.float32],
    scores: NDArray[np.float32],
    background: Background,
    vectors: VectorsAt,
    *,
    example: bool = False,
) -> float | None:
    """The score that a match has at least; above all scores where nothing matches.

    query: (D,), of length 1. scores: (N,), of the whole library. example: whether the query holds
    an example picture. None where nothing tells: the pack knows no photos and the library has few.
    """
    share = _share(background, len(scores))
    if share is None or not len(scores):
        return None
    taken = sample(scores)
    texts = np.concatenate([query[np.newaxis], background.rivals]).astype(np.float64)
    cosines = vectors(taken.positions).astype(np.float64) @ texts.T
    mean, spread, together = _usual(texts, cosines[_evenly(taken.weights)], background, share)
    if example:
        return float(mean[0] + EXAMPLE * spread[0])
    unusual = (cosines - mean) / spread
    z, rivals = unusual[:, 0], unusual[:, together < KIN]
    known = WITH_RIVALS if rivals.size else WITHOUT
    evidence = known.z * z + known.bias
    if rivals.size:
        evidence += known.margin * (z - rivals.max(1))
    beyond, lacking = _beyond_chance(evidence, taken.weights, known)
    if lacking > 0:
        least = z[0] + lacking / (known.z + known.margin)
    else:
        least = z[min(beyond, _above_the_valley(z, taken.weights))]
    return float(mean[0] + least * spread[0])


def sample(scores: NDArray[np.float32]) -> Sample:
    """The best photos, each for itself, and of the rest an even choice, each for several."""
    count = len(scores)
    positions, weights = np.arange(count), np.ones(count)
    if count > HIGHEST:
        best = np.argpartition(scores, -HIGHEST)[-HIGHEST:]
        others = np.ones(count, bool)
        others[best] = False
        rest = np.flatnonzero(others)
        chosen = rest[np.linspace(0, len(rest) - 1, min(OTHERS, len(rest))).astype(np.int64)]
        positions = np.concatenate([best, chosen])
        weights = np.repeat([1.0, len(rest) / len(chosen)], [HIGHEST, len(chosen)])
    order = np.argsort(-scores[positions], kind="stable")
    return Sample(positions[order].astype(np.int64), weights[order])


def _share(background: Background, count: int) -> float | None:
    """How much the library says of what pictures in general are like, against the pack.

    Each photo counts as one, but the library for no more than the pack's photos. None where there
    is neither.
    """
    if background.photos:
        return min(count, background.photos) / (min(count, background.photos) + background.photos)
    return 1.0 if count >= FEWEST else None


def _usual(
    texts: Array, cosines: Array, ground: Background, share: float
) -> tuple[Array, Array, Array]:
    """What is usual of each text's cosine with pictures in general: its mean (T,), its spread (T,),
    and how far it goes with that of the first text, the query (T,).

    texts: (T, D), the query and its rivals. cosines: (n, T), with photos that stand for all.
    """
    middle, lower = _lower_half(cosines)
    # An album may show one thing only, and then what is usual in it is so of that album. What is
    # usual of all texts is firmer: each one is taken to lie half-way.
    middle, lower = (middle + middle.mean()) / 2, (lower + lower.mean()) / 2
    covariance = ground.covariance.astype(np.float64)
    crossed = texts @ covariance
    spread = np.sqrt(np.einsum("td,td->t", crossed, texts)) + 1e-9
    apart = cosines - cosines.mean(0)
    lengths = np.linalg.norm(apart, axis=0) + 1e-9
    together = (1 - share) * (crossed @ texts[0]) / (spread * spread[0])
    together += share * (apart.T @ apart[:, 0]) / (lengths * lengths[0])
    mean = (1 - share) * (texts @ ground.mean) + share * middle
    return mean, (1 - share) * spread + share * np.maximum(lower, 1e-6), together


def _evenly(weights: Array) -> Positions:
    """Places of the sample such that each stands for equally many photos."""
    counted = np.cumsum(weights)
    count = min(len(weights), OTHERS)
    places: Positions = np.searchsorted(counted, (np.arange(count) + 0.5) * counted[-1] / count)
    return places


def _lower_half(values: Array) -> tuple[Array, Array]:
    """Of each column (n, m) its median, and how far below it a normal one's sigma lies.

    The upper half holds the matches, which are not what others are like.
    """
    low, middle = np.quantile(values, [0.1587, 0.5], axis=0)
    return middle, middle - low


def _beyond_chance(evidence: Array, weights: Array, known: Evidence) -> tuple[int, float]:
    """The last place, from 0, down to which there is more evidence than chance gives.

    Also by how much the best evidence falls short of that: 0 where it does not.
    """
    order = np.argsort(-evidence)
    ranks = np.cumsum(weights[order])
    beyond = evidence[order] - known.first - known.slope * np.log(ranks[-1] / ranks)
    # Half of a library is no exception: counting from the top tells nothing there.
    beyond = beyond[ranks <= max(1.0, ranks[-1] / 2)]
    enough = np.flatnonzero(beyond >= 0)
    return (int(enough[-1]), 0.0) if len(enough) else (0, max(float(-beyond.max()), 1e-3))


def _above_the_valley(z: Array, weights: Array) -> int:
    """The last place, from 0, above the valley between matches and others; z falls."""
    found = np.cumsum(weights * _matching(z, weights))
    return int(np.argmax(found / (np.cumsum(weights) + found[-1])))


def _matching(z: Array, weights: Array) -> Array:
    """How likely each is of the upper of two normal distributions: MAP by expectation, then
    maximisation (Dempster, Laird and Rubin, J. R. Stat. Soc. B 1977)."""
    means = np.array([MATCHES.mean, min(float(np.median(z)), MATCHES.mean - 1)])
    spreads = np.array([MATCHES.spread, OTHER.spread])
    prior = np.array([MATCHES.mean, OTHER.mean]), np.array([MATCHES.spread, OTHER.spread])
    share, upper = 0.1, np.zeros(len(z))
    for _ in range(ROUNDS):
        densities = [
            np.log(part / spread) - 0.5 * ((z - mean) / spread) ** 2
            for part, mean, spread in zip((share, 1 - share), means, spreads, strict=True)
        ]
        upper = 1.0 / (1.0 + np.exp(np.clip(densities[1] - densities[0], -50, 50)))
        # The wider distribution of the others would take back the very best.
        upper = np.where(z > means[0], np.maximum(upper, 0.5), upper)
        parts = np.stack([upper, 1 - upper]) * weights
        counts = parts.sum(1)
        firm = spreads**2 / np.array(MEANS_VARY)
        means = (prior[0] * firm + parts @ z) / (firm + counts)
        apart = (parts * (z - means[:, np.newaxis]) ** 2).sum(1)
        spreads = np.sqrt((SPREADS_COUNT * prior[1] ** 2 + apart) / (SPREADS_COUNT + counts))
        share = (counts[0] + SHARE[0]) / (counts.sum() + sum(SHARE))
    likely: Array = upper
    return likely
