"""A library's decisions as a document, line by line, so that memory stays flat."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from albumen.exchange.document import FORMAT, VERSION, ExportError
from albumen.library.store import Store, locations, pair_decisions, tags
from albumen.library.store.connection import Database, now
from albumen.tags import vocabulary
from albumen.whole_file import replacing

_BEGINNING = f'{{\n "format": "{FORMAT}"'
"""What every export begins with: a file that does not is not written over."""


@dataclass(frozen=True, slots=True)
class Exported:
    """How much was written: decisions about tags, pictures they are about, decided pairs."""

    tags: int = 0
    pictures: int = 0
    pairs: int = 0


def export(store: Store, file: Path) -> Exported:
    """Write the decisions to a file, which is whole or as it was before.

    An older export is replaced; any other file is not: raises ExportError.
    """
    if os.path.lexists(file) and not _is_export(file):
        raise ExportError(f"{file} is there and is no export of Albumen; choose another name")
    with replacing(file) as out:
        # A byte of a path that is no UTF-8 becomes \udcXX, which JSON takes for the same.
        return write(store, lambda text: out.write(text.encode("utf-8", "backslashreplace")))


def write(store: Store, put: Callable[[str], object], *, ascii: bool = False) -> Exported:
    """Give `put` the document's text, piece by piece."""
    said = pictures = pairs = 0
    store.db.execute("BEGIN")  # one moment of the library, however long the writing takes
    try:
        put(_head(store, ascii))
        for tagged in _tagged(store.db):
            put(_item(pictures, tagged, ascii))
            said, pictures = said + len(tagged["tags"]), pictures + 1
        put('\n ],\n "pairs": [')
        for pair in _pairs(store.db):
            put(_item(pairs, pair, ascii))
            pairs += 1
        put("\n ]\n}\n")
    finally:
        store.db.execute("COMMIT")
    return Exported(said, pictures, pairs)


def _head(store: Store, ascii: bool) -> str:
    own = store.setting(vocabulary.SETTING)
    words = None if own is None else own.splitlines()
    head = [
        _BEGINNING,
        f' "version": {VERSION}',
        f' "exported": {_json(now(), ascii)}',
        f' "vocabulary": {_json(words, ascii)}',
        ' "tags": [',
    ]
    return ",\n".join(head)


def _item(number: int, value: dict[str, Any], ascii: bool) -> str:
    return ("," if number else "") + "\n  " + _json(value, ascii)


def _json(value: Any, ascii: bool) -> str:
    return json.dumps(value, ensure_ascii=ascii)


def _is_export(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return opened.read(len(_BEGINNING)) == _BEGINNING.encode()


def _tagged(db: Database) -> Iterator[dict[str, Any]]:
    for picture, said in groupby(tags.decisions(db), key=lambda one: one.picture):
        yield {
            "picture": picture.hex(),
            "path": _path(db, picture),
            "tags": [{"tag": one.tag, "has": one.has, "at": one.at} for one in said],
        }


def _pairs(db: Database) -> Iterator[dict[str, Any]]:
    for pair in pair_decisions.all_decisions(db):
        yield {
            "first": pair.first.hex(),
            "second": pair.second.hex(),
            "verdict": pair.verdict,
            "at": pair.at,
            "paths": [_path(db, pair.first), _path(db, pair.second)],
        }


def _path(db: Database, picture: bytes) -> str | None:
    """Where a photo with this picture lies, if one does."""
    row = db.execute(
        """SELECT r.path, l.relative FROM location l JOIN root r ON r.id = l.root
           WHERE l.gone IS NULL AND l.photo IN (
             SELECT id FROM photo WHERE image_hash = ?1
             UNION SELECT id FROM photo WHERE content_hash = ?1)
           ORDER BY l.id LIMIT 1""",
        (picture,),
    ).fetchone()
    return str(locations.full_path(*row)) if row else None
