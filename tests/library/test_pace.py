"""Batches are as large as the pack is quick."""

from albumen.library.pace import Pace


def test_a_quick_pack_gets_larger_batches_up_to_the_most() -> None:
    pace = Pace(32)
    sizes = []
    for _ in range(5):
        sizes.append(pace.size)
        pace.took(pace.size, 0.01)
    assert sizes == [4, 8, 16, 32, 32]


def test_a_pack_that_takes_a_second_a_photo_gets_one_at_a_time() -> None:
    pace = Pace(32)
    pace.took(4, 4.0)
    assert pace.size == 1
    pace.took(1, 1.0)
    assert pace.size == 1


def test_a_batch_takes_half_a_second_at_the_speed_of_the_last() -> None:
    pace = Pace(32)
    for _ in range(4):
        pace.took(pace.size, pace.size * 0.05)
    assert pace.size == 10


def test_a_batch_that_took_no_time_at_all_is_no_trouble() -> None:
    pace = Pace(2)
    pace.took(2, 0.0)
    assert pace.size == 2
