"""The words of a query among those that people wrote: keywords, captions, titles, tags by hand.

What a person wrote of a photo is rarer and surer than what a model makes of its pixels, and of a
name the model knows nothing. So photos whose own words hold every word of the query come before
all others. Those that hold some are moved up by what these words tell: a word that one photo of
100 says tells more than one that every third says, by the logarithm (as in naive Bayes, where
evidence is added). Within each, likeness decides. docs/tags.md compares it with other ways.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from albumen.library.store import words as stored

if TYPE_CHECKING:
    from albumen.library.store import Store

Ids = NDArray[np.int64]
Scores = NDArray[np.float32]

WEIGHT = 0.2
"""Standard deviations of the scores for each unit of evidence (a nat)."""

EXPECTED = 1.0
"""Nats that a word is short of: a photo that shows the thing may well not say the word."""

EVERY = 4.0
"""More than any two cosines are apart."""

MOST_TERMS = 32

_FREQUENT = """
  a an and are as at be by for from had has have he her his i in into is it its me my near of on or
  our over photo photos picture pictures she some that the their them there these they this those to
  under was we were who with you your"""
STOP_WORDS = frozenset(_FREQUENT.split())

_MONTHS = """
  jan january; feb february; mar march; apr april; may; jun june; jul july; aug august;
  sep sept september; oct october; nov november; dec december"""
MONTHS = {
    name: number for number, names in enumerate(_MONTHS.split(";"), 1) for name in names.split()
}

_STARS = re.compile(r"\b([1-5])[ -]?stars?\b")
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class Said:
    """Which photos hold which of the query's terms in their own words.

    terms: as they are told to people. ids (N,): sorted photos that hold at least one; holds (N, T).
    """

    terms: tuple[str, ...]
    ids: Ids
    holds: NDArray[np.bool_]

    @property
    def all_of_them(self) -> Ids:
        """Photos that hold every term."""
        return self.ids[self.holds.all(axis=1)]

    def of(self, photo: int) -> tuple[str, ...]:
        """The terms that a photo holds."""
        at = int(np.searchsorted(self.ids, photo))
        if at == len(self.ids) or self.ids[at] != photo:
            return ()
        return tuple(term for term, held in zip(self.terms, self.holds[at], strict=True) if held)

    def raised(self, ids: Ids, scores: Scores) -> Scores:
        """The scores (N,) by which photos are ordered."""
        at = np.searchsorted(self.ids, ids)
        known = at < len(self.ids)
        known[known] = self.ids[at[known]] == ids[known]
        holds = self.holds[at[known]]
        frequency = (holds.sum(axis=0) + 0.5) / (len(ids) + 1)
        evidence = np.maximum(-np.log(frequency) - EXPECTED, 0)
        some = WEIGHT * (holds @ evidence) * (scores.std() if len(scores) else 0)
        ordered = scores.copy()
        ordered[known] += np.where(holds.all(axis=1), EVERY, some).astype(np.float32)
        return ordered


def said(store: "Store", texts: Sequence[str]) -> Said | None:
    """What the library's photos say of these texts; None if no photo says anything of them."""
    asked = list(terms(" ".join(texts)))[:MOST_TERMS]
    if not asked or not stored.any_words(store.db):
        return None
    holders = [stored.photos_that_say(store.db, term) for term in asked]
    ids = np.unique(np.concatenate(holders))
    if not len(ids):
        return None
    holds = np.stack([np.isin(ids, some, assume_unique=True) for some in holders], axis=1)
    return Said(tuple(term.shown for term in asked), ids, holds)


def terms(text: str) -> Iterator[stored.Term]:
    """What is looked for, each once: stars, dates, then words; a word's frequent company is not."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    for match in _STARS.finditer(plain):
        yield stored.Stars(int(match[1]))
    words = list(dict.fromkeys(re.findall(r"[^\W_]+", _STARS.sub(" ", plain))))
    years = [word for word in words if _YEAR.fullmatch(word)]
    months = [MONTHS[word] for word in words if word in MONTHS] if years else []
    for year in years:
        yield stored.Taken(int(year), tuple(months))
    rest = [word for word in words if word not in years and not (months and word in MONTHS)]
    for word in [word for word in rest if word not in STOP_WORDS] or (rest if not years else []):
        yield stored.Word(word)
    for sign in dict.fromkeys(c for c in plain if unicodedata.category(c) == "So"):
        yield stored.Sign(sign)
