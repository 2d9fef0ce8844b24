"""The last stage: what a file turned out to be, written to the store."""

import sqlite3
from dataclasses import dataclass
from typing import Literal, NamedTuple

from albumen.library.records import Decoded, Described, Failure, Seen, Told
from albumen.library.store import Store, copies, embeddings, failures, locations, photos, told

Counted = Literal["indexed", "unchanged", "moved", "skipped", "failed", "sidecars"]
"""How a file counts in the summary."""


class PackRows(NamedTuple):
    """The rows of the packs in use: the one that searches use, and the fingerprint's."""

    pack: int | None
    fingerprint: int | None = None

    @property
    def used(self) -> tuple[int, ...]:
        """Those that there are."""
        return tuple(row for row in self if row is not None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a run learned of one file.

    Without `content_hash`, the file gave no content; if it is a sidecar, `told` is what it says.
    Beside a content that was known, `told` is what an earlier version did not read. Without
    `decoded`, the content was known already and left nothing to do, or gave no picture; `failures`
    tell which.
    """

    seen: Seen
    content_hash: bytes | None = None
    decoded: Decoded | None = None
    described: Described | None = None
    fingerprinted: Described | None = None
    told: Told | None = None
    failures: tuple[Failure, ...] = ()

    def told_by(self, rows: PackRows) -> list[tuple[int, Described]]:
        """What each pack said."""
        pairs = zip(rows, (self.described, self.fingerprinted), strict=True)
        return [(row, said) for row, said in pairs if row is not None and said is not None]


def write(store: Store, outcome: Outcome, rows: PackRows) -> Counted:
    """Write one outcome, inside a transaction, and say how it counts.

    What the database refuses to take costs this photo alone and is noted as its failure.
    """
    try:
        with store.db.savepoint():
            return _write(store, outcome, rows)
    except (sqlite3.IntegrityError, OverflowError, ValueError) as error:
        reason = f"it could not be recorded ({error})"
        failure = Failure("commit", "failed", reason, lasting=False)
        with store.db.savepoint():
            return _write_refused(store, outcome.seen, failure)


def _write(store: Store, outcome: Outcome, rows: PackRows) -> Counted:
    if outcome.content_hash is None:
        if outcome.told is not None:
            return _write_sidecar(store, outcome.seen, outcome.told)
        return _write_refused(store, outcome.seen, outcome.failures[0])
    db, seen = store.db, outcome.seen
    before = locations.find(db, seen)
    photo, is_new = photos.identify(db, outcome.content_hash, seen.size)
    location = locations.save(db, seen, photo)
    if before is not None:
        failures.clear_location(db, location)
    is_here = before is not None and before.photo == photo and not before.gone
    has_moved = not is_new and not is_here and locations.leave_vanished(db, photo, seen)
    gained = _write_content(store, photo, outcome, rows)
    standing = locations.standing(db, outcome.content_hash, rows.used)
    if standing in ("skipped", "failed"):
        return standing
    if standing == "todo":  # it failed this time, and not for good
        return "failed"
    if has_moved:
        return "moved"
    return "unchanged" if is_here and not gained else "indexed"


def _write_content(store: Store, photo: int, outcome: Outcome, rows: PackRows) -> bool:
    """Write what decoding and the packs gave. Whether the library knows more than before."""
    db = store.db
    gained = False
    if outcome.decoded is not None:
        gained = photos.save_decoded(db, photo, outcome.decoded)
        told.save_of_photo(db, photo, outcome.decoded.told)
        told.date_by_sidecar(db, photo)
        failures.clear_photo(db, photo, ("decode", "metadata"))
        if outcome.decoded.evidence is not None:
            copies.keep_evidence(db, photo, outcome.decoded.evidence)
    elif outcome.told is not None:
        told.save_of_photo(db, photo, outcome.told)
    for failure in outcome.failures:
        failures.keep_of_photo(db, photo, failure, None)
        if failure.stage == "decode" and failure.lasting:
            photos.set_failed(db, photo)
    for row, said in outcome.told_by(rows):
        if said.embedding is not None:
            gained |= embeddings.add(db, row, photo, said.embedding)
            failures.clear_photo(db, photo, ("describe",), row)
        for failure in said.failures:
            failures.keep_of_photo(db, photo, failure, row)
    return gained


def _write_sidecar(store: Store, seen: Seen, said: Told) -> Counted:
    location = locations.save(store.db, seen, None)
    failures.clear_location(store.db, location)
    told.save_of_sidecar(store.db, location, said)
    return "sidecars"


def _write_refused(store: Store, seen: Seen, failure: Failure) -> Counted:
    """Note why a file gave no content. A photo known to lie there stays until it is missed."""
    before = locations.find(store.db, seen)
    if before is not None and before.photo is not None and not before.gone:
        location = before.id
    else:
        location = locations.save(store.db, seen, None)
        failures.clear_location(store.db, location)
    failures.keep_of_location(store.db, location, failure)
    return failure.status
