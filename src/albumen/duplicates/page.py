"""Groups of copies side by side, as one HTML page that needs nothing else and runs no script."""

import base64
import io
import os
from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING
from urllib.parse import quote

from albumen.duplicates.levels import DuplicateGroup, Member

if TYPE_CHECKING:
    from albumen.library.decode import DecodeWorkers

HEIGHT, WIDTH = 200, 260  # pixels
MOST_GROUPS = 200  # some 10 MB
MOST_PHOTOS = 24  # of one group

HEADINGS = {
    "identical": ("Identical", "the same bytes, or the same image with other metadata"),
    "same-picture": ("The same picture", "in another size, format, crop, orientation or colour"),
    "same-moment": ("The same moment", "different photos, taken within seconds; not copies"),
}


def write(file: Path, groups: Sequence[DuplicateGroup]) -> None:
    """Write the page of the first MOST_GROUPS groups; raises OSError where that is not possible."""
    from albumen.library.decode import DecodeWorkers

    with DecodeWorkers(1) as workers:
        sections = [
            _level(level, [_section(group, workers) for group in some])
            for level, some in groupby(groups[:MOST_GROUPS], key=lambda group: group.level)
        ]
    page = Template(files("albumen.duplicates").joinpath("page.html").read_text("utf-8"))
    text = page.substitute(note=_note(groups), sections="\n".join(sections))
    file.write_text(text, "utf-8", errors="backslashreplace")


def _note(groups: Sequence[DuplicateGroup]) -> str:
    shown = min(len(groups), MOST_GROUPS)
    cut = f"the first {shown} of " if len(groups) > shown else ""
    return f"{cut}{len(groups)} group{'s' * (len(groups) != 1)}; the photo to keep comes first"


def _level(level: str, sections: Iterable[str]) -> str:
    heading, meaning = HEADINGS[level]
    parts = "\n".join(sections)
    return f'<h2>{heading}</h2><p class="note">{meaning}</p>\n{parts}'


def _section(group: DuplicateGroup, workers: "DecodeWorkers") -> str:
    figures = [
        _figure(member, workers, keep=number == 0)
        for number, member in enumerate(group.photos[:MOST_PHOTOS])
    ]
    more = len(group.photos) - MOST_PHOTOS
    also = f'<p class="note">and {more} more</p>' if more > 0 else ""
    return (
        f'<section><p class="why">Keep the first: {escape(group.reason)}.</p>\n'
        f'<div class="photos">\n{"".join(figures)}\n</div>{also}</section>'
    )


def _figure(member: Member, workers: "DecodeWorkers", *, keep: bool) -> str:
    path = member.path
    picture = _thumbnail(path, workers)
    shown = (
        f'<img src="{picture}" alt="{_text(path.name)}">'
        if picture
        else "<span>this photo cannot be read</span>"
    )
    said = "keep" if keep else f"{member.similarity:.2f}"
    return (
        f"<figure{' class=keep' if keep else ''}>"
        f'<a class="picture" href="file://{quote(os.fsencode(path))}">{shown}</a>'
        f'<figcaption><b>{said}</b><span class="name">{_text(path.name)}</span>'
        f'<span class="folder">{_text(str(path.parent))}</span></figcaption></figure>\n'
    )


def _text(name: str) -> str:
    return escape(os.fsencode(name).decode("utf-8", "backslashreplace"))


def _thumbnail(path: Path, workers: "DecodeWorkers") -> str | None:
    """The photo as a small JPEG in a data address; None where it cannot be read."""
    from PIL import Image

    from albumen.library import decode

    try:
        pixels = decode.decode(path.read_bytes(), short_side=HEIGHT, workers=workers).pixels
    except (OSError, decode.DecodeError):
        return None
    image = Image.fromarray(pixels)
    image.thumbnail((2 * WIDTH, 2 * HEIGHT), Image.Resampling.LANCZOS)
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.getvalue()).decode()
