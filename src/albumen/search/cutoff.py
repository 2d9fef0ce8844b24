"""Where the matches of a query end.

No cosine says that: for one query 0.25 is right and for another wrong. Two things tell more. How
unusual the cosine is among what pictures in general have (z, from the pack's background and the
library); and how well the query does against some hundreds of plain words, the rivals, as the model
itself would choose: the log-odds of it against all of them (Radford et al. 2021, "CLIP"). Both
together are the evidence that the words describe the photo. Then

1. a photo matches only if its evidence is more than chance gives in a library of that size: the
   k-th best of N needs the more, the smaller k/N is (the rule of Benjamini and Hochberg, J. R.
   Stat. Soc. B 1995). If none has that much, nothing matches;
2. it matches only if it lies above the valley in the library's own scores, where these part in two:
   in an album of cats and dogs both are like "a cat", the cats more so. Two normal distributions
   are fitted, with what z usually is of matches and of others as their prior, and the cut is made
   where the expected F1 is best.

All constants were chosen on pictures and absent things of the development split, never on judged
ones: `python -m recipes.starter.cutoff` chooses and prints them, and on the judged pictures
`python -m bench.search_quality` measures what comes of it.
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

EXAMPLE = 2.8  # z above which a photo is like an example picture


@dataclass(frozen=True, slots=True)
class Evidence:
    """z + odds * log-odds is the evidence; the best of N photos needs first + slope * ln N."""

    odds: float
    first: float
    slope: float


WITH_RIVALS = Evidence(odds=1.0, first=-4.24, slope=1.0)
WITHOUT = Evidence(odds=0.0, first=1.46, slope=0.4)


@dataclass(frozen=True, slots=True)
class Normal:
    """A distribution's mean and spread."""

    mean: float
    spread: float


# What z is of matches and of others, before the library is looked at; how firm that is; and the
# share of matches, as if so many had been seen to match and not to.
MATCHES, OTHER = Normal(3.3, 0.45), Normal(0.0, 0.9)
MEANS_VARY, SPREADS_COUNT, SHARE = (1.0, 4.0), 10.0, (0.5, 5.0)
ROUNDS = 40


@dataclass(frozen=True, slots=True)
class Sample:
    """Photos that stand for all: `positions` (n,), best first, and how many each stands for."""

    positions: Positions
    weights: Array


@dataclass(frozen=True, slots=True)
class Signs:
    """What tells of the photos of a sample, best first: `z` (n,), `odds` (n,), all 0 where there
    are no rivals, `weights` (n,); mean and spread, by which z is a cosine again; and by how much
    the log-odds rise with each z, 0 where there are no rivals."""

    z: Array
    odds: Array
    weights: Array
    mean: float
    spread: float
    rise: float

    def cosine(self, z: float) -> float:
        """The cosine that lies so far above the usual one."""
        return self.mean + z * self.spread

    @property
    def known(self) -> Evidence:
        """How they are to be weighed."""
        return WITH_RIVALS if self.rise else WITHOUT


def cutoff(
    query: NDArray[np.float32],
    scores: NDArray[np.float32],
    background: Background,
    vectors: VectorsAt,
    *,
    scale: float,
    example: bool = False,
) -> float | None:
    """The score that a match has at least; above all scores where nothing matches.

    query: (D,), of length 1. scores: (N,), of the whole library. scale: the pack's, of its cosines.
    example: whether the query holds an example picture. None where nothing tells: the pack knows no
    photos and the library has few.
    """
    seen = signs(query, scores, background, vectors, scale)
    if seen is None:
        return None
    if example:
        return seen.cosine(EXAMPLE)
    known = seen.known
    beyond, lacking = beyond_chance(seen, known)
    if lacking > 0:
        return seen.cosine(float(seen.z[0]) + lacking / (1 + known.odds * seen.rise))
    return seen.cosine(float(seen.z[min(beyond, above_the_valley(seen))]))


