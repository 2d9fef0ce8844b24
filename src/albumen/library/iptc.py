"""What press and photo software writes into a JPEG or TIFF as IPTC-IIM, the older of two ways.

IPTC-NAA Information Interchange Model 4.2: datasets of record 2 in Photoshop's resource 0x0404
(JPEG, segment APP13) or in the tag 33723 (TIFF). Pillow reads resources and fields.
"""

import struct
from io import BytesIO

from albumen.library.containers import jpeg_header
from albumen.library.exif import Exif, exif_block

APP13 = 0xED
MAX_FIELDS = 10_000
_PHOTOSHOP = b"Photoshop 3.0\0"
_TIFF_TAG, _JPEG_RESOURCE = 0x83BB, 0x0404

CODED_CHARACTER_SET, UTF8 = (1, 90), b"\x1b%G"
TITLE, KEYWORD, HEADLINE, CAPTION = (2, 5), (2, 25), (2, 105), (2, 120)
DATE, TIME = (2, 55), (2, 60)
PLACES = ((2, 92), (2, 90), (2, 95), (2, 101))  # part of a city, city, state, country

Fields = dict[tuple[int, int], list[str]]


def read(data: bytes) -> Fields:
    """The texts of every field; {} for a file without. Damage ends the reading, never raises."""
    try:
        raw = _fields(_block(data))
    except Exception:  # whatever a hostile block makes the readers raise, the photo counts
        return {}
    in_utf8 = raw.pop(CODED_CHARACTER_SET, [b""])[0] == UTF8
    return {key: [_text(value, in_utf8) for value in values] for key, values in raw.items()}


def date(fields: Fields) -> str | None:
    """When the picture was made, as "2024-05-01 10:20:30+0200"; it may be nonsense."""
    day = next(iter(fields.get(DATE, [])), "")
    if len(day) != 8:
        return None
    time = next(iter(fields.get(TIME, [])), "")
    clock = f" {time[:2]}:{time[2:4]}:{time[4:6]}{time[6:11]}" if len(time) >= 6 else ""
    return f"{day[:4]}-{day[4:6]}-{day[6:]}{clock}"


def _block(data: bytes) -> bytes:
    if data.startswith(b"\xff\xd8"):
        for name, start, _ in jpeg_header(data):
            if name[0] == APP13 and data.startswith(_PHOTOSHOP, start):
                return _resource(data)
        return b""
    exif = Exif(exif_block(data) if data[:2] in (b"II", b"MM") else None)
    value = exif.get(_TIFF_TAG)
    if isinstance(value, tuple):  # Photoshop calls its bytes 32-bit numbers
        order = "<" if data.startswith(b"II") else ">"
        return struct.pack(f"{order}{len(value)}I", *value)
    return value if isinstance(value, bytes) else b""


def _resource(data: bytes) -> bytes:
    from PIL.JpegImagePlugin import JpegImageFile

    with JpegImageFile(BytesIO(data)) as image:  # reads the header alone
        found = image.info.get("photoshop", {}).get(_JPEG_RESOURCE, b"")
    return found if isinstance(found, bytes) else b""


def _fields(block: bytes) -> dict[tuple[int, int], list[bytes]]:
    from PIL.IptcImagePlugin import IptcImageFile

    fields: dict[tuple[int, int], list[bytes]] = {}
    reader = IptcImageFile.__new__(IptcImageFile)  # not its pixels, which a block has none of
    reader.fp = file = BytesIO(block)
    for _ in range(MAX_FIELDS):
        try:
            tag, size = reader.field()
        except (SyntaxError, OSError, IndexError, struct.error):
            break
        if tag is None:
            break
        fields.setdefault(tag, []).append(file.read(size))
    return fields


def _text(value: bytes, in_utf8: bool) -> str:
    """Most writers that name no character set mean UTF-8; the rest, Western Europe's."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("utf-8" if in_utf8 else "cp1252", errors="replace")
