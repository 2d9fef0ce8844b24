"""What embeddings are like in general, measured when a pack is made: the ground of cut-offs.

`background.safetensors` holds `mean` (D,) and `covariance` (D, D) of the embeddings of pictures,
`text_mean` (D,) of texts, `sample` (N, D), some of the pictures' own embeddings, `rivals` (R, D),
the vectors of `rivals.txt`, and `photos` (1,), of how many photos the first two are. Older packs
have only the first three.
"""

import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

SAMPLE = 512  # embeddings kept as they are, at most: half a megabyte of the widest


@dataclass(frozen=True, slots=True)
class Background:
    """`mean` (D,), `covariance` (D, D) of pictures; `text_mean` (D,); `rivals` (R, D) of texts.

    photos: of how many photos; 0 where they were generated pictures, which show nothing, or where
    the pack does not say. rivals: may be none, (0, D). `sample` (N, D): some pictures' own
    embeddings, where the pack has them. They tell what mean and covariance can't: how one direction
    is spread on the side where nothing matches.
    """

    mean: Vectors
    covariance: Vectors
    text_mean: Vectors
    rivals: Vectors
    photos: int
    sample: Vectors | None = None


@cache
def rivals() -> tuple[str, ...]:
    """What photos show, some hundreds of plain words: what a query has to hold its own against."""
    lines = files("albumen.packs").joinpath("rivals.txt").read_text("utf-8").splitlines()
    kept = (line for line in lines if line and not line.startswith("#"))
    return tuple(word.strip() for line in kept for word in line.split(","))


def dump(
    seen: Vectors, read: Vectors, against: Vectors, photos: int, sample: Vectors | None = None
) -> bytes:
    """The file. seen: (N, D) of pictures; read: (M, D) of texts; against: (R, D) of `rivals()`.

    sample: (S, D) of pictures of every kind; some of those seen, evenly chosen, without.
    """
    from safetensors.numpy import save

    kept = seen[:: math.ceil(len(seen) / SAMPLE)] if sample is None else sample
    return save(
        {
            "mean": seen.mean(0).astype(np.float32),
            "covariance": np.cov(seen.T).astype(np.float32),
            "text_mean": read.mean(0).astype(np.float32),
            "sample": kept.astype(np.float16),
            "rivals": against.astype(np.float16),
            "photos": np.array([photos], np.int64),
        }
    )


def load(data: bytes, dim: int) -> Background:
    """What `dump` wrote; raises `KeyError`, `ValueError` or the library's error for what is not."""
    from safetensors.numpy import load

    given = load(data)
    against = given.get("rivals", np.empty((0, dim), np.float16)).astype(np.float32)
    photos = int(given["photos"][0]) if "photos" in given else 0
    sample = given["sample"].astype(np.float32) if "sample" in given else None
    statistics = given["mean"], given["covariance"], given["text_mean"]
    background = Background(*statistics, against, photos, sample)
    shapes = [background.mean.shape, background.covariance.shape, background.text_mean.shape]
    fits = all(part.shape[1:] == (dim,) for part in (against, sample) if part is not None)
    if shapes != [(dim,), (dim, dim), (dim,)] or not fits or photos < 0:
        raise ValueError("statistics of another pack's size")
    return background
