"""A classifier from pictures to report: what `albumen train classifier` does."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from albumen.errors import UsageError
from albumen.evaluation.shards import Skip
from albumen.packs import Pack
from albumen.training import checkpoint, data, network, processes, recipes
from albumen.training.agreement import agree
from albumen.training.classifier import Batches, Classification, Pixels, Rows, answers, figures
from albumen.training.loop import Run, channels_last, compiled, fit
from albumen.training.pictures import Augmentation
from albumen.training.probe import Probe, Vectors, embedded
from albumen.training.probe import fit as fit_probe
from albumen.training.recipes import ClassifierConfig
from albumen.training.told import Told


@dataclass(frozen=True)
class Job:
    """What to learn from, and where the run is kept.

    data: folders, one a class, or shards; `test`: others to judge by, None for a share of each
    class. `sources`: of shards, only samples of these; `each`: of every class only so many.
    """

    data: Path
    folder: Path
    test: Path | None = None
    sources: tuple[str, ...] = ()
    each: int | None = None


@dataclass(frozen=True)
class Pictures:
    """Those to learn from and those to judge by; the latter may be of the same array."""

    classes: tuple[str, ...]
    train: data.Labelled
    train_rows: Rows
    test: data.Labelled
    test_rows: Rows

    @property
    def skipped(self) -> tuple[Skip, ...]:
        """What was left out, and why."""
        apart = () if self.test is self.train else self.test.skipped
        return (*self.train.skipped, *apart)


@dataclass(frozen=True)
class Judged:
    """What the network answers about the pictures to judge by. logits: (N, K), labels: (N,)"""

    classes: tuple[str, ...]
    pixels: Pixels
    names: tuple[str, ...]
    labels: Rows
    logits: Vectors
    figures: dict[str, float]
    skipped: tuple[Skip, ...]


def read(job: Job, side: int, share: float, told: Told) -> Pictures:
    """All pictures, decoded; raises `UsageError` for those that no classifier can be made of."""
    cache = job.folder / "pictures"
    first, second = data.split(job.data)
    second = job.test or second

    def decoded(place: Path, name: str, classes: Sequence[str] = ()) -> data.Labelled:
        return data.read(
            place,
            side,
            cache,
            name,
            classes=classes,
            sources=job.sources,
            on_progress=told.reading,
        )

    train = decoded(first, "train")
    if second is not None:
        test = decoded(second, "test", train.classes)
        rows = (
            train.rows if job.each is None else data.few(train.digests, train.labels, job.each)[0]
        )
        return Pictures(train.classes, train, _unseen(train, rows, test, told), test, test.rows)
    if job.each is not None:
        rows, others = data.few(train.digests, train.labels, job.each)
        if not len(others):
            raise UsageError(
                f"no class has more than {job.each} pictures: none is left to judge by"
            )
        return Pictures(train.classes, train, rows, train, others)
    rows, others = data.held_out(train.digests, train.labels, share)
    return Pictures(train.classes, train, rows, train, others)


def _unseen(train: data.Labelled, rows: Rows, test: data.Labelled, told: Told) -> Rows:
    """The rows to train with but for those whose pictures are also judged by."""
    judged = set(test.digests)
    own = np.array([row for row in rows if train.digests[row] not in judged], np.int64)
    if len(own) < len(rows):
        told.note(
            f"{len(rows) - len(own):,} pictures to learn from are also among those to judge by; "
            "they are not learned from"
        )
    return own


def train(job: Job, config: ClassifierConfig, start: str | None, told: Told) -> Judged:
    """Train, or go on, and judge the best weights. Raises `UsageError` and `TrainingError`."""
    fabric = processes.fabric(_precision(config))
    beginning = network.begin(config.model, config.size, start)
    config = replace(config, model=beginning.model, size=beginning.size)
    if config.batch % (processes.world() * config.accumulate):
        raise UsageError(
            f"a batch of {config.batch} cannot be shared equally by {processes.world()} processes"
        )
    _agree(job, config, start)
    with processes.first_alone():
        pictures = read(job, config.stored, config.test, told if processes.rank() == 0 else Told())
    augmentation = replace(config.augmentation, mean=beginning.mean, std=beginning.std)
    batches = Batches(
        pictures.train.pixels,
        pictures.train.labels,
        pictures.train_rows,
        config.batch // config.accumulate,
        augmentation,
        config.blending,
        config.seed,
    )
    torch.manual_seed(config.seed)
    module = channels_last(beginning.build(pictures.classes))
    if config.compile:
        compiled(module)
    about = beginning.about(pictures.classes) | {"recipe": recipes.as_dict(config)}
    loop = config.loop(max(1, batches.of_an_epoch // config.accumulate), _precision(config))
    run = Run(Classification(module, config.smoothing), loop, job.folder, fabric, about)
    if run.resume():
        told.note(f"going on at step {run.step} of {loop.last}")

    def judged() -> dict[str, float]:
        test = pictures.test
        with torch.compiler.set_stance("force_eager"):  # it would compile each size of batch anew
            logits = answers(module, test.pixels, pictures.test_rows, augmentation)
        return figures(logits, test.labels[pictures.test_rows])

    fit(run, batches, told.training, judged)
    processes.wait()
    return judge(job, pictures, augmentation)


def probe(job: Job, pack: Pack, config: ClassifierConfig, told: Told) -> tuple[Probe, Judged]:
    """A linear probe on the pack's embeddings, and what it answers. Raises `UsageError`."""
    steps = pack.preprocessing.record
    side = steps.crop or steps.resize
    if not isinstance(side, int):
        raise UsageError(f"the pack {pack.name} squashes pictures; choose one that crops them")
    pictures = read(job, side, config.test, told)
    began = time.monotonic()
    train = embedded(pack, pictures.train, pictures.train_rows)
    test = embedded(pack, pictures.test, pictures.test_rows)
    seen = time.monotonic()
    labels = pictures.train.labels[pictures.train_rows]
    fitted = fit_probe(train, labels, len(pictures.classes), config.seed)
    told.note(
        f"embedded {len(train) + len(test):,} pictures in {seen - began:.1f} s, "
        f"learned from {len(train):,} in {time.monotonic() - seen:.1f} s"
    )
    job.folder.mkdir(parents=True, exist_ok=True)
    tensors = {"weights": torch.from_numpy(fitted.weights), "bias": torch.from_numpy(fitted.bias)}
    about = {"task": "probe", "pack": pack.name, "pack id": pack.id}
    said = {"classes": [*pictures.classes], "strength": fitted.strength}
    checkpoint.write(job.folder / checkpoint.BEST, tensors, about | said)
    return fitted, _judged(pictures, fitted(test))


