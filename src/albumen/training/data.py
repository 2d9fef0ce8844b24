"""Labelled pictures for training: folders, one a class, or WebDataset shards, decoded once.

Every picture becomes a row of one uint8 array in a file, its centre square, so that training reads
them as fast as memory gives them and a batch depends on nothing but its number. What cannot be
used is left out by name; what would teach nonsense is an error.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from blake3 import blake3

from albumen.errors import UsageError
from albumen.evaluation import shards as webdataset
from albumen.evaluation.shards import Sample, Skip
from albumen.library.decode import DecodeError, DecodeWorkers, decode
from albumen.library.scan import Entry, scan
from albumen.packs.runtime import cores
from albumen.whole_file import replacing

Pixels = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]
OnProgress = Callable[[int, int], None]
"""Told how many pictures are read, of how many; 0 of all where that is not known."""

BATCH = 256
SPLITS = (("train", "training"), ("val", "valid", "validation", "test"))


@dataclass(frozen=True)
class Labelled:
    """N pictures. pixels: (N, S, S, 3) · labels: (N,), -1 of a picture that is left out · names:
    where each comes from · digests: of each one's bytes.
    """

    pixels: Pixels
    labels: Rows
    names: tuple[str, ...]
    digests: tuple[str, ...]
    classes: tuple[str, ...]
    skipped: tuple[Skip, ...]

    @property
    def rows(self) -> Rows:
        """Those to use."""
        return np.flatnonzero(self.labels >= 0)


@dataclass(frozen=True)
class Item:
    """A picture's bytes, and what its place or its shard says that it shows."""

    name: str
    data: bytes
    label: str | None
    number: int | None = None
    source: str = ""
    captions: tuple[str, ...] = ()


def split(data: Path) -> tuple[Path, Path | None]:
    """The folders to train and to judge with, where `data` has one of each, named as usual."""
    if not data.is_dir():
        return data, None
    train, test = ([data / n for n in names if (data / n).is_dir()] for names in SPLITS)
    return (train[0], test[0]) if train and test else (data, None)


def read(
    data: Path,
    side: int,
    folder: Path,
    name: str,
    *,
    classes: Sequence[str] = (),
    sources: Sequence[str] = (),
    on_progress: OnProgress = lambda done, total: None,
) -> Labelled:
    """Decode all pictures of `data`, a folder a class or shards, into `folder`/`name`.u8.

    `classes`: those that are known already, as of the pictures that were trained with; others are
    then an error. `sources`: of shards, only samples of these. What was decoded before, from the
    same files, is not decoded again. Raises `UsageError` for data that no classifier can be made
    of.
    """
    source = Source.of(data, sources)
    pixels, known, skips = decoded(source, side, folder, name, on_progress)
    skips += [Skip(one["name"], "has no label") for one in known if one["label"] is None]
    if not any(one["label"] is not None for one in known):
        raise UsageError(f"no picture of {data} has a label ({skips[0].name}: {skips[0].reason})")
    _refuse_unreadable_classes(source, known, skips)
    found = _classes(data, [one for one in known if one["label"] is not None], classes)
    number = {label: i for i, label in enumerate(found)}
    labels = np.array([number.get(one["label"], -1) for one in known], np.int64)
    names, digests = (tuple(one[of] for one in known) for of in ("name", "digest"))
    skips += _leave_out_copies(labels, names, digests, found)
    if not classes and (gone := set(range(len(found))).difference(labels.tolist())):
        raise UsageError(
            f"labels disagree: every picture of '{found[min(gone)]}' is under another label too"
        )
    return Labelled(pixels, labels, names, digests, found, tuple(skips))


