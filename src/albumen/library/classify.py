"""What photos show: a classifier's own labels, or labels given in words. Nothing is stored.

Decoding is that of `index`, in threads, while the network works on the batch before.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from albumen.errors import UsageError
from albumen.library.decode import DecodeError, DecodeWorkers, decode
from albumen.library.records import Failure
from albumen.library.scan import Entry, scan
from albumen.packs import Pack
from albumen.packs.pack import softmax
from albumen.packs.runtime import cores

BATCH = 32

Pixels = NDArray[np.uint8]
Probabilities = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Label:
    """A label and how probable it is, from 0 to 1, among all that there were to choose from."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Classified:
    """A photo's labels, the most probable first, by the pack of that name.

    A photo that cannot be read has no labels but a `failure`.
    """

    path: Path
    pack: str
    labels: tuple[Label, ...]
    failure: Failure | None = None


class Classifier:
    """A pack with labels to choose from: its own, or for a CLIP the given ones, in words.

    Zero-shot as Radford et al. (2021, section 3.1): each label's vector is the mean over the pack's
    templates, and probabilities are the softmax of the cosines times the pack's `logit_scale`.
    Raises `UsageError` for labels that are missing, too many, or given to a pack with its own.
    """

    def __init__(self, pack: Pack, labels: Sequence[str] | None = None) -> None:
        self.pack = pack
        self.labels = _chosen(pack, labels)
        # Taken once, not for each photo: (K, dim).
        self._words = (
            None if pack.is_classifier else np.stack([*map(pack.encode_label, self.labels)])
        )

    def probabilities(self, batch: Pixels) -> Probabilities:
        """batch: uint8 (B, S, S, 3), from the pack's preprocessing -> (B, K), sums 1."""
        if self._words is None:
            return self.pack.classify_images(batch)
        cosines = self.pack.encode_images(batch) @ self._words.T
        return softmax(cosines * np.float32(self.pack.manifest.logit_scale))

    def top(self, probabilities: Probabilities, number: int) -> tuple[Label, ...]:
        """The most probable labels of one photo. probabilities: (K,)"""
        order = np.argsort(-probabilities, kind="stable")[:number]
        return tuple(Label(self.labels[i], float(probabilities[i])) for i in order)


def photos_in(paths: Iterable[Path]) -> list[Path]:
    """The files named, and the pictures in and below the folders named, as `index` finds them.

    Raises `UsageError` for a path that is not there.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            entries = (entry for entry in scan(path) if isinstance(entry, Entry))
            found += (path / os.fsdecode(entry.relative) for entry in entries)
        elif path.exists():
            found.append(path)
        else:
            raise UsageError(f"{path} is not there; name photos, or folders of them")
    return list(dict.fromkeys(found))


def classify(
    photos: Sequence[Path],
    classifier: Classifier,
    *,
    top: int = 5,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[Classified]:
    """The `top` labels of each photo, in their order; a few batches of pixels are in memory.

    `on_progress` is told how many photos are done. Raises `PackError` if the pack cannot run.
    """
    done = 0
    with DecodeWorkers() as workers, ThreadPoolExecutor(cores()) as threads:
        developed = _ahead(threads, lambda path: _pixels(path, classifier.pack, workers), photos)
        while batch := list(islice(developed, BATCH)):
            pixels = [given for _, given in batch if not isinstance(given, Failure)]
            rows = iter(classifier.probabilities(np.stack(pixels)) if pixels else ())
            for path, given in batch:
                name = classifier.pack.name
                if isinstance(given, Failure):
                    yield Classified(path, name, (), given)
                else:
                    yield Classified(path, name, classifier.top(next(rows), top))
                done += 1
                if on_progress is not None:
                    on_progress(done)


def _chosen(pack: Pack, labels: Sequence[str] | None) -> tuple[str, ...]:
    if pack.is_classifier:
        if labels:
            raise UsageError(
                f"the pack {pack.name} is a classifier with labels of its own; leave out yours, or "
                "choose a CLIP pack, such as starter"
            )
        return pack.labels
    chosen = tuple(dict.fromkeys(label.strip() for label in labels or () if label.strip()))
    if not chosen:
        raise UsageError(
            f"the pack {pack.name} has no labels of its own; say between what to choose, such as: "
            '--labels "a cat, a dog"'
        )
    return chosen


def _pixels(path: Path, pack: Pack, workers: DecodeWorkers) -> Pixels | Failure:
    """The photo as the pack takes it, (S, S, 3)."""
    try:
        if not path.is_file():  # a device or a pipe might never end
            return Failure("identify", "skipped", "it is no ordinary file")
        data = path.read_bytes()
        picture = decode(data, short_side=pack.preprocessing.short_side, workers=workers)
    except DecodeError as error:
        return error.failure
    except OSError as error:
        return Failure("identify", "failed", str(error.strerror or error).lower(), lasting=False)
    except MemoryError:
        return Failure("decode", "failed", "memory ran out", lasting=False)
    return pack.preprocessing.apply(picture.pixels)


def _ahead(
    threads: ThreadPoolExecutor,
    develop: Callable[[Path], Pixels | Failure],
    photos: Sequence[Path],
) -> Iterator[tuple[Path, Pixels | Failure]]:
    """Each photo with its pixels, in order; at most two batches are decoded beforehand."""
    waiting: deque[tuple[Path, Future[Pixels | Failure]]] = deque()
    for path in photos:
        waiting.append((path, threads.submit(develop, path)))
        if len(waiting) > 2 * BATCH:
            first, result = waiting.popleft()
            yield first, result.result()
    while waiting:
        first, result = waiting.popleft()
        yield first, result.result()
