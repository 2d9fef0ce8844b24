"""Small albums of real photos and their edits, and what is found in them."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from albumen import duplicates, packs
from albumen.library import indexing
from albumen.library.home import Home
from albumen.library.store import Store

LEVELS = ("same-picture",)


def photo(folder: Path, name: str, height: int = 240) -> Image.Image:
    """A sample photo, made smaller so that tests are quick."""
    picture = Image.open(folder / name).convert("RGB")
    return picture.resize((round(picture.width * height / picture.height), height))


def save(picture: Image.Image, path: Path, *, taken: str | None = None, quality: int = 90) -> Path:
    """Written as the suffix says; with `taken`, as if a camera had."""
    exif = Image.Exif()
    if taken:
        exif[0x0110] = "Test camera"
        exif.get_ifd(0x8769)[0x9003] = taken
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=quality, exif=exif)
    return path


def take_in(home: Home, folder: Path) -> packs.Pack:
    """Index and place; returns the fingerprint's pack."""
    fingerprint = packs.open_pack("fingerprint", threads=1)
    indexing.index(home, [folder], None, fingerprint=fingerprint)
    with Store.open(home) as store:
        duplicates.place(store, fingerprint.id)
    return fingerprint


def groups(home: Home, levels=LEVELS, prefer=()) -> list[list[str]]:
    """Names of the files of each group, the keeper first, the others sorted."""
    fingerprint = packs.open_pack("fingerprint", threads=1)
    with Store.open(home) as store:
        found = list(duplicates.groups(store, fingerprint.id, levels, prefer))
    names = [[member.path.name for member in group.photos] for group in found]
    return sorted([first, *sorted(rest)] for first, *rest in names)


def sent(picture: Image.Image, quality: int = 40) -> Image.Image:
    """As a messenger sends it: smaller, through JPEG."""
    file = io.BytesIO()
    picture.resize((picture.width // 2, picture.height // 2)).save(file, "JPEG", quality=quality)
    return Image.open(file)


def crop(picture: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    """A part, in shares of width and height."""
    box = np.array([left, top, right, bottom]) * np.tile(picture.size, 2)
    return picture.crop(tuple(int(side) for side in box))
