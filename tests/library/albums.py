"""Folders of small photos made in view, and short ways to index them and look at the result."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from albumen.library import indexing
from albumen.library.home import Home
from albumen.library.indexing import Event, Summary
from albumen.library.store import Store
from albumen.packs import Pack


def jpeg(seed: int, *, size: tuple[int, int] = (64, 48), taken: str | None = None) -> bytes:
    """A photo like no other: coarse colours, blown up, with a date in its EXIF if wanted."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    exif = Image.Exif()
    if taken:
        exif[0x0132] = taken
    file = BytesIO()
    image.save(file, "JPEG", quality=90, exif=exif)
    return file.getvalue()


def album(folder: Path, count: int, *, first: int = 0) -> Path:
    """A folder of `count` photos, no two alike, a tenth of them in sub-folders."""
    for n in range(first, first + count):
        place = folder / f"more-{n % 3}" if n % 10 == 9 else folder
        place.mkdir(parents=True, exist_ok=True)
        (place / f"photo-{n:05}.jpg").write_bytes(jpeg(n, taken="2024:05:01 10:20:30"))
    return folder


def index(home: Home, *paths: Path, pack: Pack | None = None, **options: Any) -> Summary:
    """One run."""
    return indexing.index(home, paths, pack, **options)


def counts(summary: Summary) -> dict[str, int]:
    """What is not zero in a summary, without the seconds."""
    names = ("indexed", "unchanged", "moved", "removed", "skipped", "failed")
    return {name: getattr(summary, name) for name in names if getattr(summary, name)}


def problems(home: Home) -> dict[str, tuple[str, str, str]]:
    """Stage, status and reason by the name of the file."""
    with Store.open(home) as store:
        return {p.path.name: (p.stage, p.status, p.reason) for p in store.problems()}


def state(home: Home) -> list[tuple[Any, ...]]:
    """All that a library says of photos that are there; ids and times of writing left out."""
    with Store.open(home) as store:
        return list(
            store.db.execute(
                """SELECT r.path, l.relative, l.size, l.mtime_ns, p.content_hash, p.image_hash,
                     p.status, p.width, p.height, p.taken, k.key, e.vector
                   FROM location l JOIN root r ON r.id = l.root LEFT JOIN photo p ON p.id = l.photo
                   LEFT JOIN embedding e ON e.photo = p.id LEFT JOIN pack k ON k.id = e.pack
                   WHERE l.gone IS NULL ORDER BY 1, 2, 11"""
            )
        )


def events_of(kind: type[Event], events: list[Event]) -> list[Any]:
    """Those of one kind."""
    return [event for event in events if isinstance(event, kind)]


_watched: list[tuple[bytes, list[bytes]]] = []


def _note_open(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _watched and isinstance(arguments[0], str | bytes):
        path = os.fsencode(arguments[0])
        for folder, opened in _watched:
            if path.startswith(folder + b"/"):
                opened.append(path)


sys.addaudithook(_note_open)


@contextmanager
def files_opened(folder: Path) -> Iterator[list[bytes]]:
    """The files under a folder that Python opens meanwhile, by whatever call (an audit hook)."""
    watch: tuple[bytes, list[bytes]] = (os.fsencode(folder), [])
    _watched.append(watch)
    try:
        yield watch[1]
    finally:
        _watched.remove(watch)
