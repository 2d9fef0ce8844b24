"""Where matches end, on vectors whose matches are known: photos lie about as a CLIP's do."""

import numpy as np
import pytest

from albumen.packs.background import Background
from albumen.search import cutoff as module
from albumen.search.cutoff import cutoff

DIM, THINGS = 64, 40
RANDOM = np.random.default_rng(14)
WORDS = np.linalg.qr(RANDOM.normal(size=(DIM, THINGS)))[0].T.astype(np.float32)  # a row a thing


def photos(things: list[int], noise: float = 0.45) -> np.ndarray:
    """Vectors (N, D) of length 1 of photos that each show one thing."""
    vectors = WORDS[things] + RANDOM.normal(size=(len(things), DIM)) * noise / np.sqrt(8)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


EVERYTHING = photos([*range(THINGS)] * 100)
GROUND = Background(
    mean=EVERYTHING.mean(0),
    covariance=np.cov(EVERYTHING.T).astype(np.float32),
    text_mean=WORDS.mean(0),
    rivals=WORDS,
    photos=len(EVERYTHING),
)
SCALE = 20.0  # of a model that tells these words apart: their cosines differ by some tenths
UNKNOWN = Background(GROUND.mean * 0, np.eye(DIM, dtype=np.float32), GROUND.text_mean, WORDS, 0)


def matching(thing: int, library: np.ndarray, ground: Background = GROUND, **kw) -> np.ndarray:
    query = WORDS[thing]
    scores = library @ query
    least = cutoff(query, scores, ground, lambda places: library[places], scale=SCALE, **kw)
    assert least is not None
    return scores >= least


def f1(found: np.ndarray, right: np.ndarray) -> float:
    return 2 * (found & right).sum() / (found.sum() + right.sum())


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_the_matches_are_found_however_many_there_are(share: float) -> None:
    count = int(400 * share)
    library = photos([3] * count + [*range(4, 34)] * ((400 - count) // 30))
    right = np.arange(len(library)) < count
    assert f1(matching(3, library), right) > 0.8


@pytest.mark.parametrize("ground", [GROUND, UNKNOWN])
def test_what_no_photo_shows_matches_none(ground: Background) -> None:
    library = photos([*range(1, 31)] * 10)
    falsely = [matching(thing, library, ground).any() for thing in range(31, 40)]
    assert sum(falsely) <= 1


def test_nothing_matching_is_a_cutoff_above_every_score() -> None:
    library = photos([*range(1, 31)] * 10)
    scores = library @ WORDS[35]
    least = cutoff(WORDS[35], scores, GROUND, lambda places: library[places], scale=SCALE)
    assert least is not None
    assert least > scores.max()


def test_a_pack_that_knows_no_photos_learns_from_the_library() -> None:
    library = photos([*range(20)] * 20)
    right = np.arange(len(library)) % 20 == 5
    assert f1(matching(5, library, UNKNOWN), right) > 0.8


def test_without_photos_of_either_nothing_tells() -> None:
    library = photos([1, 2, 3])
    scores = library @ WORDS[1]
    assert cutoff(WORDS[1], scores, UNKNOWN, lambda places: library[places], scale=SCALE) is None


def test_an_older_pack_without_rivals_has_a_cutoff_too() -> None:
    ground = Background(GROUND.mean, GROUND.covariance, GROUND.text_mean, WORDS[:0], GROUND.photos)
    library = photos([*range(20)] * 20)
    right = np.arange(len(library)) % 20 == 5
    assert f1(matching(5, library, ground), right) > 0.8


def test_a_large_library_is_judged_by_a_part_of_it() -> None:
    library = photos([5] * 3000 + [*range(6, 40)] * 500)
    looked_at = []

    def vectors(places: np.ndarray) -> np.ndarray:
        looked_at.append(len(places))
        return library[places]

    scores = library @ WORDS[5]
    least = cutoff(WORDS[5], scores, GROUND, vectors, scale=SCALE)
    assert f1(scores >= least, np.arange(len(library)) < 3000) > 0.8
    assert sum(looked_at) == module.HIGHEST + module.OTHERS


def test_weights_of_a_sample_add_up_to_the_library() -> None:
    scores = RANDOM.normal(size=5000).astype(np.float32)
    taken = module.sample(scores)
    assert taken.weights.sum() == pytest.approx(5000)
    assert (np.diff(scores[taken.positions]) <= 0).all()


@pytest.mark.parametrize("size", [25, 50])
def test_the_only_photo_of_a_thing_is_found_in_a_small_album(size: int) -> None:
    others = [1 + place % 30 for place in range(size - 1)]
    albums = [(thing, photos([thing, *others])) for thing in range(31, 40)]
    found = [matching(thing, library)[0] for thing, library in albums]
    assert np.mean(found) > 0.6


def test_a_photo_that_other_words_fit_better_needs_to_be_more_unusual() -> None:
    """The same cosine counts for less where the model would sooner choose another word."""
    rivals = np.concatenate([WORDS, (WORDS[3] + 0.5 * WORDS[9])[np.newaxis] / np.sqrt(1.25)])
    beaten = Background(
        GROUND.mean, GROUND.covariance, GROUND.text_mean, rivals.astype(np.float32), GROUND.photos
    )
    library = photos([*range(1, 31)] * 10)
    photo = WORDS[3] + 0.8 * WORDS[9]
    library[0] = photo / np.linalg.norm(photo)
    scores = library @ WORDS[3]
    told = [
        module.signs(WORDS[3], scores, ground, lambda places: library[places], SCALE)
        for ground in (GROUND, beaten)
    ]
    at = np.flatnonzero(module.sample(scores).positions == 0)[0]
    assert told[0] is not None
    assert told[1] is not None
    assert told[0].z[at] == pytest.approx(told[1].z[at], abs=0.05)
    assert told[1].odds[at] < told[0].odds[at] - 0.5


def test_an_empty_library_has_no_cutoff() -> None:
    nothing = np.empty((0, DIM), np.float32)
    assert (
        cutoff(WORDS[0], nothing[:, 0], GROUND, lambda places: nothing[places], scale=SCALE) is None
    )
