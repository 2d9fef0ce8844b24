"""XMP, which photo software writes into pictures or beside them: where it lies, what it says.

Adobe XMP Specification, part 1 (properties as RDF) and part 3 (where it lies in each format).
Compressed blocks are not read, nor what a JPEG continues beyond its first 64 KiB. No tree is built
of a document: what is looked for is taken as it comes by, so a hostile one costs no memory.
"""

from collections.abc import Iterator

from albumen.library.containers import APP1, heif_item, jpeg_header, png_chunks, webp_chunks
from albumen.library.exif import Exif, exif_block

MAX_XMP = 1 << 20
"""Bytes; larger blocks (they hold previews or edit histories) are not read."""

MOST_TEXTS, LONGEST_TEXT = 10_000, 10_000
"""Of one property, and characters of one text; what goes beyond is left out."""

_JPEG_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
_TIFF_TAG = 0x02BC
_PNG_PREFIX = b"XML:com.adobe.xmp\0\0\0"

NAMESPACES = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xml": "http://www.w3.org/XML/1998/namespace",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "iptc": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "iptcext": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "microsoft": "http://ns.microsoft.com/photo/1.0/",
    "microsoft-region": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "albumen": "https://albumen.invalid/ns/1.0/",
}


def name(prefixed: str) -> str:
    """`dc:subject` as ElementTree spells it."""
    prefix, _, local = prefixed.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


DATES = (name("exif:DateTimeOriginal"), name("photoshop:DateCreated"), name("xmp:CreateDate"))
"""When the picture may have been taken, best first."""

_FACES = (name("mwg-rs:Name"), name("microsoft-region:PersonDisplayName"))
_SUBJECTS = (name("dc:subject"), name("microsoft:LastKeywordXMP"), name("iptcext:PersonInImage"))
KEYWORDS = _SUBJECTS + _FACES
HIERARCHIES = (name("lr:hierarchicalSubject"), name("digiKam:TagsList"))
TITLES = (name("dc:title"), name("photoshop:Headline"))
CAPTION = name("dc:description")
PLACES = (
    name("iptc:Location"),
    name("photoshop:City"),
    name("photoshop:State"),
    name("photoshop:Country"),
)
RATING, RATING_OF_HUNDRED = name("xmp:Rating"), name("microsoft:Rating")
BY_MODEL = name("albumen:byModel")
"""Those of a sidecar's keywords that no person chose; see `albumen tags export`."""

TOOLKIT = name("x:xmptk")
"""Which program wrote it, an attribute of the outermost element."""

_ALONE = (CAPTION, RATING, RATING_OF_HUNDRED, BY_MODEL, TOOLKIT)
_LOOKED_FOR = frozenset((*DATES, *KEYWORDS, *HIERARCHIES, *TITLES, *PLACES, *_ALONE))
_RDF, _ITEM, _LANG = name("rdf:RDF"), name("rdf:li"), name("xml:lang")


class XmpError(Exception):
    """Why a block is no XMP, in a phrase."""


class Properties:
    """Takes the properties that we look for as the parser meets them.

    RDF has four forms of one: an attribute, an element's text, and a list or a choice of languages
    below it, of which the default comes first.
    """

    def __init__(self) -> None:
        self.is_xmp = False
        self._found: dict[str, list[str]] = {}
        self._open: str | None = None  # the property whose element began
        self._depth = 0  # of elements inside it
        self._items: list[tuple[bool, str]] = []
        self._text: list[str] = []
        self._length = 0

    def texts(self, wanted: str) -> list[str]:
        """The values of a property, wherever it stands."""
        return self._found.get(wanted, [])

    def dates(self) -> list[str]:
        """The texts of the dates at which the picture may have been taken, best first."""
        return [text for wanted in DATES for text in self.texts(wanted)[:1]]

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self.is_xmp |= tag == _RDF
        for wanted in _LOOKED_FOR.intersection(attributes):
            self._keep(wanted, attributes[wanted])
        if self._open is not None:
            self._depth += 1
            if tag == _ITEM:
                self._begin_text()
                self._in_default = attributes.get(_LANG) in (None, "x-default")
        elif tag in _LOOKED_FOR:
            self._open, self._depth, self._items = tag, 0, []
            self._begin_text()

    def data(self, text: str) -> None:
        """A piece of text."""
        if self._open is not None and self._length < LONGEST_TEXT:
            self._text.append(text[: LONGEST_TEXT - self._length])
            self._length += len(text)

    def end(self, tag: str) -> None:
        """An element ends."""
        if self._open is None:
            return
        if self._depth:
            self._depth -= 1
            if tag == _ITEM and len(self._items) < MOST_TEXTS:
                self._items.append((not self._in_default, "".join(self._text)))
            return
        self._items.sort(key=lambda item: item[0])
        for text in [text for _, text in self._items] or ["".join(self._text)]:
            self._keep(self._open, text)
        self._open = None

    def close(self) -> None:
        """The document ends."""

    def _begin_text(self) -> None:
        self._text, self._length = [], 0

    def _keep(self, wanted: str, text: str) -> None:
        texts = self._found.setdefault(wanted, [])
        if (plain := text[:LONGEST_TEXT].strip()) and len(texts) < MOST_TEXTS:
            texts.append(plain)


def parse(block: bytes) -> Properties:
    """What a block says; raises XmpError. Nothing in it is expanded or fetched."""
    import defusedxml.ElementTree
    from defusedxml import DefusedXmlException

    properties = Properties()
    try:
        parser = defusedxml.ElementTree.DefusedXMLParser(target=properties)
        parser.feed(block.strip(b"\0 \r\n\t"))
        parser.close()
    except DefusedXmlException as error:
        raise XmpError("it declares entities, which no photo software does") from error
    except SyntaxError as error:  # the parser's own
        raise XmpError(f"it is no well-formed XML ({error})") from error
    except Exception as error:  # odd encodings
        raise XmpError(f"it is no XML ({error})") from error
    if not properties.is_xmp:
        raise XmpError("it is XML, but not XMP")
    return properties


def of(data: bytes) -> Properties:
    """What a picture's own XMP says; nothing where there is none that can be read."""
    block = xmp_block(data)
    try:
        return parse(block) if block else Properties()
    except XmpError:
        return Properties()


def xmp_dates(data: bytes) -> list[str]:
    """The texts of the dates in a picture's own XMP, best first."""
    return of(data).dates()


def xmp_block(data: bytes) -> bytes | None:
    """The XMP packet of a JPEG, PNG, WebP, HEIF, AVIF or TIFF."""
    if data[:2] in (b"II", b"MM"):
        value = Exif(exif_block(data)).get(_TIFF_TAG)
        return value if isinstance(value, bytes) and len(value) <= MAX_XMP else None
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
