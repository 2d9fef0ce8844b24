"""When a photo has a tag: scales from the background, the least, and the margin."""

import numpy as np
import pytest

from albumen.packs.background import Background
from albumen.tags import scoring

DIM = 8
RANDOM = np.random.default_rng(3)


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


TAGS = unit(RANDOM.normal(size=(4, DIM)))
NOTHING = np.zeros(DIM, np.float32)


def background(sample: np.ndarray | None, spread: float = 0.05) -> Background:
    covariance = (np.eye(DIM) * spread**2).astype(np.float32)
    return Background(NOTHING, covariance, NOTHING, NOTHING[np.newaxis][:0], 1000, sample)


def test_clearness_counts_standard_deviations_of_the_background() -> None:
    scale = scoring.scale(TAGS, NOTHING, background(None))
    assert scale.clearness(np.zeros((1, DIM), np.float32)) == pytest.approx(0, abs=1e-6)
    lengths = np.linalg.norm(scale.directions, axis=1)
    assert scale.spread == pytest.approx(0.05 * lengths, rel=1e-5)
    photo = 0.25 * TAGS[:1]
    assert scale.clearness(photo)[0, 0] == pytest.approx(5, rel=1e-4)


def test_a_sample_and_a_normal_background_agree_where_nothing_is_frequent() -> None:
    sample = RANDOM.normal(scale=0.05, size=(4000, DIM)).astype(np.float32)
    by_sample = scoring.scale(TAGS, NOTHING, background(sample))
    by_normal = scoring.scale(TAGS, NOTHING, background(None))
    assert by_sample.spread == pytest.approx(by_normal.spread, rel=0.05)
    assert by_sample.least > by_normal.least


def test_what_is_frequent_does_not_hide_behind_itself() -> None:
    plain = RANDOM.normal(scale=0.05, size=(800, DIM)).astype(np.float32)
    dogs = plain[:200] + 0.5 * TAGS[0]
    with_dogs = np.concatenate([plain, dogs])
    photo = 0.5 * TAGS[:1]
    rare = scoring.scale(TAGS, NOTHING, background(plain)).clearness(photo)[0, 0]
    frequent = scoring.scale(TAGS, NOTHING, background(with_dogs)).clearness(photo)[0, 0]
    normal = (0.5 - (with_dogs @ TAGS[0]).mean()) / (with_dogs @ TAGS[0]).std()
    assert frequent > 0.7 * rare
    assert normal < 0.3 * rare


def test_a_background_of_equal_pictures_divides_by_no_zero() -> None:
    scale = scoring.scale(TAGS, NOTHING, background(np.ones((5, DIM), np.float32)))
    assert np.isfinite(scale.clearness(TAGS)).all()


def test_no_tag_is_an_answer_and_groups_do_not_compete() -> None:
    groups = np.array([0, 0, 1, 1])
    clearness = np.array(
        [[3.0, 2.0, 1.0, 3.6], [5.0, 4.6, 3.8, 0.0], [5.0, 4.4, 3.7, 9.0]], np.float32
    )
    assert scoring.enough(clearness, groups, 3.75).tolist() == [
        [False, False, False, False],
        [True, True, True, False],
        [True, False, False, True],
    ]


def test_nothing_of_an_empty_vocabulary_is_enough() -> None:
    assert scoring.enough(np.empty((3, 0), np.float32), np.empty(0, np.intp), 3.75).shape == (3, 0)


def test_certainty_begins_at_a_half() -> None:
    scores = scoring.certainty(np.array([3.75, 4.75, 20.0]), 3.75)
    assert scores[0] == pytest.approx(0.5)
    assert 0.5 < scores[1] < scores[2] <= 1