def judge(job: Job, pictures: Pictures, like: Augmentation) -> Judged:
    """What the best weights of the job's run answer."""
    weights, about = checkpoint.read(job.folder / checkpoint.BEST)
    rows = pictures.test_rows
    return _judged(
        pictures, answers(network.restored(weights, about), pictures.test.pixels, rows, like)
    )


def _judged(pictures: Pictures, logits: Vectors) -> Judged:
    test, rows = pictures.test, pictures.test_rows
    labels = test.labels[rows]
    found = {"train": len(pictures.train_rows), "test": len(rows)} | figures(logits, labels)
    return Judged(
        pictures.classes,
        test.pixels[rows],
        tuple(test.names[row] for row in rows),
        labels,
        logits,
        found,
        pictures.skipped,
    )


def _precision(config: ClassifierConfig) -> processes.Precision:
    return processes.best_precision() if config.precision == "auto" else config.precision


def _agree(job: Job, config: ClassifierConfig, start: str | None) -> None:
    said: dict[str, Any] = {
        "data": str(job.data.absolute()),
        "test": None if job.test is None else str(job.test.absolute()),
        "sources": [*job.sources],
        "each": job.each,
        "start": start,
        "recipe": recipes.as_dict(config),
    }
    agree(job.folder, said, begun=(job.folder / checkpoint.LAST).exists())