def signs(
    query: NDArray[np.float32],
    scores: NDArray[np.float32],
    background: Background,
    vectors: VectorsAt,
    scale: float,
) -> Signs | None:
    """What `cutoff` decides by; None where it can't tell."""
    share = _share(background, len(scores))
    if share is None or not len(scores):
        return None
    taken = sample(scores)
    texts = np.concatenate([query[np.newaxis], background.rivals]).astype(np.float64)
    cosines = vectors(taken.positions).astype(np.float64) @ texts.T
    mean, spread = _usual(texts[0], cosines[_evenly(taken.weights)], background, share)
    z, odds, rise = (cosines[:, 0] - mean) / spread, np.zeros(len(cosines)), 0.0
    if len(background.rivals):
        odds, rise = scale * cosines[:, 0] - _log_sum(scale * cosines[:, 1:]), scale * spread
    return Signs(z, odds, taken.weights, mean, spread, rise)


def _log_sum(logits: Array) -> Array:
    """The logarithm of each row's sum of exponentials, (n, R) -> (n,)."""
    highest = logits.max(1)
    total: Array = highest + np.log(np.exp(logits - highest[:, np.newaxis]).sum(1))
    return total


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


def _usual(text: Array, cosines: Array, ground: Background, share: float) -> tuple[float, float]:
    """What is usual of a text's cosine with pictures in general: its mean and its spread.

    text: (D,). cosines: (n, 1 + R) of it and its rivals, with photos that stand for all.
    """
    low, middle = np.quantile(cosines, [0.1587, 0.5], axis=0)
    # The upper half holds the matches: the spread is that of the lower one, to a normal's sigma.
    lower = middle - low
    # An album may show one thing only, and then what is usual in it is so of that album. What is
    # usual of all texts is firmer: each one is taken to lie half-way.
    middle, lower = (middle[0] + middle.mean()) / 2, (lower[0] + lower.mean()) / 2
    spread = np.sqrt(text @ ground.covariance.astype(np.float64) @ text) + 1e-9
    mean = (1 - share) * (text @ ground.mean) + share * middle
    return float(mean), float((1 - share) * spread + share * max(lower, 1e-6))


def _evenly(weights: Array) -> Positions:
    """Places of the sample such that each stands for equally many photos."""
    counted = np.cumsum(weights)
    count = min(len(weights), OTHERS)
    places: Positions = np.searchsorted(counted, (np.arange(count) + 0.5) * counted[-1] / count)
    return places


def beyond_chance(seen: Signs, known: Evidence) -> tuple[int, float]:
    """The last place, from 0, down to which there is more evidence than chance gives.

    Also by how much the best evidence falls short of that: 0 where it does not.
    """
    evidence = seen.z + known.odds * seen.odds
    order = np.argsort(-evidence)
    ranks = np.cumsum(seen.weights[order])
    beyond = evidence[order] - known.first - known.slope * np.log(ranks[-1] / ranks)
    # Half of a library is no exception: counting from the top tells nothing there.
    beyond = beyond[ranks <= max(1.0, ranks[-1] / 2)]
    enough = np.flatnonzero(beyond >= 0)
    return (int(enough[-1]), 0.0) if len(enough) else (0, max(float(-beyond.max()), 1e-3))


def above_the_valley(seen: Signs, matches: Normal = MATCHES) -> int:
    """The last place, from 0, above the valley between matches and others."""
    found = np.cumsum(seen.weights * _matching(seen.z, seen.weights, matches))
    return int(np.argmax(found / (np.cumsum(seen.weights) + found[-1])))


def _matching(z: Array, weights: Array, matches: Normal) -> Array:
    """How likely each is of the upper of two normal distributions: MAP by expectation, then
    maximisation (Dempster, Laird and Rubin, J. R. Stat. Soc. B 1977)."""
    means = np.array([matches.mean, min(float(np.median(z)), matches.mean - 1)])
    spreads = np.array([matches.spread, OTHER.spread])
    prior = np.array([matches.mean, OTHER.mean]), np.array([matches.spread, OTHER.spread])
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
