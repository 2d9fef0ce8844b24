"""The dates in a picture's XMP, the block that photo software writes.

Adobe XMP Specification, part 3 (where it lies in each format). Compressed blocks and sidecar
files are not read.
"""

from collections.abc import Iterator

from albumen.library.containers import APP1, heif_item, jpeg_header, png_chunks, webp_chunks

MAX_XMP = 1 << 20
"""Bytes; larger blocks (they hold previews or edit histories) are not read."""

_JPEG_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
_PNG_PREFIX = b"XML:com.adobe.xmp\0\0\0"

_DATES = (
    "{http://ns.adobe.com/exif/1.0/}DateTimeOriginal",
    "{http://ns.adobe.com/photoshop/1.0/}DateCreated",
    "{http://ns.adobe.com/xap/1.0/}CreateDate",
)


def xmp_dates(data: bytes) -> list[str]:
    """The texts of the dates at which the picture may have been taken, best first."""
    import defusedxml.ElementTree

    block = xmp_block(data)
    if block is None:
        return []
    dates = _Dates()
    try:
        parser = defusedxml.ElementTree.DefusedXMLParser(target=dates)
        parser.feed(block.strip(b"\0 \r\n\t"))
        parser.close()
    except Exception:  # the parser's own errors, refused entities, odd encodings
        return []
    return [dates.found[name] for name in _DATES if dates.found.get(name)]


class _Dates:
    """Takes the dates as they come by, attributes or elements, and builds no tree of the rest."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._open: str | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self._open = tag if tag in _DATES and tag not in self.found else None
        for name in _DATES:
            if name in attributes:
                self.found.setdefault(name, attributes[name])

    def data(self, text: str) -> None:
        """A piece of the text of the element that began last."""
        if self._open is not None:
            self.found[self._open] = (self.found.get(self._open, "") + text)[:100].strip()

    def end(self, tag: str) -> None:
        """An element ends."""
        self._open = None

    def close(self) -> None:
        """The document ends."""


def xmp_block(data: bytes) -> bytes | None:
    """The XMP packet of a JPEG, PNG, WebP, HEIF or AVIF."""
    for start, end in _places(data):
        if end - start <= MAX_XMP:
            return data[start:end]
    return None


def _places(data: bytes) -> Iterator[tuple[int, int]]:
    if data.startswith(b"\xff\xd8"):
        for name, start, end in jpeg_header(data):
            if name[0] == APP1 and data.startswith(_JPEG_PREFIX, start):
                yield start + len(_JPEG_PREFIX), end
    elif data.startswith(b"\x89PNG"):
        for name, start, end in png_chunks(data):
            if name == b"iTXt" and data.startswith(_PNG_PREFIX, start):
                yield start + len(_PNG_PREFIX) + 2, end
    elif data.startswith(b"RIFF"):
        yield from ((start, end) for name, start, end in webp_chunks(data) if name == b"XMP ")
    elif data[4:8] == b"ftyp" and (item := heif_item(data, b"mime")) is not None:
        yield item.start, item.end
