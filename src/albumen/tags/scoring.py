"""How clearly photos show tags, and which of them clearly enough.

A cosine says nothing by itself: for one tag 0.3 is much, for another little. So a tag's cosines
with pictures that mostly do not show it, the pack's background, are its scale: the *clearness* of a
photo is how many spreads its cosine lies above their median. The spread is that of the lower half,
since the upper half holds the pictures that do show it, and what is frequent would hide behind
itself. A photo has a tag whose clearness is at least `LEAST` and at most `MARGIN` below the
clearest of the same group: a dog also looks somewhat like a wolf. Often that is none. docs/tags.md
has the figures.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from albumen.packs.background import Background

Floats = NDArray[np.float32]

LEAST = 3.75
LEAST_BY_NORMAL = 2.75
"""The same where a pack's background has no sample, only mean and covariance: the spread is then
wider, by all that the upper half holds."""

MARGIN = 0.5
SHARED = 0.7
"""How much of what all tags' texts have in common is left out of each: it says "this is a photo",
and pictures differ in it for reasons that no tag is about."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Each tag's direction (K, D), its cosines' median (K,) and spread (K,), and what is enough."""

    directions: Floats
    median: Floats
    spread: Floats
    least: float

    def clearness(self, vectors: Floats) -> Floats:
        """Photos' vectors (N, D) -> (N, K), in spreads above the median."""
        scores: Floats = (vectors @ self.directions.T - self.median) / self.spread
        return scores


def scale(tags: Floats, shared: Floats, background: Background) -> Scale:
    """The scale of tags' text vectors (K, D); `shared` (D,): what tags have in common."""
    directions = (tags - SHARED * shared).astype(np.float32)
    if background.sample is None:
        median = directions @ background.mean
        variance = np.einsum("kd,de,ke->k", directions, background.covariance, directions)
        return Scale(directions, median, _positive(np.sqrt(variance)), LEAST_BY_NORMAL)
    cosines = directions @ background.sample.T  # (K, N)
    median = np.median(cosines, axis=1)
    below = np.minimum(cosines - median[:, np.newaxis], 0)
    count = np.maximum((below < 0).sum(axis=1), 1)
    spread = np.sqrt((below**2).sum(axis=1) / count)
    return Scale(directions, median, _positive(spread), LEAST)


def enough(clearness: Floats, groups: NDArray[np.intp], least: float) -> NDArray[np.bool_]:
    """Which of (N, K) count as tags; `groups` (K,) are ascending numbers of the tags' groups."""
    if not clearness.shape[1]:
        return np.zeros(clearness.shape, np.bool_)
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    clearest = np.maximum.reduceat(clearness, starts, axis=1)[:, groups]
    counts: NDArray[np.bool_] = (clearness >= least) & (clearness >= clearest - MARGIN)
    return counts


def certainty(clearness: Floats, least: float) -> Floats:
    """From 0.5, just enough, towards 1: for people to compare tags by; no probability."""
    scores: Floats = 1 / (1 + np.exp(least - clearness))
    return scores


def _positive(spread: Floats) -> Floats:
    return np.maximum(spread, 1e-6).astype(np.float32)
