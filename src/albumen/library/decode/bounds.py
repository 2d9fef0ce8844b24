"""How large a picture may be. Checked against the header, before a byte of it is decoded."""

from albumen.library.decode.outcome import DecodeError

MAX_JPEG_PIXELS = 400_000_000
"""JPEG is decoded at reduced scale, line by line: 400 megapixels (a stitched panorama, four times
the largest camera) cost 20 MB at scale 1/8, and seconds."""

MAX_PROGRESSIVE_PIXELS = 100_000_000
"""A progressive JPEG holds all its coefficients in memory: 100 megapixels are 300 to 600 MB."""

MAX_SCANS = 200
"""Each scan of a progressive JPEG goes over the whole picture. Encoders write about ten; thousands
of them make a small file last for hours."""

MAX_PIXELS = 200_000_000
"""Other formats are decoded at full size: 200 megapixels are 600 to 800 MB, for a moment."""

MAX_MEMORY_HERE = 12 << 20
"""Bytes that decoding may take in our own process, by what the header says: a phone's screenshot or
any camera's JPEG. What takes more is decoded in a worker, under its memory limit."""

MAX_FILE_HERE = 8 << 20
"""Bytes of a file that is held in our own process; a larger one is read by a worker."""

MAX_SHOWN = 4_000_000
"""Pixels that decoding gives at most: of a strip a hundred times as long as it is wide, fewer than
were asked for, so that it cannot fill the memory of whoever asked."""


def check_size(width: int, height: int, most: int) -> None:
    """Raises DecodeError if a picture of this size is not to be decoded."""
    if width < 1 or height < 1:
        raise DecodeError("failed", "its header gives the picture no size: it is damaged")
    if width * height > most:
        raise DecodeError(
            "failed",
            f"its header asks for {width} x {height} pixels; "
            f"more than {most // 1_000_000} megapixels are not decoded",
        )
