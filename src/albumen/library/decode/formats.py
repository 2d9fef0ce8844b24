"""What a file is, by its content: names lie, and a name never chooses a decoder."""

import re
from typing import Literal

from albumen.library.decode.outcome import DecodeError

Format = Literal["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF"]

HEIF_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))
AVIF_BRANDS = frozenset((b"avif", b"avis"))

_UNREAD: tuple[tuple[bytes, str], ...] = (
    (rb"%!PS|\xc5\xd0\xd3\xc6", "an EPS or PostScript document"),
    (rb"\s*%PDF-", "a PDF document"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (rb"8BPS", "a Photoshop document"),
    (rb"gimp xcf", "a GIMP document"),
    (rb"\0\0[\x01\x02]\0", "an icon"),
    (rb"FUJIFILMCCD-RAW|....ftypcrx |IIU\0|IIRO", "a raw camera picture"),
    (rb"....ftyp|\x1aE\xdf\xa3|RIFF....AVI |....(moov|mdat)", "a video"),
    (rb"ID3|OggS|fLaC|RIFF....WAVE", "a sound file"),
    (rb"PK\x03\x04|Rar!|7z\xbc\xaf|\x1f\x8b|BZh|\xfd7zXZ", "an archive"),
    (rb"\x7fELF|MZ|#!", "a program"),
    (rb"version https://git-lfs", "a stand-in left by Git LFS; fetch the file itself"),
)
_UNREAD_PATTERNS = tuple((re.compile(pattern, re.S), what) for pattern, what in _UNREAD)

_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!--|\?xml|!doctype|html|svg|head|body)", re.I)


def detect(data: bytes) -> Format:
    """The format of a picture. Raises DecodeError: skipped if it is something else."""
    known = _picture(data[:4096])
    if known is not None:
        return known
    if not data:
        raise DecodeError("failed", "the file is empty")
    if data[:4096].count(0) == len(data[:4096]):
        raise DecodeError("failed", "the file begins with nothing but zeros: it is damaged")
    raise DecodeError("skipped", _what_else(data[:4096]))


def _picture(head: bytes) -> Format | None:
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    # "BM" alone begins many a text: the length of the header behind it must be one that exists.
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    return None


_BMP_HEADERS = frozenset((12, 16, 40, 52, 56, 64, 108, 124))


def _by_brand(head: bytes) -> Format | None:
    """HEIF and AVIF share a container; the brands tell them apart."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}
    if head[8:12] in HEIF_BRANDS or (head[8:12] in (b"mif1", b"msf1") and brands & HEIF_BRANDS):
        return "HEIF"
    if brands & AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if head[8:12] in (b"mif1", b"msf1") else None


def _what_else(head: bytes) -> str:
    if _MARKUP.match(head):
        what = "an SVG drawing" if b"<svg" in head.lower() else "a web page or XML document"
        return f"not a picture that Albumen reads but {what}"
    for pattern, what in _UNREAD_PATTERNS:
        if pattern.match(head):
            return f"not a picture that Albumen reads but {what}"
    return "its content is no picture that Albumen knows, whatever its name says"
