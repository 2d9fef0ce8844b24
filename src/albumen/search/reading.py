"""A query's words as the pack can read them: what it never met is left out, and said so.

A pack may bring the words that its training met, most frequent first. A word that is not among them
is read as its other spelling (colour, color), its singular or plural, or as a known word that one
slip of the pen away lies; else it is left out, since a text tower would make up a meaning from its
syllables. A pack without such a list reads everything as it stands.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SHORTEST_SLIP = 4  # letters: a shorter word is one slip away from too many others
SHORTEST_PLURAL, FAR_RARER = 6, 8  # letters; by how many times further back among the words
WORD = re.compile(r"[^\W\d_]+")
SMALL = {
    "a", "an", "the", "and", "or", "of", "in", "on", "at", "by", "to", "for", "from", "with",
    "without", "is", "are", "be", "it", "its", "this", "that",
}  # words that say nothing alone  # fmt: skip

# Endings and words that British and American English spell differently, British first.
ENDINGS = (
    ("our", "or"), ("ours", "ors"), ("oured", "ored"), ("ourful", "orful"), ("re", "er"),
    ("res", "ers"), ("ise", "ize"), ("ised", "ized"), ("ising", "izing"), ("yse", "yze"),
    ("ogue", "og"), ("lling", "ling"), ("lled", "led"), ("ller", "ler"), ("llers", "lers"),
    ("ence", "ense"),
)  # fmt: skip
SPELLINGS = (
    ("grey", "gray"), ("tyre", "tire"), ("tyres", "tires"), ("aeroplane", "airplane"),
    ("aeroplanes", "airplanes"), ("jewellery", "jewelry"), ("pyjamas", "pajamas"),
    ("moustache", "mustache"), ("plough", "plow"), ("doughnut", "donut"), ("kerb", "curb"),
    ("doughnuts", "donuts"), ("storey", "story"), ("mum", "mom"), ("aluminium", "aluminum"),
    ("yoghurt", "yogurt"), ("axe", "ax"), ("sceptre", "scepter"), ("woollen", "woolen"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read in a text's place; `known`: whether any word of it is that says something."""

    text: str
    notices: tuple[str, ...]
    known: bool


def read(text: str, words: Sequence[str]) -> Reading:
    """How a pack that knows these words, most frequent first, reads the text."""
    if not words:
        return Reading(text, (), True)
    rank = {word: place for place, word in reversed(list(enumerate(words)))}
    notices: list[str] = []
    left = 0

    def known(found: re.Match[str]) -> str:
        nonlocal left
        word = found[0].lower()
        meant = _meant(word, rank)
        if meant is None:
            notices.append(f'the pack does not know "{found[0]}"; it was left out')
            return ""
        left += meant[0] not in SMALL
        if meant[1]:
            notices.append(f'"{found[0]}" was read as "{meant[0]}"')
        return found[0] if meant[0] == word else meant[0]

    kept = " ".join(WORD.sub(known, text).split())
    if left:
        return Reading(kept, tuple(notices), True)
    return Reading(text, tuple(notices), not WORD.search(text))


def _meant(word: str, rank: dict[str, int]) -> tuple[str, bool] | None:
    """The known word that is meant, and whether that is a guess; None if there is none."""
    spellings = (word, *_other_spellings(word))
    spelt = [each for each in spellings if each in rank]
    if spelt:
        best = min(spelt, key=rank.__getitem__)
        return _usual_number(best, rank), False
    numbers = (each for spelling in spellings for each in _other_numbers(spelling))
    counted = [each for each in numbers if each in rank]
    if counted:
        return min(counted, key=rank.__getitem__), False
    slips = _slips(word) if len(word) >= SHORTEST_SLIP else ()
    near = {each for each in slips if each in rank}
    return (min(near, key=rank.__getitem__), True) if near else None


def _usual_number(word: str, rank: dict[str, int]) -> str:
    """The singular of a plural that is far rarer: the tower hardly knows what "churches" are."""
    if len(word) < SHORTEST_PLURAL:  # "news" is not the plural of "new"
        return word
    singular = next((each for each in _other_numbers(word) if each in rank and each < word), word)
    return singular if rank[word] >= FAR_RARER * (rank[singular] + 1) else word


def _other_spellings(word: str) -> Iterator[str]:
    for pair in SPELLINGS:
        if word in pair:
            yield pair[word == pair[0]]
    for british, american in ENDINGS:
        for here, there in ((british, american), (american, british)):
            if word.endswith(here) and len(word) > len(here) + 1:
                yield word.removesuffix(here) + there


def _other_numbers(word: str) -> Iterator[str]:
    """The singular of a plural, and the plural of a singular."""
    if word.endswith("ies"):
        yield word[:-3] + "y"
    if word.endswith("ves"):
        yield word[:-3] + "f"
        yield word[:-3] + "fe"
    if word.endswith("es"):
        yield word[:-2]
    if word.endswith("s"):
        yield word[:-1]
    yield word + "s"
    yield word + "es"
    if word.endswith("y"):
        yield word[:-1] + "ies"


def _slips(word: str) -> Iterator[str]:
    """All that one wrong, missing, further or swapped letter makes of it; the first one stays."""
    for at in range(1, len(word) + 1):
        head, tail = word[:at], word[at:]
        yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in LETTERS:
            yield head + letter + tail
            yield head + letter + tail[1:]
