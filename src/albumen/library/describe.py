"""What a pack says of photos: embeddings, a batch at a time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from albumen.library.records import Decoded, Described, Failure
from albumen.packs import Pack
from albumen.packs.preprocessing import Pixels


class Describer:
    """Runs a pack's image tower. A pack that does not run at all is tried once a run.

    `broken` then says why.
    """

    def __init__(self, pack: Pack):
        self._pack = pack
        self.broken: Failure | None = None

    def describe(self, photos: Sequence[Decoded], pixels: Sequence[Pixels]) -> list[Described]:
        """Embeddings of photos. `pixels`: of each, as the pack takes them, (S, S, 3) uint8.

        If a batch fails, its photos are tried one by one, so that one cannot spoil the others.
        """
        failure = self.broken
        if failure is None:
            try:
                return self._embed(photos, pixels)
            except Exception as error:
                self._probe(pixels[0])
                if self.broken is None and len(photos) > 1:
                    pairs = zip(photos, pixels, strict=True)
                    return [one for photo, its in pairs for one in self.describe([photo], [its])]
                failure = self.broken or _failure(error)
        return [Described(photo.content_hash, None, (failure,)) for photo in photos]

    def _probe(self, like: NDArray[np.uint8]) -> None:
        """See whether the pack can describe anything at all: a plain grey picture."""
        try:
            self._pack.encode_images(np.full((1, *like.shape), 128, np.uint8))
        except Exception as error:
            self.broken = _failure(error)

    def _embed(self, photos: Sequence[Decoded], pixels: Sequence[Pixels]) -> list[Described]:
        vectors = self._pack.encode_images(np.stack(pixels))
        return [_described(photo, vector) for photo, vector in zip(photos, vectors, strict=True)]


def _described(photo: Decoded, vector: NDArray[np.float32]) -> Described:
    if np.isfinite(vector).all():
        return Described(photo.content_hash, vector.astype(np.float16))
    failure = Failure("describe", "failed", "the pack's embedding of it is not a number")
    return Described(photo.content_hash, None, (failure,))


def _failure(error: Exception) -> Failure:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return Failure("describe", "failed", reason, lasting=False)
