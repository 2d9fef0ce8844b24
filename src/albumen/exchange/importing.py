"""A document into a library, by content: photos that are not indexed yet find it when they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from albumen.exchange.document import LARGEST, Document, ExportError, Pair, parse
from albumen.library import tag_name
from albumen.library.records import LibraryError
from albumen.library.store import Store, pair_decisions, tags
from albumen.library.store.connection import Database
from albumen.library.store.pair_decisions import PairDecision
from albumen.library.store.tags import Decision
from albumen.tags import vocabulary
from albumen.tags.vocabulary import Vocabulary, VocabularyError

Words = Literal["taken", "kept", "same"]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import changed: decisions about tags, decided pairs, the vocabulary.

    `vocabulary`: "taken"; "kept", where the library has another of its own; or "same".
    `waiting`: pictures of the document that no photo of the library has; what was said of them is
    kept and counts when such a photo is indexed.
    """

    tags: int
    pairs: int
    vocabulary: Words
    waiting: int


def read(file: Path) -> Document:
    """The document in a file. Raises ExportError for what is none."""
    if file.is_dir():
        raise ExportError(f"{file} is a folder, and no export of Albumen")
    if file.stat().st_size > LARGEST:
        raise ExportError(f"{file} is larger than {LARGEST >> 20} MB, and no export of Albumen")
    return parse(file.read_bytes(), str(file))


def take(store: Store, document: Document, *, replace_vocabulary: bool = False) -> Imported:
    """Take the decisions of a document into a library, all or nothing.

    Of two decisions about the same, the later counts, whichever side it comes from. A library that
    has a vocabulary of its own keeps it, unless `replace_vocabulary`.
    """
    said = list(_said(document))
    pairs = [_pair(pair) for pair in document.pairs]
    words = _vocabulary(document)
    pictures = {one.picture for one in said}.union(*((one.first, one.second) for one in pairs))
    with store.db.transaction():
        tags_changed = tags.restore(store.db, said)
        pairs_changed = pair_decisions.restore(store.db, pairs)
        taken = _take_vocabulary(store, words, replace_vocabulary)
        waiting = sum(not _is_known(store.db, picture) for picture in pictures)
    return Imported(tags_changed, pairs_changed, taken, waiting)


def _said(document: Document) -> Iterator[Decision]:
    for tagged in document.tags:
        for one in tagged.tags:
            try:
                name = tag_name.clean(one.tag)
            except LibraryError as error:
                raise ExportError(f"the file cannot be taken: {error}") from None
            yield Decision(bytes.fromhex(tagged.picture), name, one.has, one.at)


def _pair(pair: Pair) -> PairDecision:
    first, second = bytes.fromhex(pair.first), bytes.fromhex(pair.second)
    return PairDecision(first, second, pair.verdict, pair.at)


def _vocabulary(document: Document) -> Vocabulary | None:
    if document.vocabulary is None:
        return None
    try:
        return vocabulary.parse("\n".join(document.vocabulary))
    except VocabularyError as error:
        raise ExportError(f"the file cannot be taken: {error}") from None


def _take_vocabulary(store: Store, words: Vocabulary | None, replace: bool) -> Words:
    try:
        own = vocabulary.of(store)
    except VocabularyError:  # one that cannot be read is the owner's all the same
        own = None
    if words is None or words == own:
        return "same"
    if own != vocabulary.default() and not replace:
        return "kept"
    vocabulary.keep(store, words)
    return "taken"


def _is_known(db: Database, picture: bytes) -> bool:
    row = db.execute(
        """SELECT EXISTS (SELECT 1 FROM photo WHERE image_hash = ?1)
               OR EXISTS (SELECT 1 FROM photo WHERE content_hash = ?1)""",
        (picture,),
    ).fetchone()
    return bool(row[0])
