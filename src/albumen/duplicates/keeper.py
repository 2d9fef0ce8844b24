"""Which of several copies to keep, and why: stated rules, one after the other.

Each rule keeps the best and leaves the rest out; the first that leaves one alone decides, and its
words are the reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

FORMATS = ("HEIF", "TIFF", "PNG", "JPEG", "AVIF", "WEBP", "BMP", "GIF")
"""Copies are made from left to right rather than the other way."""

NEARLY = 0.95
"""Resolutions and areas that differ by less are equal: edits round."""

BY_CAMERA = ("exif", "xmp")


@dataclass(frozen=True, slots=True)
class Copy:
    """One file of a group. `path`: where it lies; `photo`: its content's id.

    `region`: the share of the leader's area that it shows; `inner`: the share of its own area that
    is no plain border; `similarity`: how well it agrees with the leader, 0 to 1.
    """

    path: Path
    photo: int
    width: int
    height: int
    format: str
    bytes: int
    taken: str | None
    taken_source: str | None
    camera: str | None
    inner: float = 1.0
    region: float = 1.0
    similarity: float = 1.0

    @property
    def detail(self) -> float:
        """Pixels that it has for the whole of the picture: a crop has as many as its original."""
        return self.width * self.height * self.inner / max(self.region, 0.01)

    @property
    def by_camera(self) -> bool:
        """Whether it has the camera's own metadata."""
        return self.taken_source in BY_CAMERA and bool(self.camera)


@dataclass(frozen=True, slots=True)
class Kept:
    """The copy to keep, and the reason in words."""

    copy: Copy
    reason: str


Rule = tuple[Callable[[Copy], float], float, Callable[[Copy], str]]
"""A value of which the highest is best, the share of it that still counts as equal, the reason."""


def choose(copies: Sequence[Copy], prefer: Sequence[Path] = ()) -> Kept:
    """The copy to keep. `prefer`: folders whose photos are kept where all else is equal."""
    left = list(copies)
    for value, equal, reason in _rules(prefer):
        best = max(map(value, left))
        kept = [copy for copy in left if value(copy) >= best * equal]
        if len(kept) == 1 < len(left):
            return Kept(kept[0], reason(kept[0]))
        left = kept
    dated = [copy for copy in left if copy.taken]
    if len(dated) == len(left):
        first = min(copy.taken or "" for copy in dated)
        kept = [copy for copy in dated if copy.taken == first]
        if len(kept) == 1 < len(left):
            return Kept(kept[0], f"it is the oldest file, {first.replace('T', ' ')}")
        left = kept
    first_by_name = min(left, key=lambda copy: (len(copy.path.parts), str(copy.path)))
    return Kept(first_by_name, "the first by name; otherwise they are equal")


def _rules(prefer: Sequence[Path]) -> list[Rule]:
    return [
        (
            lambda copy: copy.detail,
            NEARLY,
            lambda copy: f"it has the highest resolution, {copy.width} × {copy.height}",
        ),
        (lambda copy: copy.by_camera, 1, lambda copy: "it has the camera's own metadata"),
        (_earliness, 1, lambda copy: f"it has the earliest date, {(copy.taken or '')[:10]}"),
        (
            lambda copy: copy.region * copy.inner,
            NEARLY,
            lambda copy: "it shows the most of the picture",
        ),
        (lambda copy: copy.inner, NEARLY, lambda copy: "it has no frame around it"),
        (_format, 1, lambda copy: f"its format, {copy.format}, is likelier the original's"),
        (
            lambda copy: any(copy.path.is_relative_to(folder) for folder in prefer),
            1,
            lambda copy: "it lies in a preferred folder",
        ),
    ]


def _earliness(copy: Copy) -> float:
    """Higher for earlier dates; lowest without one that the photo itself tells."""
    if not copy.taken or copy.taken_source == "mtime":
        return -1.0
    digits = "".join(c for c in copy.taken if c.isdigit())[:14].ljust(14, "0")
    return 1e14 - float(digits)


def _format(copy: Copy) -> float:
    known = FORMATS.index(copy.format) if copy.format in FORMATS else len(FORMATS)
    return float(len(FORMATS) - known)
