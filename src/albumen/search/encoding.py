"""A query as one vector in the pack's space of words and pictures."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from albumen.search.query import Query, QueryError
from albumen.search.reading import Reading, read

if TYPE_CHECKING:
    from albumen.library.store import Store
    from albumen.packs import Pack

# What is not wanted counts half. At full weight a negative decides alone: the vectors of all texts
# lie close together, and "a beach" minus "people" keeps little of the beach.
NEGATIVE_WEIGHT = 0.5
MOST_NOTICES = 5  # of one text's words: a text of another language has no more

Vector = NDArray[np.float32]


def encode(query: Query, pack: "Pack", store: "Store") -> tuple[Vector, tuple[str, ...]]:
    """The query's vector `(dim,)` of length 1, and what the user should know of how it was read.

    The mean of the vectors of its texts and pictures, less half that of its negatives; texts are
    read as `reading` says. Raises `QueryError` for an example that is no picture.
    """
    text, negative = (
        [read(each, pack.words) for each in texts] for texts in (query.words, query.negative)
    )
    notices = tuple(_notices(pack, [*text, *negative]))
    wanted = [*_texts(pack, text), *(_picture(pack, store, path) for path in query.like)]
    vector = np.mean(wanted, axis=0)
    if any(each.known for each in negative):  # what is unknown cannot be kept away from
        unwanted = _texts(pack, [each for each in negative if each.known])
        vector = vector - NEGATIVE_WEIGHT * unwanted.mean(axis=0)
    return (vector / np.linalg.norm(vector)).astype(np.float32), notices


def means_nothing(query: Query, pack: "Pack") -> bool:
    """Whether the query is words alone, and the pack knows none of them."""
    return not query.like and not any(read(text, pack.words).known for text in query.text)


def _texts(pack: "Pack", texts: Sequence[Reading]) -> Vector:
    """Vectors `(n, dim)` of texts as people typed them, without a template around them.

    Templates ("a photo of a {}") serve names of classes; a query is as often a sentence. On
    development pictures they change nothing: docs/search-quality.md.
    """
    said = [each.text for each in texts]
    return pack.encode_texts(said) if said else np.empty((0, pack.dim), np.float32)


def _notices(pack: "Pack", texts: Sequence[Reading]) -> Iterator[str]:
    for each in texts:
        yield from each.notices[:MOST_NOTICES]
        if pack.tokens(each.text).truncated:
            start = " ".join(each.text.split()[:5])
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
