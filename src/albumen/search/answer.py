"""From a query to ranked photos."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from albumen.library.records import LibraryError
from albumen.library.store import copies, photos, tags
from albumen.search import words
from albumen.search.cutoff import cutoff
from albumen.search.encoding import encode, means_nothing
from albumen.search.matrix import Ids, Matrix
from albumen.search.query import Query, day_before
from albumen.search.ranking import Scores, best, score_all

if TYPE_CHECKING:
    from albumen.library.home import Home
    from albumen.library.store import Store
    from albumen.packs import Pack

DIGITS = 6  # of a score
NOTHING = 2.0  # a score that no photo reaches


@dataclass(frozen=True, slots=True)
class Result:
    """A photo that was found.

    rank: 1 for the most alike. score: the cosine between photo and query, from -1 to 1; it compares
    photos within one answer and is no probability. path: where the photo lies; paths: all its
    places, copies included, `path` first. match: whether it reaches the answer's cut-off (True
    where there is none), or its own words hold all of the query's. words: those of the query's
    words that the photo's own hold (keywords, caption, tags by hand).
    """

    rank: int
    photo: int
    path: Path
    paths: tuple[Path, ...]
    score: float
    match: bool = True
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What search found: `pack` is the name, `notices` what the user should know of the query.

    cutoff: the score that a match has at least; above all scores where nothing matches, None where
    nothing tells. closest: the score of the most alike photo, found or not.
    """

    query: Query
    pack: str
    cutoff: float | None
    results: tuple[Result, ...]
    notices: tuple[str, ...] = ()
    closest: float | None = None


@dataclass(frozen=True, slots=True)
class _Ranked:
    """Photos: their ids, scores, what they are ordered by, and whether they match; (N,) each."""

    ids: Ids
    scores: Scores
    order: Scores
    match: NDArray[np.bool_]

    def where(self, passing: NDArray[np.bool_]) -> "_Ranked":
        """Those of them."""
        return _Ranked(
            self.ids[passing], self.scores[passing], self.order[passing], self.match[passing]
        )


def run(store: "Store", home: "Home", pack: "Pack", query: Query) -> Answer:
    """Rank the library's photos by the query; a photo is shown once, however many copies it has.

    Raises `QueryError` for an example that is no picture, `LibraryError` when no photo has a vector
    of this pack although there are photos.
    """
    vector, notices = encode(query, pack, store)
    ids, scores = score_all(Matrix(home.cache, pack.id, pack.dim), store, vector)
    if not len(ids) and store.stats().photos:
        raise LibraryError(
            f"the photos of this library were not indexed with the pack {pack.name}; "
            f"run: albumen index FOLDER --pack {pack.name}"
        )
    least = _least(store, pack, query, vector, ids, scores)
    said = words.said(store, query.text)
    ranked = _ranked(query, ids, scores, least, said)
    if query.filtered:
        ranked = ranked.where(np.isin(ranked.ids, _allowed(store, pack, query)))
    closest = _rounded(float(ranked.scores.max())) if len(ranked.ids) else None
    if not query.show_all:
        ranked = ranked.where(ranked.match)
    notices += tuple(_unknown_tags(store, pack, query))
    results = _present(store, ranked, query.limit, said)
    return Answer(query, pack.name, least, results, notices, closest)


def _ranked(
    query: Query, ids: Ids, scores: Scores, least: float | None, said: words.Said | None
) -> _Ranked:
    """All photos of the library; what a person wrote also finds one that has no vector."""
    only_tags = not query.text and not query.like  # then all that have them are asked for
    if said is not None:
        unseen = np.setdiff1d(said.all_of_them, ids)
        ids = np.concatenate([ids, unseen])
        scores = np.concatenate([scores, np.zeros(len(unseen), np.float32)])
    match = np.full(len(ids), least is None or only_tags)
    if least is not None:
        match |= np.round(scores.astype(np.float64), DIGITS) >= least
    if said is None:
        return _Ranked(ids, scores, scores, match)
    return _Ranked(ids, scores, said.raised(ids, scores), match | np.isin(ids, said.all_of_them))


