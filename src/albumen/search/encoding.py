"""A query as one vector in the pack's space of words and pictures."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from albumen.search.query import Query, QueryError

if TYPE_CHECKING:
    from albumen.library.store import Store
    from albumen.packs import Pack

# What is not wanted counts half. At full weight a negative decides alone: the vectors of all texts
# lie close together, and "a beach" minus "people" keeps little of the beach.
NEGATIVE_WEIGHT = 0.5

Vector = NDArray[np.float32]


def encode(query: Query, pack: "Pack", store: "Store") -> tuple[Vector, tuple[str, ...]]:
    """The query's vector `(dim,)` of length 1, and what the user should know of how it was read.

    The mean of the vectors of its texts and pictures, less half that of its negatives. Raises
    `QueryError` for an example that is no picture.
    """
    notices = tuple(_cut_short(pack, query.text + query.negative))
    wanted = [*_texts(pack, query.text), *(_picture(pack, store, path) for path in query.like)]
    vector = np.mean(wanted, axis=0)
    if query.negative:
        vector = vector - NEGATIVE_WEIGHT * _texts(pack, query.negative).mean(axis=0)
    return (vector / np.linalg.norm(vector)).astype(np.float32), notices


def _texts(pack: "Pack", texts: Sequence[str]) -> Vector:
    """Vectors `(n, dim)` of texts as people typed them, without a template around them.

    Templates ("a photo of a {}") serve names of classes; a query is as often a sentence.
    """
    return pack.encode_texts(texts) if texts else np.empty((0, pack.dim), np.float32)


def _cut_short(pack: "Pack", texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        if pack.tokens(text).truncated:
            start = " ".join(text.split()[:5])
            yield f'only the beginning of "{start} …" was used: it is longer than the pack reads'


def _picture(pack: "Pack", store: "Store", path: Path) -> Vector:
    """The vector `(dim,)` of an example; one that the library holds already is not decoded."""
    data = _read(path)
    photo = store.photo_by_content(blake3(data).digest())
    known = store.embedding(photo.id, pack.id) if photo else None
    if known is not None:
        return known.astype(np.float32)
    vector: Vector = pack.encode_images(_pixels(pack, path, data)[np.newaxis])[0]
    return vector


def _read(path: Path) -> bytes:
    file = path.expanduser()
    try:
        if file.is_dir():
            raise QueryError(f"cannot use the example {path}: it is a folder, not a picture")
        if file.exists() and not file.is_file():  # a device or a pipe might never end
            raise QueryError(f"cannot use the example {path}: it is no ordinary file")
        return file.read_bytes()
    except OSError as error:
        reason = str(error.strerror).lower()
        raise QueryError(f"cannot use the example {path}: {reason}") from error


def _pixels(pack: "Pack", path: Path, data: bytes) -> NDArray[np.uint8]:
    from albumen.library import decode

    preprocessing = pack.preprocessing
    with decode.DecodeWorkers(1) as workers:
        try:
            decoded = decode.decode(data, short_side=preprocessing.short_side, workers=workers)
        except decode.DecodeError as error:
            raise QueryError(f"cannot use the example {path}: {error.reason}") from error
    pixels: NDArray[np.uint8] = preprocessing.apply(decoded.pixels)
    return pixels
