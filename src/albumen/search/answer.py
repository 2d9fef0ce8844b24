"""From a query to ranked photos."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from albumen.library.records import LibraryError
from albumen.search.encoding import encode
from albumen.search.matrix import Ids, Matrix
from albumen.search.query import Query, day_before
from albumen.search.ranking import Scores, best, score_all

if TYPE_CHECKING:
    from albumen.library.home import Home
    from albumen.library.store import Store
    from albumen.packs import Pack


@dataclass(frozen=True, slots=True)
class Result:
    """A photo that was found.

    rank: 1 for the most alike. score: the cosine between photo and query, from -1 to 1; it compares
    photos within one answer and is no probability. path: where the photo lies; paths: all its
    places, copies included, `path` first. match: whether it lies above the pack's cut-off (True
    while the pack has none).
    """

    rank: int
    photo: int
    path: Path
    paths: tuple[Path, ...]
    score: float
    match: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What search found: `pack` is the name, `notices` what the user should know of the query."""

    query: Query
    pack: str
    cutoff: float | None
    results: tuple[Result, ...]
    notices: tuple[str, ...] = ()


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
    if query.filtered:
        allowed = store.candidates(
            after=query.after, before=day_before(query.before), under=query.under
        )
        passing = np.isin(ids, allowed)
        ids, scores = ids[passing], scores[passing]
    results = _present(store, ids, scores, query.limit)
    return Answer(query, pack.name, None, results, notices)


def _present(store: "Store", ids: Ids, scores: Scores, limit: int) -> tuple[Result, ...]:
    """The best photos that still lie somewhere; those that do not are rare, and passed over."""
    wanted = limit
    while True:
        top = best(ids, scores, wanted)
        paths = store.paths(ids[top].tolist())
        found = [place for place in top if paths.get(int(ids[place]))][:limit]
        if len(found) == limit or wanted >= len(ids):
            break
        wanted *= 4
    return tuple(
        Result(rank, int(ids[place]), places[0], tuple(places), _rounded(scores[place]))
        for rank, place in enumerate(found, 1)
        if (places := paths[int(ids[place])])
    )


def _rounded(score: np.float32) -> float:
    return round(min(1.0, max(-1.0, float(score))), 6)  # half precision may exceed 1 a little
