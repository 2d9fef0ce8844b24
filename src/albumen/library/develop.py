"""From a file's bytes to its picture and metadata: decoding as one step of a photo's way."""

import os
from collections.abc import Callable
from dataclasses import replace

from albumen.library import evidence, image_hash, metadata, words
from albumen.library.decode import DecodedPixels, DecodeError, DecodeWorkers, decode
from albumen.library.records import Decoded, Failure, Fit, Identified, Metadata, Seen, Told

Developed = tuple[Decoded | None, tuple[Failure, ...]]
"""The picture, its metadata and what failed on the way; None if there is no picture."""


def develop(
    identified: Identified,
    *,
    short_side: int,
    fit: Fit | None,
    fingerprint: Fit | None,
    workers: DecodeWorkers,
) -> Developed:
    """Decode and read metadata; `fit` is applied to the pixels.

    `identified` holds the file's bytes; one too large to be held is read and developed by a worker.
    With `fingerprint`, what the fingerprint's pack takes, there is the evidence of copies too.
    """
    try:
        if identified.data is None:
            seen, content = identified.seen, identified.content_hash
            decoded, failures = workers.develop(seen, content, short_side)
        else:
            decoded, failures = see(
                identified.seen,
                identified.content_hash,
                identified.data,
                lambda data: decode(data, short_side=short_side, workers=workers),
            )
        if decoded is not None and fingerprint is not None:
            decoded = replace(decoded, evidence=evidence.of(decoded.pixels, fingerprint))
        if decoded is not None and fit is not None:
            decoded = replace(decoded, pixels=fit(decoded.pixels))
    except DecodeError as error:
        return None, (error.failure,)
    except MemoryError:
        return None, (Failure("decode", "failed", "memory ran out", lasting=False),)
    except Exception as error:  # a decoder's bug costs this photo, and is told as one
        reason = f"decoding broke off ({error!r})"
        return None, (Failure("decode", "failed", reason, lasting=False),)
    return decoded, failures


def see(
    seen: Seen, content_hash: bytes, data: bytes, decoder: Callable[[bytes], DecodedPixels]
) -> tuple[Decoded, tuple[Failure, ...]]:
    """All that the bytes of a file tell. Raises what `decoder` raises."""
    picture = decoder(data)
    known, said, failures = _told(seen, data)
    decoded = Decoded(
        content_hash=content_hash,
        image_hash=_image_hash(data),
        format=picture.format,
        width=picture.width,
        height=picture.height,
        metadata=replace(known, orientation=picture.orientation),
        pixels=picture.pixels,
        told=said,
    )
    return decoded, failures


def _told(seen: Seen, data: bytes) -> tuple[Metadata, Told, tuple[Failure, ...]]:
    """Metadata and words; if reading breaks off, none, and why: the picture counts all the same."""
    name = os.fsdecode(seen.relative.rpartition(b"/")[2])
    try:
        return metadata.read(data, name=name, mtime_ns=seen.mtime_ns), words.read(data), ()
    except Exception as error:
        reason = f"its metadata could not be read ({error!r})"
        return Metadata(), Told(), (Failure("metadata", "failed", reason, lasting=False),)


def _image_hash(data: bytes) -> bytes | None:
    """The hash of the picture without its metadata; a damaged container has none."""
    try:
        return image_hash.of(data)
    except Exception:
        return None
