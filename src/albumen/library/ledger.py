"""The account of a run: what it has found out, and how much of that is on the disk."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from albumen.library import commit
from albumen.library.commit import Outcome, PackRows
from albumen.library.events import Committed, Event, Progress, Summary
from albumen.library.store import Store, embeddings, locations
from albumen.library.survey import Survey

COMMIT_SECONDS = 0.5
"""The promise is a durable commit every two seconds; slow disks and busy machines need room."""

COMMIT_PHOTOS = 200
PROGRESS_SECONDS = 0.1


@dataclass(slots=True)
class Ledger:
    """Counts files as they are settled, and commits what is to be written. For one thread."""

    store: Store
    rows: PackRows
    on_event: Callable[[Event], None]
    found: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    pending: list[Outcome] = field(default_factory=list)
    back: list[int] = field(default_factory=list)
    _committed: int = 0
    _commit_time: float = field(default_factory=time.monotonic)
    _told_time: float = 0.0

    @property
    def done(self) -> int:
        """Files accounted for."""
        return sum(self.counts.values()) + len(self.pending)

    def enter(self, result: Survey | Outcome) -> None:
        """Take up a result; it is written with the next commit."""
        if isinstance(result, Outcome):
            self.pending.append(result)
            return
        self.found += result.found
        self.counts.update(result.settled)
        self.back.extend(result.back)
        self.pending.extend(Outcome(seen, failures=(why,)) for seen, why in result.refused)

    def commit_if_due(self) -> None:
        """Commit when enough waits, or for long enough."""
        late = time.monotonic() - self._commit_time >= COMMIT_SECONDS
        if len(self.pending) >= COMMIT_PHOTOS or (late and self.done > self._committed):
            self.commit()

    def tell(self, *, last: bool = False) -> None:
        """Report progress, now and then."""
        if last or time.monotonic() - self._told_time >= PROGRESS_SECONDS:
            self._told_time = time.monotonic()
            self.on_event(Progress(self.done, self.found))

    def commit(self) -> None:
        """Write what waits, all or nothing; when it is on the disk, say so.

        Interrupted at any point it can be called again: what waits is forgotten only afterwards.
        """
        if self.pending or self.back:
            with self.store.db.transaction():
                counts: Counter[str] = Counter(
                    commit.write(self.store, outcome, self.rows) for outcome in self.pending
                )
                locations.set_present(self.store.db, self.back)
                for row in _with_vectors(self.pending, self.rows):
                    embeddings.bump(self.store.db, row)
            self.counts, self.pending, self.back = self.counts + counts, [], []
        self._commit_time = time.monotonic()
        if self.done > self._committed:
            self._committed = self.done
            self.on_event(Committed(self._committed))

    def summary(self, removed: int, seconds: float) -> Summary:
        """The counts of the whole run."""
        return Summary(**self.counts, removed=removed, seconds=seconds)


def _with_vectors(outcomes: list[Outcome], rows: PackRows) -> set[int]:
    """The packs of which there are new vectors."""
    told = (pair for outcome in outcomes for pair in outcome.told_by(rows))
    return {row for row, said in told if said.embedding is not None}
