"""Give photos the vocabulary's tags, as the pack in use sees them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from albumen.errors import UsageError
from albumen.library.events import Progress
from albumen.library.store import Store, tags
from albumen.packs.background import Background
from albumen.tags import scoring, vectors
from albumen.tags.vocabulary import Vocabulary, default

if TYPE_CHECKING:
    from albumen.packs import Pack

Floats = NDArray[np.float32]

SHARED_BY = 8
"""Every eighth tag of the default vocabulary tells what tags' texts have in common."""

FEWEST = 500
"""Photos of one's own that can stand for the background of a pack that brings none."""

MOST_BACKGROUND = 2000
MOST_AT_ONCE, CELLS = 2000, 1 << 22
"""Photos, and photos times tags, scored and kept at once: 16 MB."""


@dataclass(frozen=True, slots=True)
class Applied:
    """`photos`: how many the vocabulary was held against, in this run or before; `tagged`: how many
    of them got a tag by it."""

    photos: int
    tagged: int


class Tagger:
    """A vocabulary in one pack's eyes: which of its tags a photo's vector shows.

    vectors: the tags' own (K, D), of length 1.
    """

    def __init__(
        self,
        store: Store,
        pack: "Pack",
        vocabulary: Vocabulary,
        on_progress: vectors.Progress = lambda done, of: None,
    ) -> None:
        self.vocabulary = vocabulary
        numbers = {group: number for number, group in enumerate(vocabulary.groups)}
        self._groups = np.array([numbers[one.group] for one in vocabulary.entries], np.intp)
        sampled = [entry.asked for entry in default().entries[::SHARED_BY]]
        asked = [entry.asked for entry in vocabulary.entries]
        encoded = vectors.encode(pack, asked + sampled, store.home.cache, on_progress)
        self.vectors, shared = encoded[: len(asked)], encoded[len(asked) :].mean(axis=0)
        self.scale = scoring.scale(self.vectors, shared, _background(store, pack))
        told = [vocabulary.hash, *(part.tobytes() for part in (shared, self.scale.median))]
        settings = f"{self.scale.least} {scoring.MARGIN} {scoring.SHARED}"
        self.hash = blake3(b"".join(told) + settings.encode()).digest(length=16)

    def tags(self, photos: Floats) -> Iterator[tuple[int, int, float]]:
        """Of vectors (N, D): (row, tag's number, certainty) for each tag that a photo has."""
        clearness = self.scale.clearness(photos)
        found = scoring.enough(clearness, self._groups, self.scale.least)
        scores = scoring.certainty(clearness[found], self.scale.least)
        rows, columns = np.nonzero(found)
        yield from zip(
            rows.tolist(),
            columns.tolist(),
            np.round(scores.astype(np.float64), 4).tolist(),
            strict=True,
        )


def apply(
    store: Store,
    pack: "Pack",
    vocabulary: Vocabulary,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Applied:
    """Tag every photo that the pack embedded, unless that was done with this vocabulary before.

    What people decided and what files say is not touched. Each part of the work is kept when it is
    done, so a run that is stopped goes on where it was. Raises UsageError for an empty vocabulary,
    and where there is nothing to measure photos by.
    """
    if not len(vocabulary):
        raise UsageError(
            "the vocabulary is empty, so there is nothing to apply; add to it, or take the default "
            "one again: albumen tags vocabulary --default"
        )
    tagger = Tagger(store, pack, vocabulary)
    todo = tags.to_apply(store.db, pack.id, tagger.hash)
    for done in _apply(store, pack, tagger, todo):
        on_progress(Progress(done, len(todo)))
    return Applied(*tags.applied(store.db, pack.id))


def _apply(store: Store, pack: "Pack", tagger: Tagger, todo: NDArray[np.int64]) -> Iterator[int]:
    """Do it, part by part; yields how many photos are done."""
    done = 0
    if not len(todo):
        return
    with store.db.transaction():
        names = [entry.name for entry in tagger.vocabulary.entries]
        rows = [tags.tag_row(store.db, name) for name in names]
    at_once = min(MOST_AT_ONCE, max(1, CELLS // len(rows)))
    for start in range(0, len(todo), at_once):
        photos = todo[start : start + at_once].tolist()
        embedded = store.embeddings_of(todo[start : start + at_once], pack.id)
        found = tagger.tags(embedded.astype(np.float32))
        with store.db.transaction():
            tags.keep_found(
                store.db,
                pack.id,
                tagger.hash,
                photos,
                ((photos[row], rows[tag], score) for row, tag, score in found),
            )
        done += len(photos)
        yield done


def _background(store: Store, pack: "Pack") -> Background:
    """The pack's; where it brings none, the library's own photos, if there are enough."""
    brought = pack.background
    # Statistics of generated pictures, which newer packs say, tell nothing of photos.
    if brought is not None and (brought.photos or not len(brought.rivals)):
        return brought
    count = store.embedding_count(pack.id)
    if count < FEWEST:
        raise UsageError(
            f"the pack {pack.name} brings no statistics to measure tags by, and your own photos "
            f"stand in for them only from {FEWEST} on (there are {count:,}); use the pack starter, "
            "or index more photos"
        )
    step = -(-count // MOST_BACKGROUND)
    parts = [chunk[::step].astype(np.float32) for _, _, chunk in store.embeddings(pack.id)]
    sample = np.concatenate(parts)
    covariance = np.cov(sample.T).astype(np.float32)
    nothing = np.zeros((0, pack.dim), np.float32)
    mean = sample.mean(axis=0)
    return Background(mean, covariance, mean, nothing, photos=len(sample), sample=sample)
