"""The protocol by which packs are compared. docs/evaluation.md says it in words.

Retrieval: every caption is a query, candidates are all pictures of its source. Zero-shot: every
labelled picture is compared with the names of its source's labels. Classification: every picture
with a class number is compared with the names of all classes; a classifier answers by the number
itself.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from albumen.evaluation.embedding import Embedded, Picture, Progress, embed
from albumen.evaluation.measures import Estimate, estimate, hits_within
from albumen.evaluation.shards import Skip
from albumen.packs import Pack

PROMPT = "a photo of a {}"
RECALLS = (1, 5, 10)
TOPS = (1, 5)

Vectors = NDArray[np.float32]
Figures = TypeVar("Figures")


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Text to image: of how many captions the own picture is among the first 1, 5 and 10."""

    images: int
    captions: int
    recall: dict[int, Estimate]


@dataclass(frozen=True, slots=True)
class ZeroShot:
    """Of how many pictures the nearest name is the right one, by one prompt and by templates."""

    images: int
    classes: int
    top1: Estimate
    top1_ensemble: Estimate


@dataclass(frozen=True, slots=True)
class Classification:
    """Of how many pictures the right class is the first, or among the first five.

    classes: how many there were to choose from; a classifier chooses from all of its labels.
    """

    images: int
    classes: int
    top1: Estimate
    top5: Estimate


