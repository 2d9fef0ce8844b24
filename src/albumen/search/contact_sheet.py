"""Answers as one HTML page that needs nothing else: open it from disk, mail it, keep it.

Small copies of the photos are embedded, so that the page survives when they move; each links to its
original. No script, nothing loaded from anywhere (the page forbids it to itself).
"""

import base64
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from albumen.search.answer import Answer, Result

if TYPE_CHECKING:
    from albumen.library.decode import DecodeWorkers
    from albumen.library.store import Store

THUMBNAIL_HEIGHT = 360  # pixels: sharp at the page's row height on a dense screen
MOST_CARDS = 500  # some 10 MB; a browser shows more only slowly
WIDEST = 3.0  # width to height: a panorama does not take more of a row than this


@dataclass(frozen=True, slots=True)
class Card:
    """One photo on the sheet. `picture`: uint8 (H, W, 3) upright, None where it cannot be read."""

    paths: tuple[Path, ...]  # at least one; further ones are copies of the same photo
    picture: NDArray[np.uint8] | None
    score: float
    taken: str | None  # local time in ISO form
    match: bool = True


def write(file: Path, answers: Iterable[Answer], store: "Store") -> None:
    """Write a page with a section for each answer; raises OSError where that is not possible."""
    from albumen.library.decode import DecodeWorkers

    with DecodeWorkers(1) as workers:
        sections = [
            (answer.query.subject, _note(answer), _cards(answer, store, workers))
            for answer in answers
        ]
        file.write_text(render(sections), "utf-8", errors="backslashreplace")


def render(sections: Iterable[tuple[str, str, Iterable[Card]]]) -> str:
    """The page of sections (heading, note, cards); encode it with `errors="backslashreplace"`."""
    headings, parts = [], []
    for heading, note, cards in sections:
        headings.append(heading)
        figures = "\n".join(_figure(card) for card in cards)
        parts.append(
            f"<section>\n<header><h1>{escape(heading)}</h1><p>{escape(note)}</p></header>\n"
            f'<div class="photos">\n{figures}\n</div>\n</section>'
        )
    page = Template(files("albumen.search").joinpath("contact_sheet.html").read_text("utf-8"))
    return page.substitute(title=escape(" · ".join(headings)), sections="\n".join(parts))


def _note(answer: Answer) -> str:
    found, shown = len(answer.results), min(len(answer.results), MOST_CARDS)
    photos = f"{shown} photo{'s' * (shown != 1)}"
    cut = f" of {found}" if found > shown else ""
    parts = [f"{photos}{cut}, most alike first", *answer.query.filters, f"pack {answer.pack}"]
    matching = sum(result.match for result in answer.results)
    if matching < found:
        parts.insert(1, f"{matching} of them match")
    return " · ".join(parts)


def _cards(answer: Answer, store: "Store", workers: "DecodeWorkers") -> Iterator[Card]:
    for result in answer.results[:MOST_CARDS]:
        photo = store.photo(result.photo)
        taken = photo.metadata.taken if photo else None
        picture = _picture(result, workers)
        yield Card(result.paths, picture, result.score, taken, result.match)


def _picture(result: Result, workers: "DecodeWorkers") -> NDArray[np.uint8] | None:
    """The photo at about its thumbnail's size, from the first of its places that can be read."""
    from albumen.library import decode

    for path in result.paths:
        try:
            data = path.read_bytes()
            return decode.decode(data, short_side=THUMBNAIL_HEIGHT, workers=workers).pixels
        except (OSError, decode.DecodeError):
            continue
    return None


def _figure(card: Card) -> str:
    first, *copies = card.paths
    if card.picture is None:
        ratio, picture = 1.5, '<span class="missing">this photo cannot be read</span>'
    else:
        height, width = card.picture.shape[:2]
        ratio = min(width / height, WIDEST)
        picture = f'<img src="{_thumbnail(card.picture)}" alt="{_name(Path(first.name))}">'
    day = escape(card.taken[:10]) if card.taken else "no date"
    links = "".join(f'<li><a href="{_url(p)}">{_name(p)}</a></li>' for p in copies)
    noun = "copy" if len(copies) == 1 else "copies"
    also = f"<details><summary>{len(copies)} {noun}</summary><ul>{links}</ul></details>"
    return (
        f'<figure{"" if card.match else " class=other"} style="--ratio:{ratio:.3f}">'
        f'<a class="picture" href="{_url(first)}" title="{_name(first)}">{picture}</a>'
        f"<figcaption><b>{card.score:.3f}</b> <time>{day}</time> "
        f"{'' if card.match else 'no match '}"
        f'<span class="name">{_name(Path(first.name))}</span>'
        f'<span class="folder" title="{_name(first)}">{_name(first.parent)}</span>'
        f"{also if copies else ''}</figcaption></figure>"
    )


def _name(path: Path) -> str:
    return escape(os.fsencode(path).decode("utf-8", "backslashreplace"))


def _url(path: Path) -> str:
    return "file://" + quote(os.fsencode(path))


def _thumbnail(picture: NDArray[np.uint8]) -> str:
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail((round(THUMBNAIL_HEIGHT * WIDEST), THUMBNAIL_HEIGHT), Image.Resampling.LANCZOS)
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=80, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.getvalue()).decode()
