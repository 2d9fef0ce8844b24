"""Captions made wrong in one respect: colour, number, or the order of their words."""

import re
from collections.abc import Callable

Change = Callable[[str], str | None]

COLOURS = {
    "red": "blue", "blue": "red", "black": "white", "white": "black", "brown": "black",
    "yellow": "green", "green": "yellow", "orange": "blue", "pink": "green", "gray": "red",
    "grey": "red", "purple": "yellow",
}  # fmt: skip
NUMBERS = {"two": "five", "three": "one", "four": "one", "five": "two", "six": "two", "one": "four"}
NOUNS = """
    man woman boy girl child children people person men women dog dogs cat horse ball water snow
    grass beach field street bike bicycle car bench table bed rock rocks tree trees hat shirt
    jacket bird boat wave mountain building wall fence skateboard racket player frisbee bear
    giraffe elephant zebra kitchen room train bus plane truck motorcycle plate pizza cake
"""


def altered() -> dict[str, Change]:
    """Each kind of change, as a function of a caption; None where there is none."""
    return {"colour": _swapped(COLOURS), "number": _swapped(NUMBERS), "word order": _reordered}


def _swapped(words: dict[str, str]) -> Change:
    pattern = re.compile(rf"\b({'|'.join(words)})\b", re.IGNORECASE)

    def change(caption: str) -> str | None:
        wrong = pattern.sub(lambda found: words[found[0].lower()], caption)
        return wrong if wrong.lower() != caption.lower() else None

    return change


def _reordered(caption: str) -> str | None:
    """The first two different nouns that we know change places."""
    known = rf"\b(?:{'|'.join(NOUNS.split())})\b"
    found = list(re.finditer(known, caption, re.IGNORECASE))
    other = next((each for each in found[1:] if each[0].lower() != found[0][0].lower()), None)
    if other is None:
        return None
    first = found[0]
    between = caption[first.end() : other.start()]
    return f"{caption[: first.start()]}{other[0]}{between}{first[0]}{caption[other.end() :]}"
