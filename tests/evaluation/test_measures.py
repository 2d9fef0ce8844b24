"""Figures worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from albumen.evaluation import measures
from albumen.evaluation.measures import estimate, hits_within


def unit(*angles: float) -> np.ndarray:
    """Vectors (n, 2) of length 1 at these angles, in degrees."""
    turns = np.radians(angles)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)


def test_a_hit_is_counted_from_its_own_place_on() -> None:
    # Seen from 0°, the candidates lie in the order 10°, 20°, 40°.
    queries, candidates = unit(0, 0, 0), unit(40, 10, 20)
    first, second, third = hits_within(queries, candidates, np.array([0, 1, 2]), (1, 2, 3))
    assert first.tolist() == [0, 1, 0]
    assert second.tolist() == [0, 1, 1]
    assert third.tolist() == [1, 1, 1]


def test_a_pack_that_gives_one_vector_for_everything_scores_as_chance_does() -> None:
    same = unit(30, 30, 30, 30)
    one, three = hits_within(same, same, np.arange(4), (1, 3))
    assert one.tolist() == [0.25] * 4
    assert three.tolist() == [0.75] * 4


def test_queries_are_taken_in_parts_without_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    queries, candidates = random.normal(size=(50, 8)), random.normal(size=(20, 8))
    right = random.integers(0, 20, 50)
    together = hits_within(queries, candidates, right, (1, 5))
    monkeypatch.setattr(measures, "QUERIES_AT_ONCE", 7)
    assert np.array_equal(together, hits_within(queries, candidates, right, (1, 5)))


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(1, 30), st.integers(0, 10_000))
def test_hits_agree_with_sorting(pictures: int, queries: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    asked, candidates = random.normal(size=(queries, 5)), random.normal(size=(pictures, 5))
    right = random.integers(0, pictures, queries)
    order = np.argsort(-(asked @ candidates.T), axis=1)
    for top, hits in zip((1, 5), hits_within(asked, candidates, right, (1, 5)), strict=True):
        assert hits.tolist() == [float(r in row[:top]) for r, row in zip(right, order, strict=True)]


def test_the_error_of_one_query_a_picture_is_that_of_a_share() -> None:
    figure = estimate(np.array([1.0, 1.0, 0.0, 1.0, 0.0]), np.arange(5))
    assert figure.value == pytest.approx(0.6)
    assert figure.error == pytest.approx((0.6 * 0.4 / 4) ** 0.5)


def test_captions_of_one_picture_count_as_one_observation() -> None:
    once = estimate(np.array([1.0, 0.0, 1.0]), np.array([0, 1, 2]))
    five = estimate(np.repeat([1.0, 0.0, 1.0], 5), np.repeat([0, 1, 2], 5))
    assert five.value == pytest.approx(once.value)
    assert five.error == pytest.approx(once.error)


def test_captions_that_fail_apart_tell_more_than_those_that_fail_together() -> None:
    pictures = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    assert estimate(np.array([1.0, 0, 1, 0, 1, 0, 1, 0]), pictures).error == 0
    together = estimate(np.array([1.0, 1, 0, 0, 1, 1, 0, 0]), pictures)
    assert together.error == pytest.approx((0.25 / 3) ** 0.5)


def test_one_picture_has_no_error() -> None:
    assert estimate(np.array([1.0, 0.0]), np.array([0, 0])).error is None