def _allowed(store: "Store", pack: "Pack", query: Query) -> Ids:
    """Sorted ids of the photos that pass the filters."""
    allowed = store.candidates(
        after=query.after, before=day_before(query.before), under=query.under
    )
    for tag in query.tags:
        allowed = np.intersect1d(allowed, tags.photos_with(store.db, tag, pack.id))
    return allowed


def _unknown_tags(store: "Store", pack: "Pack", query: Query) -> Iterator[str]:
    for tag in query.tags:
        if not len(tags.photos_with(store.db, tag, pack.id)):
            yield f'no photo has the tag "{tag}"; those that there are: albumen tags list'


def _least(
    store: "Store", pack: "Pack", query: Query, vector: Scores, ids: Ids, scores: Scores
) -> float | None:
    """The score that a match has at least, rounded down as scores are rounded."""
    if not (query.text or query.like):  # tags alone: they say themselves which photos match
        return None
    if means_nothing(query, pack):
        return NOTHING
    if pack.background is None:
        return None
    found = cutoff(
        vector,
        scores,
        pack.background,
        lambda places: store.embeddings_of(ids[places], pack.id),
        scale=pack.manifest.logit_scale,
        example=bool(query.like),
    )
    return None if found is None else math.floor(found * 10**DIGITS) / 10**DIGITS


def _present(
    store: "Store", ranked: _Ranked, limit: int, said: words.Said | None
) -> tuple[Result, ...]:
    """The best photos that still lie somewhere, each once with its copies folded under it."""
    wanted = 2 * limit  # room for copies, and for photos that lie nowhere any more
    while True:
        top = best(ranked.ids, ranked.order, wanted)
        shown = _distinct(store, ranked.ids[top].tolist())
        if len(shown) >= limit or wanted >= len(ranked.ids):
            break
        wanted *= 4
    at = dict(zip(ranked.ids[top].tolist(), top.tolist(), strict=True))
    places = _places(store, shown[:limit])
    found = []
    for rank, photo in enumerate(shown[:limit], 1):
        score, match = float(ranked.scores[at[photo]]), bool(ranked.match[at[photo]])
        own = () if said is None else said.of(photo)
        where = places[photo]
        found.append(Result(rank, photo, where[0], where, _rounded(score), match, own))
    return tuple(found)


def _distinct(store: "Store", photo_ids: list[int]) -> list[int]:
    """Of photos in this order, those that lie somewhere, and of one picture's copies the first."""
    places = store.paths(photo_ids)
    leaders = {id: copy.leader for id, copy in copies.places(store.db, photo_ids).items()}
    first: dict[object, int] = {}
    for photo in photos.by_ids(store.db, photo_ids):
        if photo.id in places:
            shown = (photo.image_hash, photo.metadata.orientation)
            alone = shown if photo.image_hash else photo.id
            first.setdefault(leaders.get(photo.id, alone), photo.id)
    return list(first.values())


def _places(store: "Store", photo_ids: list[int]) -> dict[int, tuple[Path, ...]]:
    """Where each photo lies, and behind that where its copies do.

    Copies are files whose metadata alone differ (a rating was written into one), and those that
    were found to show the same picture (`albumen duplicates`).
    """
    files = photos.of_same_picture(store.db, photo_ids)
    leaders = {id: copy.leader for id, copy in copies.places(store.db, photo_ids).items()}
    members = copies.members(store.db, sorted(set(leaders.values())))
    for photo, leader in leaders.items():
        known = set(files[photo])
        files[photo] += [copy.photo for copy in members.get(leader, []) if copy.photo not in known]
    places = store.paths([id for ids in files.values() for id in ids])
    return {
        photo: tuple(path for id in ids for path in places.get(id, ()))
        for photo, ids in files.items()
    }


def _rounded(score: float) -> float:
    return round(min(1.0, max(-1.0, score)), DIGITS)  # half precision may exceed 1 a little