def decoded(
    source: "Source",
    side: int,
    folder: Path,
    name: str,
    on_progress: OnProgress = lambda done, total: None,
    *,
    stretched: bool = False,
) -> tuple[Pixels, list[dict[str, Any]], list[Skip]]:
    """All pictures of `source`, what is known of each, and what could not be read.

    Decoded into `folder`/`name`.u8, unless they were before; each picture's centre square, or all
    of it `stretched` to a square.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file, notes = folder / f"{name}.u8", folder / f"{name}.json"
    said = {"source": source.signature(), "side": side, "only": [*source.only]}
    said["stretched"] = stretched
    about = json.loads(notes.read_text("utf-8")) if notes.exists() else {}
    if about.get("said") != said:
        shape = stretch if stretched else square
        about = _decode(source, side, shape, file, on_progress) | {"said": said}
        with replacing(notes, durable=False) as out:
            out.write(json.dumps(about).encode())
    known, skips = about["known"], [Skip(**each) for each in about["skipped"]]
    if not known:
        reason = f" ({skips[0].name}: {skips[0].reason})" if skips else ""
        raise UsageError(f"no picture could be read from {source.place}{reason}")
    pixels = np.memmap(file, np.uint8, "r", shape=(len(known), side, side, 3))
    return pixels, known, skips


@dataclass(frozen=True)
class Source:
    """Folders of pictures, a class each, or shards."""

    place: Path
    shards: tuple[Path, ...]
    folders: tuple[Path, ...]
    only: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: Path, only: Sequence[str] = ()) -> "Source":
        """Which of both `data` is; raises `UsageError` for neither."""
        if data.is_file() or (data.is_dir() and any(data.glob("*.tar"))):
            return cls(data, tuple(webdataset.find_shards([data])), (), tuple(only))
        if not data.is_dir():
            raise UsageError(f"{data} is not there; give a folder with one folder a class, or .tar")
        folders = sorted(
            path for path in data.iterdir() if path.is_dir() and not path.name.startswith(".")
        )
        if len(folders) < 2:
            told = f"one class only, {folders[0].name}" if folders else "no folders of classes"
            raise UsageError(
                f"{data} has {told}; a classifier needs one folder for each of two classes at least"
            )
        return cls(data, (), tuple(folders))

    @classmethod
    def photos(cls, data: Path) -> "Source":
        """Whatever pictures lie in and below a folder, of no class; or shards."""
        if data.is_dir() and not any(data.glob("*.tar")):
            return cls(data, (), (data,))
        if not data.exists():
            raise UsageError(f"{data} is not there; give a folder of photos, or .tar")
        return cls.of(data)

    def signature(self) -> list[str]:
        """Changes whenever a file does."""
        if self.shards:
            return [_stamp(shard) for shard in self.shards]
        return [_stamp(path) for _, path in self._files()]

    def count(self) -> int:
        """How many pictures there are; 0 if that is not known beforehand."""
        return sum(1 for _ in self._files())

    def items(self, skipped: list[Skip]) -> Iterator[Item]:
        """Every picture with a label; the rest goes to `skipped`."""
        if not self.shards:
            for folder, path in self._files():
                try:
                    yield Item(f"{folder.name}/{path.name}", path.read_bytes(), folder.name)
                except OSError as error:
                    skipped.append(Skip(str(path), str(error.strerror)))
            return
        for shard in self.shards:
            for one in webdataset.read(shard):
                if isinstance(one, Skip):
                    skipped.append(one)
                elif self.only and one.source not in self.only:
                    continue
                else:
                    label, captions = _label(one), one.captions
                    yield Item(one.name, one.picture, label, one.number, one.source, captions)

    def _files(self) -> Iterator[tuple[Path, Path]]:
        for folder in self.folders:
            found = [entry for entry in scan(folder) if isinstance(entry, Entry)]
            if not found:
                raise UsageError(f"the folder {folder} holds no picture; fill it, or remove it")
            for entry in found:
                yield folder, folder / os.fsdecode(entry.relative)


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return f"{path} gone"
    return f"{path.absolute()} {status.st_size} {status.st_mtime_ns}"


def _label(sample: Sample) -> str | None:
    if sample.label is not None:
        return sample.label
    return None if sample.number is None else f"class {sample.number}"


def _decode(
    source: Source,
    side: int,
    shape: Callable[[Pixels, int], Pixels],
    file: Path,
    on_progress: OnProgress,
) -> dict[str, Any]:
    """Append every picture to `file`; what is known of them."""
    skipped: list[Skip] = []
    known: list[dict[str, Any]] = []
    total = source.count()
    items, done = source.items(skipped), 0
    with (
        file.open("wb") as out,
        DecodeWorkers(1) as workers,
        ThreadPoolExecutor(cores()) as threads,
    ):

        def develop(item: Item) -> Pixels | Skip:
            try:
                picture = decode(item.data, short_side=side, workers=workers)
            except DecodeError as error:
                return Skip(item.name, error.reason)
            return shape(picture.pixels, side)

        while batch := list(islice(items, BATCH)):
            for item, pixels in zip(batch, threads.map(develop, batch), strict=True):
                if isinstance(pixels, Skip):
                    skipped.append(pixels)
                else:
                    out.write(pixels.tobytes())
                    digest = blake3(item.data).hexdigest(16)
                    about = {field.name: getattr(item, field.name) for field in fields(Item)}
                    known.append(
                        {n: v for n, v in about.items() if n != "data"} | {"digest": digest}
                    )
            done += len(batch)
            on_progress(done, total)
    return {"known": known, "skipped": [asdict(skip) for skip in skipped]}


def square(pixels: Pixels, side: int) -> Pixels:
    """The centre square of a picture, its short side resized to `side` (bicubic)."""
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = side / min(height, width)
    size = (max(side, round(width * scale)), max(side, round(height * scale)))
    if size != (width, height):
        resized = Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)
        pixels = np.asarray(resized)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return np.ascontiguousarray(pixels[top : top + side, left : left + side])


def stretch(pixels: Pixels, side: int) -> Pixels:
    """The whole picture, as a square (bicubic)."""
    from PIL import Image

    resized = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(resized)


def _refuse_unreadable_classes(
    source: "Source", known: Iterable[dict[str, Any]], skips: Sequence[Skip]
) -> None:
    read = {one["label"] for one in known}
    for folder in source.folders:
        if folder.name not in read:
            of_it = (skip for skip in skips if skip.name.startswith(f"{folder.name}/"))
            why = next((f" ({skip.name}: {skip.reason})" for skip in of_it), "")
            raise UsageError(f"no picture of the folder {folder} could be read{why}")


def _classes(
    data: Path, pictures: Iterable[dict[str, Any]], known: Sequence[str]
) -> tuple[str, ...]:
    """The classes, in the order of their numbers if they have any, otherwise of their names."""
    called: dict[int, tuple[str, str]] = {}
    numbered: dict[str, tuple[int, str]] = {}
    for one in pictures:
        label, number, name = one["label"], one["number"], one["name"]
        if number is None:
            numbered.setdefault(label, (-1, name))
            continue
        other, where = called.setdefault(number, (label, name))
        if other != label:
            raise UsageError(
                f"labels disagree: class {number} is '{other}' in {where} and '{label}' in {name}"
            )
        also, where = numbered.setdefault(label, (number, name))
        if also != number:
            raise UsageError(
                f"labels disagree: '{label}' is class {also} in {where} and {number} in {name}"
            )
    found = tuple(sorted(numbered, key=lambda label: (numbered[label][0], label)))
    if known:
        if unknown := [label for label in found if label not in known]:
            raise UsageError(
                f"{data} has the class '{unknown[0]}', which the pictures to train with lack"
            )
        return tuple(known)
    if len(found) < 2:
        raise UsageError(f"{data} has one class only, {found[0]}; a classifier needs two at least")
    return found


def _leave_out_copies(
    labels: Rows, names: Sequence[str], digests: Sequence[str], classes: Sequence[str]
) -> list[Skip]:
    """Of equal pictures one stays; none stays if they are under different labels."""
    alike: dict[str, list[int]] = {}
    for row in np.flatnonzero(labels >= 0).tolist():
        alike.setdefault(digests[row], []).append(row)
    skips = []
    for first, *others in alike.values():
        said = sorted({classes[labels[row]] for row in (first, *others)})
        if len(said) == 1:
            skips += [Skip(names[row], f"is a copy of {names[first]}") for row in others]
            labels[others] = -1
        else:
            reason = f"is the same picture under '{said[0]}' and '{said[1]}': labels disagree"
            skips += [Skip(names[row], reason) for row in (first, *others)]
            labels[[first, *others]] = -1
    return skips


def few(digests: Sequence[str], labels: Rows, each: int) -> tuple[Rows, Rows]:
    """`each` rows of every class to train with, and all others to judge by."""
    chosen: list[int] = []
    for label in np.unique(labels[labels >= 0]):
        chosen += sorted(np.flatnonzero(labels == label).tolist(), key=lambda row: digests[row])[
            :each
        ]
    train = np.array(sorted(chosen), np.int64)
    return train, np.setdiff1d(np.flatnonzero(labels >= 0), train)


def held_out(digests: Sequence[str], labels: Rows, share: float) -> tuple[Rows, Rows]:
    """Rows to train with and rows to judge by: of each class the same share, one at least.

    Which ones follows from their bytes, so it is the same each time. Raises `UsageError` for a
    class of one picture.
    """
    judged: list[int] = []
    for label in np.unique(labels[labels >= 0]):
        rows = sorted(np.flatnonzero(labels == label).tolist(), key=lambda row: digests[row])
        if len(rows) < 2:
            raise UsageError(
                "a class of one picture cannot both be learned and judged; give each class two "
                "pictures at least, or judge by others (--test DATA)"
            )
        judged += rows[: max(1, round(share * len(rows)))]
    test = np.array(sorted(judged), np.int64)
    return np.setdiff1d(np.flatnonzero(labels >= 0), test), test


def counts(labelled: Labelled) -> dict[str, int]:
    """How many pictures of each class there are to use."""
    found = Counter(labelled.labels[labelled.rows].tolist())
    return {label: found[i] for i, label in enumerate(labelled.classes)}
