"""From shards to one vector a picture, with what is known of each; memory holds no pixels but a
batch's."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from albumen.evaluation import shards as webdataset
from albumen.evaluation.shards import EvaluationError, Sample, Skip
from albumen.library.decode import DecodeError, DecodeWorkers, decode
from albumen.packs import Pack
from albumen.packs.runtime import cores

BATCH = 64


@dataclass(frozen=True, slots=True)
class Progress:
    """How far reading has come: pictures embedded, and bytes of shards read, of all there are."""

    pictures: int
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known of a picture that was embedded."""

    source: str
    captions: tuple[str, ...]
    label: str | None
    number: int | None


@dataclass(frozen=True, slots=True)
class Embedded:
    """N pictures, their vectors, and what was left out.

    vectors: (N, D) of length 1; of a classifier its logits, (N, K).
    """

    pictures: tuple[Picture, ...]
    vectors: NDArray[np.float32]
    skipped: tuple[Skip, ...]


def embed(shards: Sequence[Path], pack: Pack, on_progress: Callable[[Progress], None]) -> Embedded:
    """Embed every picture of the shards; raises `EvaluationError` if there is none."""
    encode = pack.logits if pack.is_classifier else pack.encode_images
    pictures: list[Picture] = []
    vectors: list[NDArray[np.float32]] = []
    skipped: list[Skip] = []
    total, before = sum(shard.stat().st_size for shard in shards), 0
    with DecodeWorkers(1) as workers, ThreadPoolExecutor(cores()) as threads:

        def develop(sample: Sample) -> NDArray[np.uint8] | Skip:
            return _pixels(sample, pack, workers)

        for shard in shards:
            for samples in _batches(_kept(webdataset.read(shard), skipped), BATCH):
                good: list[NDArray[np.uint8]] = []
                for sample, pixels in zip(samples, threads.map(develop, samples), strict=True):
                    if isinstance(pixels, Skip):
                        skipped.append(pixels)
                    else:
                        pictures.append(_known(sample))
                        good.append(pixels)
                if good:
                    vectors.append(encode(np.stack(good)))
                on_progress(Progress(len(pictures), before + samples[-1].end, total))
            before += shard.stat().st_size
    if not pictures:
        reason = f" ({skipped[0].name} {skipped[0].reason})" if skipped else ""
        raise EvaluationError(f"no picture could be read from {shards[0]}{reason}")
    return Embedded(tuple(pictures), np.concatenate(vectors), tuple(skipped))


def _pixels(sample: Sample, pack: Pack, workers: DecodeWorkers) -> NDArray[np.uint8] | Skip:
    try:
        short_side = pack.preprocessing.short_side
        picture = decode(sample.picture, short_side=short_side, workers=workers)
    except DecodeError as error:
        return Skip(sample.name, error.reason)
    return pack.preprocessing.apply(picture.pixels)


def _known(sample: Sample) -> Picture:
    return Picture(sample.source, sample.captions, sample.label, sample.number)


def _kept(items: Iterable[Sample | Skip], skipped: list[Skip]) -> Iterator[Sample]:
    for item in items:
        if isinstance(item, Skip):
            skipped.append(item)
        else:
            yield item


def _batches(samples: Iterator[Sample], size: int) -> Iterator[list[Sample]]:
    while batch := list(islice(samples, size)):
        yield batch
