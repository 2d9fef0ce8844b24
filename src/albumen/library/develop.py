"""From a file's bytes to its picture and metadata: decoding as one step of a photo's way."""

import os
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from albumen.library import image_hash, metadata
from albumen.library.decode import DecodeError, DecodeWorkers, decode
from albumen.library.records import Decoded, Failure, Identified, Metadata

Fit = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
"""From upright RGB pixels (H, W, 3) to those a pack takes, (S, S, 3)."""


def develop(
    identified: Identified, *, short_side: int, fit: Fit | None, workers: DecodeWorkers
) -> tuple[Decoded | None, tuple[Failure, ...]]:
    """The picture, its metadata and what failed on the way; None if there is no picture.

    `identified` holds the file's bytes. `fit` is applied to the pixels.
    """
    assert identified.data is not None
    try:
        picture = decode(identified.data, short_side=short_side, workers=workers)
        pixels = fit(picture.pixels) if fit else picture.pixels
    except DecodeError as error:
        return None, (error.failure,)
    except MemoryError:
        return None, (Failure("decode", "failed", "memory ran out", lasting=False),)
    except Exception as error:  # a decoder's bug costs this photo, and is told as one
        reason = f"decoding broke off ({error!r})"
        return None, (Failure("decode", "failed", reason, lasting=False),)
    told, failures = _told(identified)
    decoded = Decoded(
        content_hash=identified.content_hash,
        image_hash=_image_hash(identified.data),
        format=picture.format,
        width=picture.width,
        height=picture.height,
        metadata=replace(told, orientation=picture.orientation),
        pixels=pixels,
    )
    return decoded, failures


def _told(identified: Identified) -> tuple[Metadata, tuple[Failure, ...]]:
    """The metadata; if reading it breaks off, none, and why: the picture counts all the same."""
    seen, data = identified.seen, identified.data or b""
    name = os.fsdecode(seen.relative.rpartition(b"/")[2])
    try:
        return metadata.read(data, name=name, mtime_ns=seen.mtime_ns), ()
    except Exception as error:
        reason = f"its metadata could not be read ({error!r})"
        return Metadata(), (Failure("metadata", "failed", reason, lasting=False),)


def _image_hash(data: bytes | None) -> bytes | None:
    """The hash of the picture without its metadata; a damaged container has none."""
    try:
        return image_hash.of(data or b"")
    except Exception:
        return None
