"""From a file's bytes to upright pixels at reduced scale, whatever the file holds.

JPEG, PNG and WebP are decoded in the calling thread, which releases the interpreter meanwhile;
everything else, and what takes much memory, in worker processes. Colour profiles are not applied: a
wide-gamut photo looks a little paler, which changes little of what it shows, and colour engines
are large decoders of hostile data themselves.
"""

from albumen.library.decode.bounds import MAX_MEMORY_HERE
from albumen.library.decode.cost import cost
from albumen.library.decode.formats import detect
from albumen.library.decode.here import decode_here
from albumen.library.decode.outcome import DecodedPixels, DecodeError
from albumen.library.decode.workers import DecodeWorkers

__all__ = ["DecodeError", "DecodeWorkers", "DecodedPixels", "decode"]


def decode(data: bytes, *, short_side: int, workers: DecodeWorkers) -> DecodedPixels:
    """Decode the picture in `data` (a file's bytes), its first frame or page.

    The short side of the pixels is at least `short_side`, or the picture's own if that is smaller.
    It is reduced to that, or for a JPEG to the next eighth of its own. Raises DecodeError.
    """
    format = detect(data)
    if format in ("JPEG", "PNG", "WEBP") and cost(data, format, short_side) <= MAX_MEMORY_HERE:
        return decode_here(data, format, short_side)
    return workers.decode(data, format, short_side)
