"""What a photo's file says of it in words: keywords, title, caption, places, rating.

From IPTC, XMP and EXIF inside the file, or from an XMP sidecar beside it. What can be read counts,
whatever is damaged beside it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from albumen.library import iptc, metadata, tag_name, xmp
from albumen.library.exif import Exif, exif_block
from albumen.library.records import LibraryError, Told

MOST_KEYWORDS = 1000
LONGEST_CAPTION = 10_000
LARGEST_SIDECAR = 16 << 20
"""Bytes; darktable's edit histories take some hundred kilobytes."""

_XP_TITLE, _XP_COMMENT, _XP_KEYWORDS = 0x9C9B, 0x9C9C, 0x9C9E  # Windows; UTF-16
_DESCRIPTION, _RATING = 0x010E, 0x4746

_BY_CAMERA = re.compile(r".*digital camera.*|sony dsc|exif_jpeg_picture|default", re.IGNORECASE)
"""Captions that cameras write by themselves."""

_INTERNAL = re.compile(r"darktable\|", re.IGNORECASE)
_LEVELS = re.compile(r"[|/]")  # "Places|Italy|Rome" (Lightroom), "Places/Italy/Rome" (digiKam)


class SidecarError(Exception):
    """Why a sidecar says nothing: one phrase for a person."""


@dataclass
class _Found:
    """What one source says, in its own order."""

    keywords: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    ratings: list[int] = field(default_factory=list)


def read(data: bytes) -> Told:
    """What the bytes of a photo say. Never raises; nothing said is an empty `Told`."""
    own = _of_xmp(xmp.of(data))
    return _together([own, _of_iptc(iptc.read(data)), _of_exif(Exif(exif_block(data)))], None)


def read_sidecar(data: bytes) -> Told:
    """What the bytes of an XMP sidecar say; raises SidecarError for what is no XMP."""
    try:
        said = xmp.parse(data)
    except xmp.XmpError as error:
        raise SidecarError(f"the sidecar cannot be read: {error}") from error
    found = _of_xmp(said)
    found.keywords = _without(found.keywords, said.texts(xmp.BY_MODEL))
    return _together([found], metadata.date_of(said.dates()))


def _of_xmp(said: xmp.Properties) -> _Found:
    keywords = [text for name in xmp.KEYWORDS for text in said.texts(name)]
    for text in (text for name in xmp.HIERARCHIES for text in said.texts(name)):
        if not _INTERNAL.match(text):
            keywords += _LEVELS.split(text)
    return _Found(
        keywords=keywords,
        titles=[text for name in xmp.TITLES for text in said.texts(name)],
        captions=said.texts(xmp.CAPTION),
        places=[text for name in xmp.PLACES for text in said.texts(name)],
        ratings=[
            *_stars(said.texts(xmp.RATING)),
            *_stars_of_hundred(said.texts(xmp.RATING_OF_HUNDRED)),
        ],
    )


def _of_iptc(fields: Mapping[tuple[int, int], Sequence[str]]) -> _Found:
    return _Found(
        keywords=list(fields.get(iptc.KEYWORD, ())),
        titles=[*fields.get(iptc.TITLE, ()), *fields.get(iptc.HEADLINE, ())],
        captions=list(fields.get(iptc.CAPTION, ())),
        places=[text for key in iptc.PLACES for text in fields.get(key, ())],
    )


def _of_exif(exif: Exif) -> _Found:
    caption = exif.get(_DESCRIPTION)
    return _Found(
        keywords=_windows(exif.get(_XP_KEYWORDS)).split(";"),
        titles=[_windows(exif.get(_XP_TITLE))],
        captions=[caption if isinstance(caption, str) else "", _windows(exif.get(_XP_COMMENT))],
        ratings=_stars([str(exif.get(_RATING))]),
    )


def _together(sources: Sequence[_Found], taken: str | None) -> Told:
    return Told(
        keywords=tuple(_keywords(text for found in sources for text in found.keywords)),
        title=_first(text for found in sources for text in found.titles),
        caption=_first(text for found in sources for text in found.captions),
        place=", ".join(_each_once(text for found in sources for text in found.places)) or None,
        rating=next((stars for found in sources for stars in found.ratings), None),
        taken=taken,
    )


def _keywords(texts: Iterable[str]) -> Iterator[str]:
    """As tags, each once; what can be no tag (too long, empty) is left out."""
    met: set[str] = set()
    for text in texts:
        try:
            name = tag_name.clean(text)
        except LibraryError:
            continue
        if tag_name.key(name) not in met and not _INTERNAL.match(name) and len(met) < MOST_KEYWORDS:
            met.add(tag_name.key(name))
            yield name


def _without(texts: Sequence[str], others: Iterable[str]) -> list[str]:
    left_out = {tag_name.key(text) for text in others}
    return [text for text in texts if tag_name.key(text) not in left_out]


def _first(texts: Iterable[str]) -> str | None:
    return next(
        (text for text in map(_plain, texts) if text and not _BY_CAMERA.fullmatch(text)), None
    )


def _each_once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in map(_plain, texts) if text))


def _plain(text: str) -> str:
    """Without control characters other than line breaks, without what is no character at all."""
    whole = text[:LONGEST_CAPTION].partition("\0")[0].encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() or c == "\n" else " " for c in whole).strip()


def _windows(value: Any) -> str:
    if isinstance(value, tuple) and all(isinstance(n, int) and 0 <= n < 256 for n in value):
        value = bytes(value)
    return (
        value.decode("utf-16-le", "replace").partition("\0")[0] if isinstance(value, bytes) else ""
    )


def _stars(texts: Iterable[str]) -> list[int]:
    """1 to 5; 0 says that there is none, -1 that the photo was rejected."""
    return [int(float(text)) for text in texts if re.fullmatch(r"[1-5](\.0*)?", text.strip())]


def _stars_of_hundred(texts: Iterable[str]) -> list[int]:
    """Windows counts 1, 25, 50, 75, 99."""
    numbers = [int(text) for text in texts if re.fullmatch(r"\d{1,2}", text.strip())]
    return [1 + (number + 13) // 25 for number in numbers if number]
