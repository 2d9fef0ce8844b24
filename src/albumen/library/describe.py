"""What a pack says of photos: embeddings, a batch at a time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from albumen.library.records import Decoded, Described, Failure
from albumen.packs import Pack, PackError


class Describer:
    """Runs a pack's image tower. A pack that cannot be opened fails for the whole run, once."""

    def __init__(self, pack: Pack):
        self._pack = pack
        self.broken: Failure | None = None

    def describe(self, photos: Sequence[Decoded]) -> list[Described]:
        """Embeddings of photos whose `pixels` are as the pack takes them, (S, S, 3) uint8.

        If a batch fails, its photos are tried one by one, so that one cannot spoil the others.
        """
        if self.broken is None:
            try:
                return self._embed(photos)
            except PackError as error:
                self.broken = Failure("describe", "failed", str(error), lasting=False)
            except Exception as error:
                if len(photos) > 1:
                    return [one for photo in photos for one in self.describe([photo])]
                reason = f"the pack gave no embedding ({_first_line(error)})"
                failure = Failure("describe", "failed", reason, lasting=False)
                return [Described(photos[0].content_hash, None, (failure,))]
        return [Described(photo.content_hash, None, (self.broken,)) for photo in photos]

    def _embed(self, photos: Sequence[Decoded]) -> list[Described]:
        vectors = self._pack.encode_images(np.stack([photo.pixels for photo in photos]))
        return [_described(photo, vector) for photo, vector in zip(photos, vectors, strict=True)]


def _described(photo: Decoded, vector: NDArray[np.float32]) -> Described:
    if np.isfinite(vector).all():
        return Described(photo.content_hash, vector.astype(np.float16))
    failure = Failure("describe", "failed", "the pack's embedding of it is not a number")
    return Described(photo.content_hash, None, (failure,))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
