"""Photos and sidecars with words in them, made in view."""

import struct
from io import BytesIO

from PIL import Image
from tests.library.albums import jpeg

XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/"
    xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
    xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"
    {attributes}>
   {properties}
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""

BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>
<x:xmpmeta xmlns:x="adobe:ns:meta/">&d;&d;&d;&d;</x:xmpmeta>"""


def xmp(properties: str = "", attributes: str = "") -> bytes:
    """An XMP packet with these properties."""
    return XMP.format(properties=properties, attributes=attributes).encode()


def keywords(*names: str, property: str = "dc:subject") -> str:
    """A property as a bag."""
    items = "".join(f"<rdf:li>{name}</rdf:li>" for name in names)
    return f"<{property}><rdf:Bag>{items}</rdf:Bag></{property}>"


def segment(marker: int, content: bytes) -> bytes:
    """A segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segment(data: bytes, marker: int, content: bytes) -> bytes:
    """The JPEG with a segment more, in front of the others."""
    return data[:2] + segment(marker, content) + data[2:]


def with_xmp(data: bytes, packet: bytes) -> bytes:
    """The JPEG with this XMP."""
    return with_segment(data, 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)


def iim(*fields: tuple[int, int, bytes]) -> bytes:
    """IPTC-IIM: (record, dataset, value) one after the other."""
    return b"".join(struct.pack(">BBBH", 0x1C, r, d, len(v)) + v for r, d, v in fields)


def with_iptc(data: bytes, block: bytes) -> bytes:
    """The JPEG with these IPTC fields, as Photoshop writes them."""
    resource = b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(block)) + block
    return with_segment(data, 0xED, b"Photoshop 3.0\0" + resource + b"\0" * (len(block) % 2))


def with_windows_words(keywords: str, comment: str, stars: int) -> bytes:
    """A photo whose properties were filled in by Windows' Explorer."""
    exif = Image.Exif()
    exif[0x9C9E] = keywords.encode("utf-16-le") + b"\0\0"
    exif[0x9C9C] = comment.encode("utf-16-le") + b"\0\0"
    exif[0x4746] = stars
    file = BytesIO()
    Image.open(BytesIO(jpeg(1))).save(file, "JPEG", exif=exif)
    return file.getvalue()
