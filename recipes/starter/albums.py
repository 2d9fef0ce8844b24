"""Albums of pictures kept to choose by, with queries of which it is known what they should find.

An album is mixed as `background.ALBUM` says. What a query should find is known of labels, of their
wider words ("something to drink from") and of captions. A picture of which it is doubtful, since
the teacher or a caption hints at the thing, is in no album in which that thing is sought.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from recipes.starter.background import ALBUM
from recipes.starter.concepts import plain
from recipes.starter.lessons import Lessons
from recipes.starter.matches import Matcher, framed

ABSENT = Path(__file__).with_name("absent.txt")
LABELLED = ("scenes6", "rooms4", "flowers5", "catsdogs", "petimages", "imagenette")
OFTEN = {25: 600, 50: 600, 100: 600, 500: 300, 2000: 200}
"""Photos of an album, and how many such albums there are of each kind of trial."""
SMALL = 50  # photos of an album in which the only photo or two of a thing are sought
SHARES = (0.005, 0.01, 0.03, 0.06)  # of a large album's photos that show what is sought
PEOPLE = re.compile(r"\b(person|people|human|some(body|one)|man|woman|face|portrait)\b")
"""Wider words with these are not sought: far more pictures show people than say so."""
NO_MEANING = "a an the of in on with to from at for and by or its it is something thing used"


@dataclass(frozen=True)
class Trial:
    """A query in an album. rows: of its pictures. right: which of these it should find; kind: what
    is counted of it, "few", "many", "caption" or "source"; or "absent", where it should find none.
    source: whose pictures alone the album holds.
    """

    kind: str
    query: str
    rows: np.ndarray
    right: np.ndarray
    source: str | None = None


class Albums:
    """Draws trials from the rows of pictures kept to choose by."""

    def __init__(self, lessons: Lessons, matcher: Matcher, rows: np.ndarray) -> None:
        self.rows, self.concepts = rows, matcher.concepts
        self.described = [lessons.described[row] for row in rows]
        self.source = lessons.source[rows]
        truth, self.own = matcher.truths(rows)  # (N, C)
        self.words = [words(" ".join((*d.captions, *d.names))) for d in self.described]
        self.said = np.array([bool(d.captions) for d in self.described])
        names = [words(" ".join(phrases)) for phrases in self.concepts.phrases]
        hints = np.array([[bool(own & name) for name in names] for own in self.words])
        self.doubtful = ((truth > 0) | (hints & self.said[:, np.newaxis])) & ~self.own
        sizes = {source: (self.source == source).sum() for source in ALBUM}
        self.weight = np.array([ALBUM.get(s, 0) / sizes.get(s, 1) for s in self.source])
        sought = self.own.sum(0) >= 2
        wide = self.concepts.is_group
        people = np.array([bool(PEOPLE.search(" ".join(p))) for p in self.concepts.phrases])
        self.kinds = [np.flatnonzero(sought & ~wide), np.flatnonzero(sought & wide & ~people)]
        self.absent = [t for t in ABSENT.read_text().splitlines() if not t.startswith("#")]

    def trials(self, random: np.random.Generator) -> Iterator[Trial]:
        """Those of every kind and size."""
        for size, often in OFTEN.items():
            for _ in range(often):
                if size <= SMALL:
                    yield self._found("few", size, int(random.integers(1, 3)), random)
                    yield self._captioned(size, random)
                else:
                    shown = max(1, round(size * random.choice(SHARES)))
                    yield self._found("many", size, shown, random)
                yield self._missed(str(random.choice(self.absent)), size, random)
        yield from self._sources()

    def _found(self, kind: str, size: int, right: int, random: np.random.Generator) -> Trial:
        """A label or a wider word, of which so many pictures of the album are right."""
        concept = int(random.choice(self.kinds[random.integers(2)]))
        phrase = str(random.choice(self.concepts.phrases[concept]))
        if not self.concepts.is_group[concept]:
            phrase = framed(phrase, random)
        own = np.flatnonzero(self.own[:, concept])
        # Of each source as many: most of all pictures are Tiny ImageNet's, of 64 pixels.
        even = np.array([1 / (self.source[own] == s).sum() for s in self.source[own]])
        right = min(right, len(own))
        chosen = random.choice(own, right, replace=False, p=even / even.sum())
        others = ~self.own[:, concept] & ~self.doubtful[:, concept]
        return self._trial(kind, phrase, chosen, self._others(others, size - right, random))

    def _captioned(self, size: int, random: np.random.Generator) -> Trial:
        """One of a picture's captions, in an album with that picture."""
        row = int(random.choice(np.flatnonzero(self.said)))
        caption = plain(str(random.choice(self.described[row].captions)))
        others = np.arange(len(self.rows)) != row
        return self._trial(
            "caption", caption, np.array([row]), self._others(others, size - 1, random)
        )

    def _missed(self, thing: str, size: int, random: np.random.Generator) -> Trial:
        sought = words(thing)
        others = np.array([not own & sought for own in self.words])
        nothing = np.array([], np.int64)
        return self._trial("absent", thing, nothing, self._others(others, size, random))

    def _sources(self) -> Iterator[Trial]:
        """Each source's labels, and the absent things, among the source's pictures."""
        for source in LABELLED:
            own = np.flatnonzero(self.source == source)
            labels = np.array([self.described[i].label for i in own])
            for label in np.unique(labels):
                right = own[labels == label]
                yield self._trial("source", str(label), right, own[labels != label], source)
            for thing in self.absent:
                yield self._trial("absent", thing, own[:0], own, source)

    def _others(self, which: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
        """So many of these pictures, or all that there are, in the album's mix."""
        rows = np.flatnonzero(which & (self.weight > 0))
        # Sampling by weight without replacement (Efraimidis and Spirakis, 2006).
        order = np.argsort(random.exponential(size=len(rows)) / self.weight[rows])
        return rows[order[:count]]

    @staticmethod
    def _trial(
        kind: str, query: str, right: np.ndarray, others: np.ndarray, source: str | None = None
    ) -> Trial:
        rows = np.concatenate([right, others]).astype(np.int64)
        return Trial(kind, query, rows, np.arange(len(rows)) < len(right), source)


def words(text: str) -> set[str]:
    """The words that mean something, plurals as one."""
    met = set(re.findall("[a-z]+", text.lower())) - {*NO_MEANING.split()}
    return {word[:-1] if word.endswith("s") and len(word) > 3 else word for word in met}
