"""Base pictures, their edits, bursts and others as files of an album; which of them are copies."""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench import _bursts
from bench._edits import KINDS, Kind
from blake3 import blake3
from PIL import Image

LEAST_SIDE = 128
"""Smaller originals (64 pixels in one of the sets) are no photos of anybody's."""


@dataclass(frozen=True)
class Base:
    """A picture: its key, where it is from, what it shows (None: not said), its JPEG."""

    key: str
    source: str
    label: str | None
    jpeg: bytes


@dataclass(frozen=True)
class File:
    """A file of the album. `base`: the key of the picture that it shows.

    `kind`, `grade`: how it was edited; None and 0 for the picture itself. `burst`: of which burst
    of the table it is, `scene`: what it shows another moment of.
    """

    path: Path
    base: str
    kind: str | None = None
    grade: float = 0
    burst: str | None = None
    scene: str | None = None


def pictures(shards: list[Path]) -> Iterator[Base]:
    """The pictures of WebDataset shards, but for the smallest."""
    for shard in shards:
        with tarfile.open(shard) as tar:
            jpeg = b""
            for member in tar:
                data = tar.extractfile(member).read()
                if member.name.endswith(".jpg"):
                    jpeg = data
                elif member.name.endswith(".json"):
                    about = json.loads(data)
                    if min(Image.open(io.BytesIO(jpeg)).size) >= LEAST_SIDE:
                        key = member.name[: -len(".json")]
                        yield Base(key, about["source"], about.get("label"), jpeg)


def drawn(*parts: object) -> np.random.Generator:
    """A generator that depends on nothing but these words."""
    digest = blake3("/".join(map(str, parts)).encode()).digest(8)
    return np.random.default_rng(int.from_bytes(digest, "big"))


def chosen(bases: list[Base], count: int) -> list[Base]:
    """`count` bases, of each source by turns, so that no collection outweighs the others."""
    by_source: dict[str, list[Base]] = {}
    for base in sorted(bases, key=lambda base: drawn("base", base.key).random()):
        by_source.setdefault(base.source, []).append(base)
    turns = [
        queue[turn] for turn in range(count) for queue in by_source.values() if turn < len(queue)
    ]
    return turns[:count]


def album(folder: Path, bases: list[Base], others: list[Base], each: int) -> list[File]:
    """Bases with `each` edits of every one, and the other pictures as they are, written to files.

    The grades of all kinds are dealt out in turn, so that each comes about equally often. What lies
    there already is not written again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    deck = [(kind, grade) for kind in KINDS for grade in kind.grades]
    order = drawn("deck").permutation(len(deck))
    files, dealt = [], 0
    for base in bases:
        picture = Image.open(io.BytesIO(base.jpeg)).convert("RGB")
        files.append(_original(folder, base))
        for _ in range(each):
            kind, grade = deck[order[dealt % len(deck)]]
            dealt += 1
            data, suffix = edited(picture, base.key, kind, grade)
            path = folder / _plain(f"{base.key} {kind.name} {grade:g}{suffix}")
            if not path.exists():
                path.write_bytes(data)
            files.append(File(path, base.key, kind.name, grade))
    return files + [_original(folder, other) for other in others]


def bursts(folder: Path, of: list[Base], mirrors: Path | None) -> list[File]:
    """Frames of real bursts, and for each of the pictures what was seen moments later."""
    files = []
    for frame in _bursts.real(mirrors):
        path = folder / _plain(f"{frame.name}.jpg")
        if not path.exists():
            path.write_bytes(frame.jpeg())
        files.append(File(path, frame.name, burst=frame.burst, scene=frame.scene))
    for base in of:
        picture = Image.open(io.BytesIO(base.jpeg)).convert("RGB")
        for move in _bursts.MOVES:
            name = f"{base.key} {move.name}"
            path = folder / _plain(f"{name}.jpg")
            if not path.exists():
                path.write_bytes(_bursts.generated(picture, move, drawn(base.key, move.name)))
            files.append(File(path, name, burst=move.name, scene=base.key))
    return files


def edited(picture: Image.Image, key: str, kind: Kind, grade: float) -> tuple[bytes, str]:
    """The file of one edit."""
    return kind.save(kind.edit(picture, grade, drawn(key, kind.name, grade)), grade)


def _original(folder: Path, base: Base) -> File:
    path = folder / _plain(f"{base.key}.jpg")
    if not path.exists():
        path.write_bytes(base.jpeg)
    return File(path, base.key, scene=base.key)


def _plain(name: str) -> str:
    return name.replace("/", "_")
