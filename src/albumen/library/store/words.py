"""Which photos say a word: in keywords, captions and titles, in tags by hand, by date or rating.

Words are compared as SQLite's full text does: without case and accents, English endings cut off.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from albumen.library.store.connection import Database, placeholders


@dataclass(frozen=True, slots=True)
class Word:
    """A word of letters and digits."""

    text: str

    @property
    def shown(self) -> str:
        """As people read it."""
        return self.text

    @property
    def match(self) -> str:
        """For full text. Scripts without spaces or cases are matched by the beginning of a word."""
        whole = any(unicodedata.category(c) == "Lo" for c in self.text)
        return f'"{self.text}"{"*" if whole else ""}'


@dataclass(frozen=True, slots=True)
class Sign:
    """An emoji, which full text passes over."""

    shown: str


@dataclass(frozen=True, slots=True)
class Stars:
    """A rating."""

    count: int

    @property
    def shown(self) -> str:
        """As people read it."""
        return f"{self.count} stars"


@dataclass(frozen=True, slots=True)
class Taken:
    """A year, or some months of it."""

    year: int
    months: tuple[int, ...] = ()

    @property
    def shown(self) -> str:
        """As people read it: 2024, 2024-05."""
        return ", ".join(f"{self.year}-{month:02}" for month in self.months) or str(self.year)


Term = Word | Sign | Stars | Taken


def any_words(db: Database) -> bool:
    """Whether anything is known of any photo in words, its date included."""
    row = db.execute(
        """SELECT EXISTS (SELECT 1 FROM told) OR EXISTS (SELECT 1 FROM tag_decision)
             OR EXISTS (SELECT 1 FROM photo WHERE taken IS NOT NULL)"""
    ).fetchone()
    return bool(row[0])


def photos_that_say(db: Database, term: Term) -> NDArray[np.int64]:
    """Sorted ids of the photos whose own words hold a term."""
    match term:
        case Word():
            rows = db.execute(f"{_TOLD} UNION {_TAGS.format(tags=_MATCHING)}", (term.match,))
        case Sign():
            rows = db.execute(_TAGS.format(tags=_WITH_SIGN), (term.shown,))
        case Stars():
            rows = db.execute(_RATED, (term.count,))
        case Taken():
            sql, parameters = _taken(term)
            rows = db.execute(sql, parameters)
    found = rows.fetchall()
    return np.unique(np.fromiter((row[0] for row in found), np.int64, len(found)))


_TOLD = """
  SELECT o.photo FROM told_of o
  WHERE o.told IN (SELECT rowid FROM told_words WHERE told_words MATCH ?1)"""

_MATCHING = "SELECT rowid FROM tag_words WHERE tag_words MATCH ?1"
_WITH_SIGN = "SELECT id FROM tag WHERE instr(name, ?1)"

_TAGS = """
  SELECT p.id FROM tag_decision d JOIN photo p ON p.image_hash = d.picture
    WHERE d.has AND d.tag IN ({tags})
  UNION
  SELECT p.id FROM tag_decision d JOIN photo p ON p.content_hash = d.picture
    WHERE d.has AND d.tag IN ({tags})
  UNION
  SELECT o.photo FROM told_keyword k JOIN told_of o ON o.told = k.told
    JOIN photo p ON p.id = o.photo
    WHERE k.tag IN ({tags}) AND NOT EXISTS (SELECT 1 FROM tag_decision d
      WHERE d.tag = k.tag AND NOT d.has AND d.picture IN (p.image_hash, p.content_hash))"""

_RATED = "SELECT o.photo FROM told t JOIN told_of o ON o.told = t.id WHERE t.rating = ?"


def _taken(term: Taken) -> tuple[str, Sequence[object]]:
    """By the camera's date, or a name's; a file's own time is a guess, and says nothing here."""
    sql = """SELECT id FROM photo WHERE taken >= ? AND taken < ?
               AND taken_source IN ('exif', 'xmp', 'name')"""
    parameters: list[object] = [f"{term.year}", f"{term.year + 1}"]
    if term.months:
        sql += f" AND substr(taken, 6, 2) IN ({placeholders(len(term.months))})"
        parameters += [f"{month:02}" for month in term.months]
    return sql, parameters