@dataclass(frozen=True, slots=True)
class Report:
    """All figures, each source's own; `notes` say what was not measured and why."""

    pack: str
    retrieval: dict[str, Retrieval]
    zero_shot: dict[str, ZeroShot]
    classification: Classification | None
    skipped: tuple[Skip, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """As documented for scripts: `x_se` is the standard error of `x`, or null."""
        return {
            "pack": self.pack,
            "retrieval": {name: _retrieval_json(one) for name, one in self.retrieval.items()},
            "zero_shot": {name: _zero_shot_json(one) for name, one in self.zero_shot.items()},
            "classification": _classification_json(self.classification),
        }


def evaluate(
    shards: Sequence[Path], pack: Pack, on_progress: Callable[[Progress], None] | None = None
) -> Report:
    """Measure a pack on shards.

    Damaged samples are left out and named in `skipped`. Raises `EvaluationError` if no picture can
    be read, and `PackError` if the pack cannot run.
    """
    embedded = embed(shards, pack, on_progress or _unheard)
    if pack.is_classifier:
        figures, notes = _by_own_labels(embedded, pack.labels)
        return Report(pack.name, {}, {}, figures, embedded.skipped, notes)
    if pack.manifest.text is None:
        note = f"the pack {pack.name} reads no text, so nothing could be asked of it"
        return Report(pack.name, {}, {}, None, embedded.skipped, (note,))
    classification, notes = _classification(embedded, pack)
    return Report(
        pack=pack.name,
        retrieval=_each_source(embedded, pack, _retrieval),
        zero_shot=_each_source(embedded, pack, _zero_shot),
        classification=classification,
        skipped=embedded.skipped,
        notes=notes,
    )


def _each_source(
    embedded: Embedded,
    pack: Pack,
    measure: Callable[[list[Picture], Vectors, Pack], Figures | None],
) -> dict[str, Figures]:
    places = defaultdict(list)
    for place, picture in enumerate(embedded.pictures):
        places[picture.source].append(place)
    measured = {
        source: measure([embedded.pictures[i] for i in own], embedded.vectors[own], pack)
        for source, own in places.items()
    }
    return {source: figures for source, figures in measured.items() if figures is not None}


def _retrieval(pictures: list[Picture], vectors: Vectors, pack: Pack) -> Retrieval | None:
    captions = [text for picture in pictures for text in picture.captions]
    if not captions:
        return None
    counts = [len(picture.captions) for picture in pictures]
    own = np.repeat(np.arange(len(pictures)), counts)
    hits = hits_within(pack.encode_texts(captions), vectors, own, RECALLS)
    recall = {k: estimate(hit, own) for k, hit in zip(RECALLS, hits, strict=True)}
    return Retrieval(len(pictures), len(captions), recall)


def _zero_shot(pictures: list[Picture], vectors: Vectors, pack: Pack) -> ZeroShot | None:
    labelled = [i for i, picture in enumerate(pictures) if picture.label is not None]
    if not labelled:
        return None
    labels = [str(pictures[i].label) for i in labelled]
    names, right = np.unique(labels, return_inverse=True)
    prompts = pack.encode_texts([PROMPT.format(name) for name in names])
    top1, ensemble = (
        _tops(vectors[labelled], classes, right, (1,))[0]
        for classes in (prompts, _ensembles(pack, names.tolist()))
    )
    return ZeroShot(len(labelled), len(names), top1, ensemble)


def _classification(
    embedded: Embedded, pack: Pack
) -> tuple[Classification | None, tuple[str, ...]]:
    numbered = [i for i, one in enumerate(embedded.pictures) if one.number is not None]
    if not numbered:
        return None, ()
    names: dict[int, set[str]] = defaultdict(set)
    for i in numbered:
        picture = embedded.pictures[i]
        names[int(picture.number or 0)].update([picture.label] if picture.label else [])
    unclear = sorted(number for number, given in names.items() if len(given) != 1)
    if unclear:
        given = ", ".join(sorted(names[unclear[0]])) or "none"
        note = f"no classification: class {unclear[0]} has not one name but {given}"
        return None, (f"{note}; a shard's .json must give each class number one label",)
    numbers = sorted(names)
    right = np.searchsorted(numbers, [int(embedded.pictures[i].number or 0) for i in numbered])
    classes = _ensembles(pack, [next(iter(names[number])) for number in numbers])
    top1, top5 = _tops(embedded.vectors[numbered], classes, right, TOPS)
    return Classification(len(numbered), len(numbers), top1, top5), ()


def _by_own_labels(
    embedded: Embedded, labels: Sequence[str]
) -> tuple[Classification | None, tuple[str, ...]]:
    """A classifier's figures: the shards' class numbers are those of its labels."""
    numbered = [i for i, one in enumerate(embedded.pictures) if one.number is not None]
    if not numbered:
        return None, ("no picture has a class number (.cls), and a classifier answers no others",)
    numbers = [int(embedded.pictures[i].number or 0) for i in numbered]
    if max(numbers) >= len(labels):
        note = (
            f"no classification: the shards have a class {max(numbers)}, the pack has labels 0 to"
        )
        return None, (f"{note} {len(labels) - 1}; it was made for other classes",)
    right = np.array(numbers, np.int64)
    # Each label is its own direction, so that the score of a label is its logit.
    each_label = np.eye(len(labels), dtype=np.float32)
    top1, top5 = _tops(embedded.vectors[numbered], each_label, right, TOPS)
    notes = tuple(_disagreements([embedded.pictures[i] for i in numbered], labels))
    return Classification(len(numbered), len(labels), top1, top5), notes


def _disagreements(pictures: list[Picture], labels: Sequence[str]) -> Iterator[str]:
    """What makes one doubt that the shards number classes as the pack does."""
    met = {int(picture.number or 0) for picture in pictures}
    if len(met) < len(labels):
        yield f"the shards hold {len(met)} of the pack's {len(labels)} classes"
    other = {
        int(picture.number or 0): picture.label
        for picture in pictures
        if picture.label and picture.label.casefold() != labels[picture.number or 0].casefold()
    }
    if other:
        number = min(other)
        yield (
            f"{len(other)} of {len(met)} classes are called otherwise by the shards: class {number}"
            f" is '{other[number]}' there and '{labels[number]}' in the pack"
        )


def _tops(
    vectors: Vectors, classes: Vectors, right: NDArray[np.int64], tops: Sequence[int]
) -> list[Estimate]:
    each = np.arange(len(vectors))
    return [estimate(hit, each) for hit in hits_within(vectors, classes, right, tops)]


def _ensembles(pack: Pack, names: Sequence[str]) -> Vectors:
    return np.stack([pack.encode_label(name) for name in names])


def _retrieval_json(one: Retrieval) -> dict[str, Any]:
    figures: dict[str, Any] = {"images": one.images, "captions": one.captions}
    for k, figure in one.recall.items():
        figures |= _estimate_json(f"r@{k}", figure)
    return figures


def _zero_shot_json(one: ZeroShot) -> dict[str, Any]:
    counts = {"images": one.images, "classes": one.classes}
    ensemble = _estimate_json("top1_ensemble", one.top1_ensemble)
    return counts | _estimate_json("top1", one.top1) | ensemble


def _classification_json(one: Classification | None) -> dict[str, Any] | None:
    if one is None:
        return None
    counts = {"images": one.images, "classes": one.classes}
    return counts | _estimate_json("top1", one.top1) | _estimate_json("top5", one.top5)


def _estimate_json(name: str, figure: Estimate) -> dict[str, float | None]:
    error = None if figure.error is None else round(figure.error, 6)
    return {name: round(figure.value, 6), f"{name}_se": error}


def _unheard(progress: Progress) -> None:
    """Progress that nobody asked for."""
