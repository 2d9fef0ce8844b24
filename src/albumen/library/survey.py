"""What a walk finds, held against what the library knows; an unchanged file costs no more."""

# ruff: noqa: PTH116, PTH118

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from albumen.library.records import Failure, Seen
from albumen.library.scan import Entry, ScanProblem, is_sidecar
from albumen.library.store import Store, locations, roots
from albumen.library.store.locations import Known

CHUNK = 1000
"""Files looked up at a time: one query for each chunk."""


@dataclass(slots=True)
class Survey:
    """What one stretch of a walk gave.

    `settled`: files that need no work, by how they count ("unchanged", "moved", "skipped",
    "failed", "sidecars"); `todo`: files to read; `refused`: files that the walk passed over, to be
    noted; `back`: locations where files lie again that had been gone.
    """

    settled: dict[str, int] = field(default_factory=dict)
    todo: list[Seen] = field(default_factory=list)
    refused: list[tuple[Seen, Failure]] = field(default_factory=list)
    back: list[int] = field(default_factory=list)

    @property
    def found(self) -> int:
        """Files met."""
        return sum(self.settled.values()) + len(self.todo) + len(self.refused)

    def settle(self, outcome: str) -> None:
        """Count one file that needs no work."""
        self.settled[outcome] = self.settled.get(outcome, 0) + 1


class Surveyor:
    """Surveys `path`, which is or lies in the claimed folder; knows which places were not met.

    `packs`: the rows of the packs in use. Met or not is kept as one byte a location, so
    memory stays flat however large the library is.
    """

    def __init__(self, path: Path, claim: roots.Claim, packs: Sequence[int], *, retry_failed: bool):
        self.path = path
        self.claim = claim
        self.pictures = 0
        self._packs = packs
        self._retry_failed = retry_failed
        self._met = bytearray()

    def survey(self, store: Store, walk: Iterator[Entry | ScanProblem]) -> Iterator[Survey]:
        """The walk in stretches; each file is in exactly one of them."""
        while stretch := list(itertools.islice(walk, CHUNK)):
            relatives = [self._relative(found.relative) for found in stretch]
            known = locations.known(store.db, self.claim.root, relatives, self._packs)
            survey = Survey()
            for relative, found in zip(relatives, stretch, strict=True):
                self._consider(survey, relative, found, known.get(relative))
            yield survey

    def _relative(self, relative: bytes) -> bytes:
        below = self.claim.below
        return below + b"/" + relative if below and relative else below or relative

    def _consider(
        self, survey: Survey, relative: bytes, found: Entry | ScanProblem, known: Known | None
    ) -> None:
        if isinstance(found, ScanProblem):
            if known and (known.photo is None or known.gone):
                self._meet(known.id)  # else `missing` looks whether the photo still lies there
            self._refuse(survey, relative, found.failure, known)
            return
        self.pictures += not is_sidecar(relative)
        if known:
            self._meet(known.id)
        if known is None or self._has_work(known, found):
            survey.todo.append(self._seen(relative, found))
            return
        if known.gone:
            survey.back.append(known.id)
        is_read_sidecar = is_sidecar(relative) and known.standing == "done"
        survey.settle("sidecars" if is_read_sidecar else self._outcome(known))

    def _has_work(self, known: Known, found: Entry) -> bool:
        if not known.is_unchanged(found.size, found.mtime_ns) or known.standing in (
            "todo",
            "untold",
        ):
            return True
        return self._retry_failed and known.standing != "done"

    def _outcome(self, known: Known) -> str:
        if known.standing != "done":
            return known.standing
        return "moved" if self.claim.became == "renamed" else "unchanged"

    def _refuse(
        self, survey: Survey, relative: bytes, failure: Failure, known: Known | None
    ) -> None:
        if known and not known.gone and known.photo is None and known.standing == failure.status:
            survey.settle(failure.status)  # as noted before
        else:
            survey.refused.append((Seen(self.claim.root, relative, 0, 0, 0), failure))

    def _seen(self, relative: bytes, entry: Entry) -> Seen:
        return Seen(self.claim.root, relative, entry.size, entry.mtime_ns, entry.inode)

    def _meet(self, id: int) -> None:
        if id >= len(self._met):
            self._met.extend(bytes(id + 1 + len(self._met) // 2 - len(self._met)))
        self._met[id] = 1

    def missing(self, store: Store, newest: int) -> tuple[list[int], list[int]]:
        """Known places that were not met and where nothing lies: of photos, of other files.

        `newest`: the last location's id before this run. A file that the walk left out, by a
        pattern or in a folder that cannot be read, still lies there and is not among them.
        """
        photos, others = [], []
        top = os.fsencode(self.claim.root.path)
        unmet = list(self._unmet(store, newest))
        for id, relative, holds_photo in locations.by_ids(store.db, unmet):
            if not holds_photo:
                others.append(id)
            elif _is_missing(os.path.join(top, relative)):
                photos.append(id)
        return photos, others

    def _unmet(self, store: Store, newest: int) -> Iterator[int]:
        self._met.extend(bytes(max(0, newest + 1 - len(self._met))))
        for ids in roots.present(store.db, self.claim.root, self.claim.below):
            yield from (id for id in ids if id <= newest and not self._met[id])


def _is_missing(path: bytes) -> bool:
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def newest_location(store: Store) -> int:
    """The last location's id, 0 if there is none."""
    row = store.db.execute("SELECT ifnull(max(id), 0) FROM location").fetchone()
    return int(row[0])
