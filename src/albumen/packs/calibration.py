"""Pictures to check a pack with: a folder's, or generated ones; and what a smaller tower changes.

Generated pictures have what a network reacts to, edges, colours and the spectrum of natural images
(power falling with the square of frequency: Field, JOSA A 1987), but they show nothing. They tell
whether rounding weights changes a tower's answers; how photos are distributed they do not tell.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albumen.packs.errors import PackError
from albumen.packs.preprocessing import Pixels, Preprocessing

Vectors = NDArray[np.float32]

NEAREST = 5
GENERATED, SEED = 96, 13
MOST = 500  # pictures of a folder, taken evenly: a large tower takes minutes for them
FEWEST = NEAREST + 1
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}

# What a reduced tower must keep, or the float32 one is kept: an embedding is turned by 11° at most
# on average (cosine 0.98) and by 26° at worst, and of five neighbours four stay.
LEAST_MEAN_COSINE, LEAST_COSINE, LEAST_AGREEMENT = 0.98, 0.9, 0.8


@dataclass(frozen=True, slots=True)
class Calibration:
    """`pixels`: uint8 (N, S, S, 3), as the tower sees them. `origin`: one phrase, for the card."""

    pixels: Pixels
    origin: str
    generated: bool


def calibration(folder: Path | None, preprocessing: Preprocessing) -> Calibration:
    """From the pictures of that folder and the folders in it, or from generated ones.

    Raises `PackError` if the folder has too few that can be read.
    """
    if folder is None:
        made = np.stack([preprocessing.apply(picture) for picture in generated(GENERATED)])
        return Calibration(made, f"{GENERATED} generated pictures", generated=True)
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    chosen = files[:: max(1, math.ceil(len(files) / MOST))]
    pictures = [preprocessing.apply(pixels) for pixels in _read(chosen)]
    if len(pictures) < FEWEST:
        raise PackError(
            f"{folder} holds {len(pictures)} pictures that can be read; calibration needs "
            f"{FEWEST} at least, and some hundreds are better"
        )
    return Calibration(np.stack(pictures), f"{len(pictures)} pictures of a folder", generated=False)


def generated(count: int, side: int = 256) -> Iterator[Pixels]:
    """Pictures (side, side, 3): coloured noise with a natural spectrum, every other with shapes."""
    random = np.random.default_rng(SEED)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = np.inf
    for number in range(count):
        white = np.fft.rfft2(random.normal(size=(3, side, side)))
        noise = np.fft.irfft2(white / frequency, s=(side, side)).transpose(1, 2, 0)
        noise = noise @ random.normal(size=(3, 3))  # colours that go together
        picture = 128 + 50 * noise / noise.std() + random.normal(scale=40, size=3)
        if number % 2:
            _draw(picture, random)
        yield np.clip(picture, 0, 255).astype(np.uint8)


def _draw(picture: NDArray[np.float64], random: np.random.Generator) -> None:
    """Discs and bars of one colour each."""
    side = len(picture)
    y, x = np.mgrid[:side, :side]
    for _ in range(random.integers(1, 6)):
        (cy, cx), radius = random.uniform(0, side, 2), random.uniform(side / 16, side / 3)
        angle = random.uniform(0, np.pi)
        along = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
        across = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
        disc = np.hypot(along, across) < radius
        bar = (abs(along) < radius) & (abs(across) < radius / 4)
        picture[disc if random.random() < 0.5 else bar] = random.uniform(0, 255, 3)


def _read(files: list[Path]) -> Iterator[Pixels]:
    from PIL import Image, ImageOps

    for file in files:
        try:
            with Image.open(file) as picture:
                picture.draft("RGB", (1024, 1024))
                yield np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
        except (OSError, ValueError, Image.DecompressionBombError):
            continue  # a damaged picture is no reason not to add a pack


def agreement(exact: Vectors, reduced: Vectors, *, classifier: bool) -> dict[str, float]:
    """How much a reduced tower's answers are those of the exact one. Both: (N, D).

    `cosine_mean`, `cosine_least`: of each row with its own. `top_5`: the share of each row's five
    nearest rows (a classifier: of its five best labels) that is the same. `top_1`, of a
    classifier: how often the best label is.
    """
    lengths = np.linalg.norm(exact, axis=1) * np.linalg.norm(reduced, axis=1)
    cosines = (exact * reduced).sum(1) / np.maximum(lengths, 1e-12)
    said = {"cosine_mean": float(cosines.mean()), "cosine_least": float(cosines.min())}
    if classifier:
        said["top_1"] = float((exact.argmax(1) == reduced.argmax(1)).mean())
        said["top_5"] = _same(_best(exact), _best(reduced))
    else:
        said["top_5"] = _same(_best(_to_others(exact)), _best(_to_others(reduced)))
    return {name: round(value, 4) for name, value in said.items()}


def good_enough(said: dict[str, Any]) -> bool:
    """Whether the reduced tower may stand for the exact one."""
    return bool(
        said["cosine_mean"] >= LEAST_MEAN_COSINE
        and said["cosine_least"] >= LEAST_COSINE
        and min(said["top_5"], said.get("top_1", 1.0)) >= LEAST_AGREEMENT
    )


def _to_others(vectors: Vectors) -> NDArray[np.float32]:
    similarities = vectors @ vectors.T
    np.fill_diagonal(similarities, -np.inf)
    return similarities


def _best(scores: NDArray[np.float32]) -> NDArray[np.intp]:
    count = min(NEAREST, scores.shape[1] - 1)
    return np.argpartition(-scores, count - 1, axis=1)[:, :count]


def _same(first: NDArray[np.intp], second: NDArray[np.intp]) -> float:
    if not first.shape[1]:  # a single row has no others: nothing that could differ
        return 1.0
    shared = [len(np.intersect1d(a, b)) / len(a) for a, b in zip(first, second, strict=True)]
    return float(np.mean(shared))
