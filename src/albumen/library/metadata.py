"""When, where and with what a photo was taken, from the best of what the file says.

The date comes from EXIF, else from XMP or IPTC (one standard in two forms), else from the file's
name, else from its modification time; a date that can't be (no such day, 1900 or before, beyond
next year) counts as absent.
Every block is read on its own: one that is damaged costs what it says, and nothing else.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from albumen.library import iptc
from albumen.library.exif import EXIF_IFD, GPS_IFD, Exif, exif_block
from albumen.library.records import Metadata
from albumen.library.xmp import xmp_dates

_MAKE, _MODEL = 0x010F, 0x0110
# Each date with the tag that holds its distance from UTC, best first; the last two are the
# moment of scanning and of the last change, for want of better.
_EXIF_DATES = ((EXIF_IFD, 0x9003, 0x9011), (EXIF_IFD, 0x9004, 0x9012), (None, 0x0132, 0x9010))

_OLDEST_YEAR = 1901

_DATE = re.compile(
    r"\s*(\d{4})[-:/.](\d{1,2})[-:/.](\d{1,2})"
    r"(?:[T\s]+(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?:\.\d+)?\s*(Z|[-+]\d\d:?\d\d)?)?"
)
_OFFSET = re.compile(r"\s*([-+])(\d\d):?(\d\d)")

_NAMED = re.compile(
    r"(?<!\d)((?:19|20)\d\d)([-_.]?)(\d\d)\2(\d\d)"  # 20240501, 2024-05-01, 2024_05_01
    r"(?:(?:[-_ T.]|,? at |, )(\d\d)[-_.:h]?(\d\d)[-_.:m]?(\d\d)(?:\s?([AP]M))?|(?!\d))",
    re.IGNORECASE,
)
"""A date in a name, with or without time: IMG_20240501_102030, 2024-05-01 10.20.30,
IMG-20240501-WA0001, Screenshot_2024-05-01-10-20-30, PXL_20240501_102030123."""


@dataclass(frozen=True, slots=True)
class _Date:
    source: Literal["exif", "xmp", "name", "mtime"]
    taken: str
    offset: str | None = None


def read(data: bytes, *, name: str, mtime_ns: int) -> Metadata:
    """The metadata of a file with these bytes, this name and this modification time.

    Never raises: what can't be read is None (`orientation`: 1).
    """
    exif = Exif(exif_block(data))
    date = next(_dates(data, exif, name, mtime_ns), None)
    latitude, longitude = _position(exif) or (None, None)
    return Metadata(
        taken=date.taken if date else None,
        taken_source=date.source if date else None,
        offset=date.offset if date else None,
        latitude=latitude,
        longitude=longitude,
        camera=_camera(exif),
        orientation=exif.orientation,
    )


def date_of(texts: Iterable[str]) -> str | None:
    """The first of these texts that is a date which can be, as local time in ISO form."""
    return next((date.taken for text in texts for date in _parsed("xmp", text)), None)


def _dates(data: bytes, exif: Exif, name: str, mtime_ns: int) -> Iterator[_Date]:
    """All dates that can be, best first."""
    for directory, tag, offset_tag in _EXIF_DATES:
        offset = _text(exif.get(offset_tag, EXIF_IFD))
        yield from _parsed("exif", _text(exif.get(tag, directory)), offset)
    for text in [*xmp_dates(data), iptc.date(iptc.read(data))]:
        yield from _parsed("xmp", text or "")
    yield from _named(name)
    yield from _modified(mtime_ns)


def _parsed(source: Literal["exif", "xmp"], text: str, offset: str = "") -> Iterator[_Date]:
    match = _DATE.match(text)
    if match:
        numbers = [int(group or 0) for group in match.groups()[:6]]
        yield from _possible(source, numbers, _offset(match[7] or offset))


def _possible(
    source: Literal["exif", "xmp", "name", "mtime"], numbers: Sequence[int], offset: str | None
) -> Iterator[_Date]:
    """The date with these six numbers, if there is such a moment and photos could be of it."""
    try:
        moment = datetime(*numbers)  # type: ignore[arg-type]
    except ValueError:
        return
    if _OLDEST_YEAR <= moment.year <= datetime.now().year + 1:
        yield _Date(source, moment.isoformat(), offset)


def _offset(text: str) -> str | None:
    """A distance from UTC as "+02:00", None for nonsense."""
    if text.strip() == "Z":
        return "+00:00"
    match = _OFFSET.match(text)
    if not match or int(match[2]) > 14 or int(match[3]) > 59:
        return None
    return f"{match[1]}{match[2]}:{match[3]}"


def _named(name: str) -> Iterator[_Date]:
    for match in _NAMED.finditer(name):
        year, _, month, day, *time, half = match.groups()
        hour, minute, second = (int(part or 0) for part in time)
        if half:
            hour = hour % 12 + (12 if half.upper() == "PM" else 0)
        offset = "+00:00" if name.startswith("PXL_") and time[0] else None  # Pixels count in UTC
        yield from _possible(
            "name", (int(year), int(month), int(day), hour, minute, second), offset
        )


def _modified(mtime_ns: int) -> Iterator[_Date]:
    """The modification time, in this machine's time zone. Zero is what a lost one looks like."""
    try:
        moment = datetime.fromtimestamp(mtime_ns // 1_000_000_000)
    except (ValueError, OverflowError, OSError):
        return
    if mtime_ns > 0:
        yield from _possible("mtime", moment.timetuple()[:6], None)


def _position(exif: Exif) -> tuple[float, float] | None:
    """Latitude and longitude in degrees. (0, 0), in the open sea, is what a lost fix looks like."""
    latitude = _degrees(exif.get(2, GPS_IFD), _text(exif.get(1, GPS_IFD)), "NS", 90)
    longitude = _degrees(exif.get(4, GPS_IFD), _text(exif.get(3, GPS_IFD)), "EW", 180)
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None
    return latitude, longitude


def _degrees(value: Any, side: str, sides: str, most: float) -> float | None:
    """Degrees, minutes and seconds as one signed number, None if any of it is nonsense."""
    side = side[:1].upper()
    if not side or side not in sides:
        return None
    try:
        parts = [float(part) for part in (value if isinstance(value, tuple) else (value,))]
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    degrees = sum((part / float(60**power) for power, part in enumerate(parts[:3])), 0.0)
    if not parts or not all(0 <= part < math.inf for part in parts) or degrees > most:
        return None
    return round(-degrees if side == sides[1] else degrees, 7)


_COMPANY = re.compile(
    r"[\s,]+(corporation|corp|company|co|ltd|inc|imaging|optical|camera|electronics|gmbh|ag)\b.*",
    re.IGNORECASE,
)


def _camera(exif: Exif) -> str | None:
    """Make and model as one name, the make once: "NIKON CORPORATION", "NIKON D70": NIKON D70."""
    make = _COMPANY.sub("", _text(exif.get(_MAKE)))
    model = _text(exif.get(_MODEL))
    if model.lower().startswith(tuple(make.lower().split())):
        make = ""
    return " ".join(f"{make} {model}".split())[:100] or None


def _text(value: object) -> str:
    """A tag's text up to the first null, without what can't be printed."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    if not isinstance(value, str):
        return ""
    text = value[:200].partition("\0")[0]
    return "".join(c if c.isprintable() else " " for c in text).strip()
