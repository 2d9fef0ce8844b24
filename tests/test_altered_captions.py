"""Captions made wrong: that they are wrong in the respect named, and in no other."""

import pytest
from bench._altered import altered


@pytest.mark.parametrize(
    ("kind", "caption", "wrong"),
    [
        ("colour", "A black dog", "A white dog"),
        ("number", "Two men run", "five men run"),
        ("word order", "A man on a horse", "A horse on a man"),
        ("word order", "a dog chases a dog past a child", "a child chases a dog past a dog"),
    ],
)
def test_one_respect_is_altered(kind: str, caption: str, wrong: str) -> None:
    assert altered()[kind](caption) == wrong


@pytest.mark.parametrize("kind", altered())
def test_a_caption_without_it_is_left_out(kind: str) -> None:
    assert altered()[kind]("A redwood in fog") is None
