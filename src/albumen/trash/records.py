"""What the trash takes and gives back. All are frozen; a refusal is a value with its reason."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Standing = Literal["in the trash", "missing", "away", "in the system's trash"]
"""Of a trashed file: it lies there; another program took it out, or emptied the trash; the trash
itself cannot be reached, as when its disk is not connected; or the system alone knows."""


@dataclass(frozen=True, slots=True)
class Trashed:
    """A file now in the trash. `id` brings it back."""

    id: int
    path: Path


@dataclass(frozen=True, slots=True)
class Restored:
    """A file that is back, at `path`."""

    id: int
    path: Path


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that stays where it is, and why. `id`: its entry, if it was to be put back."""

    path: Path | None
    reason: str
    id: int | None = None


@dataclass(frozen=True, slots=True)
class InTrash:
    """An entry of the trash. `file`: where it lies now, where that is known; `trashed`: UTC."""

    id: int
    path: Path
    trashed: str
    standing: Standing
    file: Path | None
    size: int
