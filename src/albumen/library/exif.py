"""A picture's EXIF: where its block lies, and its tags, through Pillow's reader within bounds.

Pillow's reader takes a block from any container and decodes only the tags asked for. It copies
what an entry claims to hold, though, and entries may overlap: so their claims are added up first.
"""

import struct
import warnings
from collections.abc import Iterator
from typing import Any

from albumen.library.containers import APP1, heif_item, jpeg_header, png_chunks, webp_chunks

# Pillow warns on stderr of odd files; what matters of it comes as an error, with the file's name.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

MAX_BLOCK = 1 << 20
"""EXIF in JPEG is at most 64 KiB; elsewhere, a block beyond this is no camera's and is not read."""

ORIENTATION, EXIF_IFD, GPS_IFD = 0x0112, 0x8769, 0x8825
_PREFIX = b"Exif\0\0"
_TIFF = (b"II*\0", b"MM\0*")
_TYPE_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4)  # by TIFF type; others are not read


class Exif:
    """The tags of one EXIF block (a TIFF structure, or None). Nothing in it makes it raise."""

    def __init__(self, block: bytes | None):
        from PIL import Image

        self._block = block if block and block.startswith(_TIFF) else b""
        self._order = "<" if self._block.startswith(b"I") else ">"
        self._exif = Image.Exif()
        try:
            if self._honest(*struct.unpack_from(self._order + "I", self._block, 4)):
                self._exif.load(self._block)
        except Exception:  # whatever a hostile block makes the reader raise, the photo counts
            self._exif = Image.Exif()

    @property
    def orientation(self) -> int:
        """1 to 8. Missing, 0 or nonsense means 1: leave the picture as it is."""
        return orientation_or_upright(self.get(ORIENTATION))

    def get(self, tag: int, directory: int | None = None) -> Any:
        """A tag's value, in the main directory or one below it (EXIF_IFD, GPS_IFD); else None."""
        try:
            if directory is None:
                return self._exif.get(tag)
            if not self._honest(int(self._exif[directory])):
                return None
            return self._exif.get_ifd(directory).get(tag)
        except Exception:  # see above
            return None

    def _honest(self, offset: int) -> bool:
        """Whether a directory's entries claim no more bytes, added up, than the block has."""
        (count,) = struct.unpack_from(self._order + "H", self._block, offset)
        entries = self._block[offset + 2 : offset + 2 + 12 * count]
        whole = entries[: len(entries) // 12 * 12]
        claims = struct.iter_unpack(self._order + "HHI4x", whole)
        claimed: int = sum(
            n * _TYPE_SIZES[kind] for _, kind, n in claims if kind < len(_TYPE_SIZES)
        )
        return claimed <= len(self._block) + (1 << 16)


def orientation_or_upright(value: object) -> int:
    """`value` if it is one of the eight orientations, else 1."""
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def exif_block(data: bytes) -> bytes | None:
    """The EXIF of a JPEG, PNG, WebP, TIFF, HEIF or AVIF as a TIFF structure, None without."""
    if data.startswith(_TIFF):
        return data
    for start, end in _places(data):
        if end - start <= MAX_BLOCK:
            block = data[start:end]
            return block.removeprefix(_PREFIX)
    return None


def _places(data: bytes) -> Iterator[tuple[int, int]]:
    if data.startswith(b"\xff\xd8"):
        for name, start, end in jpeg_header(data):
            if name[0] == APP1 and data.startswith(_PREFIX, start):
                yield start, end
    elif data.startswith(b"\x89PNG"):
        yield from ((start, end) for name, start, end in png_chunks(data) if name == b"eXIf")
    elif data.startswith(b"RIFF"):
        yield from ((start, end) for name, start, end in webp_chunks(data) if name == b"EXIF")
    elif data[4:8] == b"ftyp" and (item := heif_item(data, b"Exif")) is not None:
        # The item begins with the distance from there to the TIFF header.
        yield item.start + 4 + int.from_bytes(data[item.start : item.start + 4], "big"), item.end
