"""A worker that was turned against us, or broke, is not believed."""

import io
import json
from typing import Any

import numpy as np
import pytest

from albumen.library.decode import DecodeError, answer
from albumen.library.records import Failure

WHOLE: dict[str, Any] = {
    "format": "PNG", "width": 2, "height": 1, "shape": [1, 2, 3], "image_hash": "00" * 32,
    "metadata": {"taken": "2024-05-01T10:20:30", "taken_source": "exif"},
    "told": {"keywords": ["dog"]}, "failures": [],
}  # fmt: skip


def told(said: Any, pixels: bytes = b"\0\1\2\3\4\5") -> io.BytesIO:
    return io.BytesIO(json.dumps(said).encode() + b"\n" + pixels)


def test_an_answer_is_read_with_its_pixels() -> None:
    said, pixels = answer.read(told(WHOLE))
    assert said.told.keywords == ("dog",)
    assert np.array_equal(pixels, np.arange(6).reshape(1, 2, 3))


def test_a_failure_is_raised_as_it_was_told() -> None:
    failure = {"stage": "decode", "status": "failed", "reason": "it is damaged", "lasting": True}
    with pytest.raises(DecodeError) as raised:
        answer.read(told({"failure": failure}))
    assert raised.value.failure == Failure("decode", "failed", "it is damaged")


@pytest.mark.parametrize(
    "said",
    [
        3,
        [WHOLE],
        {},
        {**WHOLE, "shape": [-1, -1, 3]},
        {**WHOLE, "shape": [1 << 40, 1, 3]},
        {**WHOLE, "shape": 6},
        {**WHOLE, "width": "2"},
        {**WHOLE, "image_hash": "no digits"},
        {**WHOLE, "metadata": {"taken_source": "a guess"}},
        {**WHOLE, "told": {"keywords": "dog"}},
        {**WHOLE, "failures": ["it"]},
        {"failure": {"stage": "decode"}},
        {"failure": None},
    ],
)
def test_what_no_worker_says_is_no_answer(said: Any) -> None:
    with pytest.raises(ValueError, match="."):
        answer.read(told(said))


def test_pixels_that_are_missing_are_not_made_up() -> None:
    with pytest.raises(EOFError):
        answer.read(told(WHOLE, b"\0\1\2"))


@pytest.mark.parametrize("line", [b"", b"[" * 60_000 + b"\n", b"\xff\n", b"1" * 70_000])
def test_a_line_that_is_no_json_is_no_answer(line: bytes) -> None:
    with pytest.raises(ValueError, match="."):
        answer.read(io.BytesIO(line))
