"""The values that pass between the stages: each stage takes one and returns the next.

All are frozen. `Seen` is what the walk found, `Identified` what the bytes say, `Decoded` the
picture with its metadata, `Described` what the models say. A stage that fails gives a `Failure`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from albumen.errors import AlbumenError

Stage = Literal["scan", "identify", "decode", "metadata", "describe", "commit"]
Status = Literal["skipped", "failed"]


class LibraryError(AlbumenError):
    """The library cannot do what was asked, for the reason in the message."""


class NotInLibraryError(LibraryError):
    """A photo that was asked for is in no library."""

    exit_code = 1

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is not in the library; take it in with: albumen index FOLDER")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one stage gave nothing for one file. `reason` is for people.

    `lasting`: the same bytes will fail again, so the file is left alone until it changes. Not so
    for what may pass next time: a missing permission, a disk's error, a pack that did not open.
    """

    stage: Stage
    status: Status
    reason: str
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class Root:
    """A folder that the user added."""

    id: int
    path: Path


@dataclass(frozen=True, slots=True)
class Seen:
    """A file that the walk found. `relative` to its root, as bytes: names need not be UTF-8."""

    root: Root
    relative: bytes
    size: int
    mtime_ns: int
    inode: int

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.root.path / os.fsdecode(self.relative)


@dataclass(frozen=True, slots=True)
class Identified:
    """A file's content. `data` are its bytes, read once.

    None when the content is `settled`, known already with nothing left to do, and for a file too
    large to be held here, which a worker reads again.
    """

    seen: Seen
    content_hash: bytes
    data: bytes | None
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Metadata:
    """When, where and with what a photo was taken, as far as the file tells.

    `taken` is local time in ISO form ("2024-05-01T10:20:30"), `offset` its distance from UTC
    ("+02:00") where known; `latitude` and `longitude` are degrees, south and west negative.
    """

    taken: str | None = None
    taken_source: Literal["exif", "xmp", "name", "mtime"] | None = None
    offset: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    camera: str | None = None
    orientation: int = 1


Fit = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""From upright RGB pixels (H, W, 3) to those a pack takes, (S, S, 3)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """By what copies of a picture are found. `pixels`: as the fingerprint's pack takes them.

    `hash`: perceptual, 8 bytes; `inner_hash`: of the picture without plain borders, of which it is
    the share `inner`; `picture`: the whole picture, small and grey, as a JPEG.
    """

    hash: bytes
    inner_hash: bytes
    inner: float
    picture: bytes
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Told:
    """What a file says of a photo in words; `keywords` are clean as tags are, each once.

    `place`: names, from near to far ("Trastevere, Rome, Italy"); `rating`: 1 to 5 stars; `taken`:
    a sidecar's date, local time in ISO form, for a photo that has none of its own.
    """

    keywords: tuple[str, ...] = ()
    title: str | None = None
    caption: str | None = None
    place: str | None = None
    rating: int | None = None
    taken: str | None = None


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture's pixels and metadata. `pixels`: uint8 (H, W, 3), upright, reduced.

    `width` and `height` are those of the full picture as shown, that is, upright.
    """

    content_hash: bytes
    image_hash: bytes | None
    format: str
    width: int
    height: int
    metadata: Metadata
    pixels: NDArray[np.uint8]
    evidence: Evidence | None = None
    told: Told = Told()

    @property
    def record(self) -> "Decoded":
        """The same without pixels."""
        none = np.empty((0, 0, 3), np.uint8)
        evidence = self.evidence and replace(self.evidence, pixels=none)
        return replace(self, pixels=none, evidence=evidence)


@dataclass(frozen=True, slots=True)
class Described:
    """What the pack says of a photo. `embedding`: float16 (D,), None if describing it failed."""

    content_hash: bytes
    embedding: NDArray[np.float16] | None
    failures: tuple[Failure, ...] = ()
