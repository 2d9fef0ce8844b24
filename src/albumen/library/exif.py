"""Where a picture's EXIF lies, and which way up it says the picture is."""

from albumen.library.containers import APP1, jpeg_header, png_chunks, webp_chunks

MAX_EXIF_BYTES = 1 << 20
"""EXIF in JPEG is at most 64 KiB; elsewhere, a block beyond this is no camera's and is not read."""

ORIENTATION_TAG = 0x0112
_PREFIX = b"Exif\0\0"


def exif_block(data: bytes) -> bytes | None:
    """The EXIF of a JPEG, PNG or WebP as a TIFF structure, None if there is none."""
    if data.startswith(b"\xff\xd8"):
        pieces, name, prefix = jpeg_header(data), bytes((APP1,)), _PREFIX
    elif data.startswith(b"\x89PNG"):
        pieces, name, prefix = png_chunks(data), b"eXIf", b""
    elif data[:4] == b"RIFF":
        pieces, name, prefix = webp_chunks(data), b"EXIF", b""
    else:
        return None
    for piece in pieces:
        if piece.name == name and data.startswith(prefix, piece.start):
            if piece.end - piece.start > MAX_EXIF_BYTES:
                return None
            return data[piece.start : piece.end].removeprefix(_PREFIX)
    return None


def orientation(block: bytes | None) -> int:
    """EXIF's orientation, 1 to 8. Missing, 0 or nonsense means 1: leave the picture as it is."""
    if block is None:
        return 1
    from PIL import Image

    exif = Image.Exif()
    try:
        exif.load(block)
        return upright_if_nonsense(exif.get(ORIENTATION_TAG))
    except Exception:  # whatever a hostile block makes the parser raise, the picture counts
        return 1


def upright_if_nonsense(value: object) -> int:
    """`value` if it is one of the eight orientations, else 1."""
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
