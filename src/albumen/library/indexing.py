"""The pipeline of `albumen index`: stages joined by bounded channels.

    walk + survey ──▶ read, hash, decode (N threads) ──▶ describe (batches) ──▶ commit
     one thread              many files at once             one thread        the caller

Files that are known and unchanged end at the survey and are never opened. The caller's thread
alone writes to the library, at least every second while there is something to write, and alone
calls `on_event`. A stage's failure for one photo is a value that is committed like the rest.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from albumen.errors import UsageError
from albumen.library import evidence, words
from albumen.library.channel import Budget, Channel
from albumen.library.commit import Outcome, PackRows
from albumen.library.decode import DecodeWorkers
from albumen.library.describe import Describer
from albumen.library.develop import develop
from albumen.library.events import Committed, Event, Notice, Progress, Started, Summary
from albumen.library.home import Home
from albumen.library.identify import identify
from albumen.library.ledger import Ledger
from albumen.library.pace import Pace
from albumen.library.records import Decoded, Described, Failure, Seen
from albumen.library.scan import Entry, ScanProblem, is_sidecar, scan
from albumen.library.store import Store, embeddings, locations, roots
from albumen.library.survey import Survey, Surveyor, newest_location
from albumen.packs import Pack, heap
from albumen.packs.preprocessing import Pixels
from albumen.packs.runtime import cores

__all__ = ["Committed", "Event", "Notice", "Progress", "Started", "Summary", "index"]

A_CORE, BATCH = 4, 32
"""Photos a batch, at most: so many for each core, and in all. More gain nothing and take memory."""

FINISH_SECONDS = 5.0
"""How long Ctrl-C waits for the photos in hand; a picture that takes longer is left."""

BYTES_IN_FLIGHT = 128 << 20
"""Bytes of files held at a time, by all threads together; a larger file goes alone."""

WAITING_FILES = 4096
"""Files that wait to be read, names only."""

_NO_PACK_SHORT_SIDE = 64
"""Without a pack, pictures are decoded only to know that they can be."""


@dataclass(frozen=True, slots=True)
class _Options:
    include: Sequence[str]
    exclude: Sequence[str]
    hidden: bool
    retry_failed: bool


@dataclass(frozen=True, slots=True)
class _Developed:
    """A decoded photo on its way to the pack."""

    outcome: Outcome
    decoded: Decoded


def index(
    home: Home,
    paths: Sequence[Path],
    pack: Pack | None,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    hidden: bool = False,
    retry_failed: bool = False,
    fingerprint: Pack | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Summary:
    """Take the photos under `paths` into the library; makes the library if there is none.

    Without a `pack`, photos are recorded with dates and places, and a later run adds embeddings.
    Likewise the evidence of copies, which is kept with the `fingerprint` pack.
    Ctrl-C commits what was done and goes on as KeyboardInterrupt. Raises UsageError for a path
    that does not exist, LibraryError when the library cannot be written or is being written by
    another run; all that was reported by `Committed` is kept in any case.
    """
    options = _Options(include, exclude, hidden, retry_failed)
    for path in paths:
        _check(path)
    heap.share_one()
    with home.writer_lock(), Store.open(home, create=True) as store:
        return _Run(store, pack, fingerprint, options, on_event).run(paths)


def _check(path: Path) -> None:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(
            f"{path} does not exist; check the path, or connect the disk it lies on"
        ) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{path} cannot be read ({reason}); check its permissions") from None


_Describe = Callable[[Sequence[Decoded], Sequence[Pixels]], list[Described | None]]


class _Run:
    def __init__(
        self,
        store: Store,
        pack: Pack | None,
        fingerprint: Pack | None,
        options: _Options,
        on_event: Callable[[Event], None],
    ):
        self.store = store
        self.pack = pack
        self.fingerprint = fingerprint
        self.options = options
        self.on_event = on_event
        self.rows = PackRows(self._row(pack), self._row(fingerprint))
        self.readers = max(2, cores())
        self.batch = min(BATCH, A_CORE * cores())
        self.budget = Budget(BYTES_IN_FLIGHT)
        self.files: Channel[Seen] = Channel(WAITING_FILES)
        self.developed: Channel[_Developed] = Channel(2 * self.batch, producers=self.readers)
        self.results: Channel[Survey | Outcome | Notice | Exception] = Channel(
            4 * BATCH, producers=self.readers + 2
        )
        self.inbox: deque[Survey | Outcome | Notice | Exception] = deque()
        self.ledger = Ledger(store, self.rows, on_event)

    def _row(self, pack: Pack | None) -> int | None:
        if pack is None:
            return None
        with self.store.db.transaction():
            return embeddings.pack_row(self.store.db, pack)

    def run(self, paths: Sequence[Path]) -> Summary:
        """The whole run; see `index`."""
        began = time.monotonic()
        newest = newest_location(self.store)
        surveyors = self._claim(paths)
        self.on_event(Started(0))
        with DecodeWorkers() as workers:
            threads = self._start(surveyors, workers)
            try:
                self._commit_results()
            except KeyboardInterrupt:
                self._finish_what_is_in_hand()
                raise
            finally:
                self._stop(threads)
        removed = self._remove_missing(surveyors, newest)
        return self.ledger.summary(removed, time.monotonic() - began)

    def _claim(self, paths: Sequence[Path]) -> list[Surveyor]:
        """Claim each path, so that no file is met twice: a path inside another is part of it."""
        surveyors: list[Surveyor] = []
        for path in _outermost(paths):
            with self.store.db.transaction():
                claim = roots.claim(self.store.db, path if path.is_dir() else path.parent)
            if path.is_dir() and any(claim.is_same_place(other.claim) for other in surveyors):
                continue  # the same folder, reached through a link
            self._tell(claim)
            surveyors.append(
                Surveyor(path, claim, self.rows.used, retry_failed=self.options.retry_failed)
            )
        return surveyors

    def _tell(self, claim: roots.Claim) -> None:
        if claim.became == "renamed":
            self.on_event(
                Notice(f"{claim.root.path} was known under another path before; it is taken on")
            )
        elif claim.became == "replaced":
            self.on_event(
                Notice(
                    f"{claim.root.path} is not the folder that was indexed there before; what is "
                    "known of that one is kept until it comes back"
                )
            )

    # Threads

    def _start(self, surveyors: list[Surveyor], workers: DecodeWorkers) -> list[threading.Thread]:
        stages: list[Callable[[], None]] = [
            lambda: self._survey(surveyors),
            self._describe,
            *[lambda: self._develop(workers)] * self.readers,
        ]
        threads = [
            threading.Thread(target=self._guarded, args=(stage,), daemon=True) for stage in stages
        ]
        for thread in threads:
            thread.start()
        return threads

    def _guarded(self, stage: Callable[[], None]) -> None:
        """Run a stage to its end; what it raises is raised again where the run was called."""
        try:
            stage()
        except Exception as error:
            self.results.put(error)
        finally:
            self.results.close()

    def _survey(self, surveyors: list[Surveyor]) -> None:
        """Walk; hand on what is to be read, and report the rest."""
        try:
            with self.store.another() as store:
                for surveyor in surveyors:
                    for survey in surveyor.survey(store, self._walk(surveyor.path)):
                        self.results.put(survey)
                        if not all(self.files.put(seen) for seen in survey.todo):
                            return
        finally:
            self.files.close()

    def _walk(self, path: Path) -> Iterator[Entry | ScanProblem]:
        return scan(
            path,
            include=self.options.include,
            exclude=self.options.exclude,
            hidden=self.options.hidden,
            never=[self.store.home.path],
        )

    def _develop(self, workers: DecodeWorkers) -> None:
        """Read, hash and decode files, one after the other."""
        try:
            with self.store.another() as store:
                for seen in self.files:
                    with self.budget.hold(seen.size):
                        result = self._develop_one(store, seen, workers)
                    if isinstance(result, _Developed):
                        self.developed.put(result)
                    else:
                        self.results.put(result)
        finally:
            self.developed.close()

    def _develop_one(
        self, store: Store, seen: Seen, workers: DecodeWorkers
    ) -> Outcome | _Developed:
        if is_sidecar(seen.relative):
            return _read_sidecar(seen)
        standing: list[locations.Standing | None] = []

        def is_settled(content: bytes) -> bool:
            standing.append(locations.standing(store.db, content, self.rows.used))
            return self._is_settled(standing[-1])

        identified = identify(seen, is_settled)
        if isinstance(identified, Failure):
            return Outcome(seen, failures=(identified,))
        outcome = Outcome(identified.seen, identified.content_hash)
        if identified.settled:
            return outcome
        if standing == ["untold"] and identified.data is not None:
            return replace(outcome, told=words.read(identified.data))
        decoded, failures = develop(
            identified,
            short_side=self._short_side,
            fit=self.pack.preprocessing.apply if self.pack else None,
            fingerprint=self.fingerprint.preprocessing.apply if self.fingerprint else None,
            workers=workers,
        )
        # What waits for its commit holds no pixels.
        outcome = replace(outcome, decoded=decoded and decoded.record, failures=failures)
        return _Developed(outcome, decoded) if decoded and self.rows.used else outcome

    @property
    def _short_side(self) -> int:
        """The least that all who look at a picture need."""
        packs = [pack for pack in (self.pack, self.fingerprint) if pack]
        sides = [pack.preprocessing.short_side for pack in packs]
        return max([_NO_PACK_SHORT_SIDE, *sides, evidence.SIDE if self.fingerprint else 0])

    def _is_settled(self, standing: locations.Standing | None) -> bool:
        if standing in (None, "todo", "untold"):
            return False
        return standing == "done" or not self.options.retry_failed

    def _describe(self) -> None:
        """Run the packs over batches of decoded photos."""
        searched = self._describer(self.pack, "embeddings")
        copied = self._describer(self.fingerprint, "evidence of copies")
        pace = Pace(self.batch)
        while batch := self.developed.take(pace.size, seconds=0.2):
            began = time.monotonic()
            photos = [developed.decoded for developed in batch]
            described = searched(photos, [photo.pixels for photo in photos])
            printed = copied(photos, [photo.evidence.pixels for photo in photos if photo.evidence])
            pace.took(len(batch), time.monotonic() - began)
            for developed, one, other in zip(batch, described, printed, strict=True):
                outcome = replace(developed.outcome, described=one, fingerprinted=other)
                self.results.put(outcome)

    def _describer(self, pack: Pack | None, what: str) -> "_Describe":
        """One pack's part; when the pack turns out not to run at all, that is told once."""
        if pack is None:
            return lambda photos, pixels: [None] * len(photos)
        describer, told = Describer(pack), False

        def describe(photos: Sequence[Decoded], pixels: Sequence[Pixels]) -> list[Described | None]:
            nonlocal told
            described = describer.describe(photos, pixels)
            if describer.broken and not told:
                reason = describer.broken.reason
                told = self.results.put(Notice(f"photos are recorded without {what}: {reason}"))
            return [*described]

        return describe

    # The caller's thread

    def _commit_results(self) -> None:
        while self._take_results():
            self.ledger.commit_if_due()
            self.ledger.tell()
        self.ledger.commit()
        self.ledger.tell(last=True)

    def _take_results(self) -> bool:
        """Enter what the stages report; False when nothing more can come."""
        self.inbox.extend(self.results.poll(0.1))
        taken = bool(self.inbox)
        while self.inbox:
            result = self.inbox.popleft()
            if isinstance(result, Exception):
                raise result
            if isinstance(result, Notice):
                self.on_event(result)
            else:
                self.ledger.enter(result)
                self.ledger.commit_if_due()
        return taken or not self.results.ended

    def _finish_what_is_in_hand(self) -> None:
        """After Ctrl-C: read nothing more, but commit what was being worked on."""
        self.files.stop()
        until = time.monotonic() + FINISH_SECONDS
        while self._take_results() and time.monotonic() < until:
            pass
        self.ledger.commit()

    def _stop(self, threads: list[threading.Thread]) -> None:
        for channel in (self.files, self.developed, self.results):
            channel.stop()
        for thread in threads:
            thread.join(timeout=5)

    def _remove_missing(self, surveyors: list[Surveyor], newest: int) -> int:
        """Note which places hold their photo no longer; none of a folder suddenly empty."""
        removed = 0
        for surveyor in surveyors:
            if not surveyor.path.is_dir():
                continue
            photos, others = surveyor.missing(self.store, newest)
            if photos and not surveyor.pictures:
                self.on_event(
                    Notice(
                        f"{surveyor.claim.root.path} holds no picture any more; what is known of "
                        f"{len(photos)} is kept, in case its disk is away"
                    )
                )
                continue
            with self.store.db.transaction():
                locations.set_gone(self.store.db, photos + others)
                if not surveyor.claim.below:
                    roots.set_scanned(self.store.db, surveyor.claim.root)
            removed += len(photos)
        return removed


def _read_sidecar(seen: Seen) -> Outcome:
    if seen.size > words.LARGEST_SIDECAR:
        reason = f"the sidecar is larger than {words.LARGEST_SIDECAR >> 20} MB"
        return Outcome(seen, failures=(Failure("metadata", "failed", reason),))
    identified = identify(seen, lambda content: False)
    if isinstance(identified, Failure):
        return Outcome(seen, failures=(identified,))
    try:
        return Outcome(identified.seen, told=words.read_sidecar(identified.data or b""))
    except words.SidecarError as error:
        return Outcome(identified.seen, failures=(Failure("metadata", "failed", str(error)),))


def _outermost(paths: Sequence[Path]) -> list[Path]:
    """Absolute paths, without those that lie inside others."""
    whole = sorted({Path(os.path.abspath(path)) for path in paths})  # noqa: PTH100 (keeps links)
    outermost: list[Path] = []
    for path in whole:
        if not outermost or not path.is_relative_to(outermost[-1]):
            outermost.append(path)
    return outermost
