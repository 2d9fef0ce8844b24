"""What a run of `index` tells while it works, and what it says at the end."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Started:
    """The walk began; `found`: files so far."""

    found: int


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of the `found` files are accounted for; the walk may still find more."""

    done: int
    found: int


@dataclass(frozen=True, slots=True)
class Committed:
    """What is known of the first `photos` files accounted for in this run is on the disk."""

    photos: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should know of, such as a root that is suddenly empty."""

    message: str


Event = Started | Progress | Committed | Notice


@dataclass(frozen=True, slots=True)
class Summary:
    """Every photo found counts once, in `indexed`, `unchanged`, `moved`, `skipped` or `failed`.

    `sidecars`: XMP files beside photos, read in this run or before. `removed`: places at which a
    photo lay before and no longer does.
    """

    indexed: int = 0
    unchanged: int = 0
    moved: int = 0
    removed: int = 0
    skipped: int = 0
    failed: int = 0
    sidecars: int = 0
    seconds: float = 0.0
