"""Placing photos among copies: each either joins the group of a leader or becomes one itself.

A photo joins if it was laid over the leader itself and agrees, and if it can be a copy of every
other member too: they show the same part of the leader, are not two exposures of one camera, and
nobody said that they are no duplicates. So groups do not chain, whatever lies between two photos.
Photos that are like many others go first and so become leaders, the larger first where that is
equal. A photo that is placed stays: a run looks only at what is new.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from albumen.duplicates import candidates
from albumen.duplicates.alignment import STEADY, align
from albumen.duplicates.comparing import Alignment
from albumen.duplicates.photos import Photos, any_new, load
from albumen.library import evidence
from albumen.library.store import Store, copies, pair_decisions
from albumen.library.store.copies import Copy
from albumen.packs.runtime import cores

SAME, SAME_IF_STILL = 0.7, 0.5
"""The least share of textured pieces in which a copy agrees with its leader: less is enough where
these lie so still that the rest can only be painted over."""

STILL = 0.08

MOVED = 0.02
"""The most of a copy that may lie elsewhere than the rest, as errors of measurement do."""

LEAST_SHARED, MOST_SHARED = 0.25, 0.8
"""Of a copy and its leader one must show that share of the other, and the other that of it."""

OVERLAP = 0.35
"""Two members must share that much of what the smaller shows of the leader."""

TRIES = 4
"""Leaders that a photo is laid over, most alike first."""

BATCH = 64
WHOLE = np.array([0, 0, 1, 1], "<f4")

Region = NDArray[np.float32]
"""Left, top, right, bottom of what a photo shows of its leader, 0 to 1."""

OnProgress = Callable[[int, int], None]


@dataclass(slots=True)
class Group:
    """A leader's members (row numbers) and the region of each."""

    members: list[int]
    regions: list[Region]


@dataclass(frozen=True, slots=True)
class Laid:
    """One photo laid over another."""

    similarity: float
    region: Region


def place(store: Store, fingerprint: str, on_progress: OnProgress = lambda done, all: None) -> int:
    """Place every photo that has evidence and no place yet; returns how many.

    `fingerprint`: the id of the pack whose vectors are compared.
    """
    if not any_new(store, fingerprint):
        return 0
    photos = load(store, fingerprint)
    new = ~photos.placed
    found = _candidates(photos, new)
    placer = _Placer(store, photos, found, on_progress)
    placer.run(np.flatnonzero(new))
    with store.db.transaction():
        copies.place(store.db, placer.rows())
    return int(new.sum())


def _candidates(photos: Photos, new: NDArray[np.bool_]) -> candidates.Found:
    asked = None if new.all() else new
    hashed = candidates.by_hash(photos.hashes, photos.inner_hashes, asked)
    printed = candidates.by_fingerprint(photos.vectors, asked)
    return candidates.Found(
        np.concatenate([hashed.pairs, printed.pairs]),
        np.concatenate([hashed.likeness, printed.likeness]),
    )


@dataclass(slots=True)
class _Placer:
    store: Store
    photos: Photos
    found: candidates.Found
    on_progress: OnProgress
    near: dict[int, dict[int, float]] = field(init=False)
    rank: NDArray[np.int64] = field(init=False)
    leader: dict[int, int] = field(default_factory=dict)
    groups: dict[int, Group] = field(default_factory=dict)
    tried: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    laid: dict[int, Laid] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    alone: list[int] = field(default_factory=list)
    apart: set[tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        self.near = _neighbours(self.found)
        self.rank = _ranked(self.near, self.photos.rank, self.photos.framed)
        self.apart = set()
        for pair, verdict in pair_decisions.of_photos(self.store.db).items():
            one, other = (self.photos.row_of(id) for id in pair)
            if verdict == "not-duplicates" and one is not None and other is not None:
                self.apart |= {(one, other), (other, one)}
        self._take_up_groups()

    def _take_up_groups(self) -> None:
        """The groups that new photos might join, as they stand."""
        met = [row for row in self.near if self.photos.placed[row]]
        known = copies.places(self.store.db, self.photos.ids[met].tolist())
        leaders = sorted({place.leader for place in known.values()})
        for leader, members in copies.members(self.store.db, leaders).items():
            rows = [self.photos.row_of(member.photo) for member in members]
            head = self.photos.row_of(leader)
            if head is None:
                continue
            group = Group([], [])
            for row, member in zip(rows, members, strict=True):
                if row is not None:
                    group.members.append(row)
                    group.regions.append(np.frombuffer(member.region, "<f4"))
                    self.leader[row] = head
                    self.laid[row] = Laid(member.similarity, group.regions[-1])
            self.groups[head] = group

    def run(self, new: NDArray[np.int64]) -> None:
        """Place these rows."""
        waiting = {row for row in new.tolist() if row in self.near}
        self.alone = [row for row in new.tolist() if row not in self.near]
        total = len(waiting)
        self.on_progress(0, total)
        self._place(waiting, total)
        for _ in range(TRIES):
            self._place(self._leaders_that_join(), total)

    def _place(self, waiting: set[int], total: int) -> None:
        while waiting:
            tests = self._tests(waiting)
            if tests:
                self._try(tests, waiting)
            else:
                for row in self._next_leaders(waiting):
                    waiting.discard(row)
                    self._lead(row)
            self.on_progress(total - len(waiting), total)

    def _leaders_that_join(self) -> set[int]:
        """Let leaders of this run join another; their members, who are placed anew, are returned.

        Two photos begin to lead at once where neither knows of the other, though their members do.
        """
        pairs: dict[int, set[int]] = defaultdict(set)
        for row, others in self.near.items():
            head = self.leader.get(row)
            for other in others:
                to = self.leader.get(other)
                if head is not None and to is not None and self._may_dissolve(head, to):
                    pairs[head].add(to)
        tests = [
            (head, to)
            for head, leaders in pairs.items()
            for to in sorted(leaders - self.tried[head], key=lambda to: self.rank[to])[:TRIES]
        ]
        freed: set[int] = set()
        for head, to in tests:
            self.tried[head].add(to)
        for (head, to), laid in zip(tests, self._laid_over(tests), strict=True):
            group = self.groups.get(to)
            if laid is None or group is None or head not in self.groups:
                continue
            if self._fits(head, laid.region, group):
                freed.update(self.groups.pop(head).members[1:])
                self._join(head, to, laid)
        for row in freed:
            del self.leader[row], self.laid[row]
            self.tried[row] = set()
        return freed

    def _may_dissolve(self, head: int, to: int) -> bool:
        """Whether the first should follow, one has members to gain, and it is of this run alone."""
        if self.rank[to] >= self.rank[head]:
            return False
        if len(self.groups[head].members) + len(self.groups[to].members) < 3:
            return False
        return not any(self.photos.placed[row] for row in self.groups[head].members)

    def _tests(self, waiting: set[int]) -> list[tuple[int, int]]:
        """For each waiting photo the next leader to be laid over, if there is one."""
        tests, rank = [], self.rank
        for row in waiting:
            if len(self.tried[row]) >= TRIES:
                continue
            likeness: dict[int, float] = {}
            for other, alike in self.near[row].items():
                head = self.leader.get(other)
                if head is not None and head not in self.tried[row]:
                    likeness[head] = max(likeness.get(head, 0.0), alike)
            if likeness:
                tests.append((row, max(likeness, key=lambda head: (likeness[head], -rank[head]))))
        return sorted(tests, key=lambda test: rank[test[0]])  # with more to show, joins first

    def _next_leaders(self, waiting: set[int]) -> list[int]:
        """Those with more to show than all waiting photos near them."""
        rank = self.rank
        return [
            row
            for row in waiting
            if all(rank[row] < rank[other] for other in self.near[row] if other in waiting)
        ]

    def _lead(self, row: int) -> None:
        self.leader[row] = row
        self.groups[row] = Group([row], [WHOLE])
        self.laid[row] = Laid(1.0, WHOLE)
        self.changed.add(row)

    def _try(self, tests: Sequence[tuple[int, int]], waiting: set[int]) -> None:
        """Lay photos over leaders; those that agree join."""
        allowed = [test for test in tests if not self._exclude(*test)]
        for row, head in tests:
            self.tried[row].add(head)
        for (row, head), laid in zip(allowed, self._laid_over(allowed), strict=True):
            if laid is not None and self._fits(row, laid.region, self.groups[head]):
                self._join(row, head, laid)
                waiting.discard(row)

    def _exclude(self, row: int, other: int) -> bool:
        return (row, other) in self.apart or self.photos.are_two_exposures(row, other)

    def _fits(self, row: int, region: Region, group: Group) -> bool:
        """Whether the photo can be a copy of every member."""
        return all(
            not self._exclude(row, member) and overlap(region, its) >= OVERLAP
            for member, its in zip(group.members, group.regions, strict=True)
        )

    def _join(self, row: int, head: int, laid: Laid) -> None:
        group = self.groups[head]
        group.members.append(row)
        group.regions.append(laid.region)
        self.leader[row], self.laid[row] = head, laid
        self.changed.add(row)
        if self.photos.placed[head] and self.photos.rank[row] < self.photos.rank[head]:
            self._hand_over(head, row)  # an original that came later than its copies

    def _hand_over(self, head: int, to: int) -> None:
        """Let a member lead that has more to show, if all others agree with it too."""
        others = [member for member in self.groups[head].members if member != to]
        laid = self._laid_over([(member, to) for member in others])
        fresh = Group([to], [WHOLE])
        for member, its in zip(others, laid, strict=True):
            if its is None or not self._fits(member, its.region, fresh):
                return
            fresh.members.append(member)
            fresh.regions.append(its.region)
        del self.groups[head]
        self.groups[to] = fresh
        self.laid[to] = Laid(1.0, WHOLE)
        self.laid.update((m, its) for m, its in zip(others, laid, strict=True) if its is not None)
        self.leader.update(dict.fromkeys(fresh.members, to))
        self.changed.update(fresh.members)

    def _laid_over(self, pairs: Sequence[tuple[int, int]]) -> list[Laid | None]:
        """Each first photo over its second: None where they do not agree."""
        parts = [pairs[at : at + BATCH] for at in range(0, len(pairs), BATCH)]
        if len(parts) < 2:
            return [laid for part in parts for laid in self._agreeing(part, self._pictures(part))]
        found: list[Laid | None] = []
        waiting: deque[Future[list[Laid | None]]] = deque()
        with ThreadPoolExecutor(cores()) as threads:
            for part in parts:  # this thread reads the store, a few parts ahead
                waiting.append(threads.submit(self._agreeing, part, self._pictures(part)))
                if len(waiting) > 2 * cores():
                    found += waiting.popleft().result()
            for last in waiting:
                found += last.result()
        return found

    def _pictures(self, pairs: Sequence[tuple[int, int]]) -> dict[int, bytes]:
        ids = self.photos.ids[sorted({row for pair in pairs for row in pair})]
        return copies.pictures(self.store.db, ids.tolist())

    def _agreeing(
        self, pairs: Sequence[tuple[int, int]], packed: dict[int, bytes]
    ) -> list[Laid | None]:
        rows, heads = np.array(pairs).T
        ids = self.photos.ids
        pictures = {id: evidence.unpacked(data) for id, data in packed.items()}
        laid = align(
            np.stack([pictures[id] for id in ids[heads].tolist()]),
            np.stack([pictures[id] for id in ids[rows].tolist()]),
            self.photos.aspects[heads],
            self.photos.aspects[rows],
        )
        return [
            Laid(float(similarity), region) if good else None
            for similarity, region, good in zip(
                laid.similarity, regions(laid), agrees(laid), strict=True
            )
        ]

    def rows(self) -> Iterable[Copy]:
        """What is to be kept of the photos whose place is new."""
        ids = self.photos.ids
        for row in self.alone:
            yield Copy(int(ids[row]), int(ids[row]), 1.0, WHOLE.tobytes())
        for row in sorted(self.changed):
            laid = self.laid[row]
            region = laid.region.astype("<f4").tobytes()
            yield Copy(int(ids[row]), int(ids[self.leader[row]]), laid.similarity, region)


def agrees(laid: Alignment) -> NDArray[np.bool_]:
    """Which pairs are copies, by the pixels: (B,)."""
    least, most = np.minimum(laid.first, laid.second), np.maximum(laid.first, laid.second)
    shared = (least >= LEAST_SHARED) & (most >= MOST_SHARED)
    still = (laid.drift <= STEADY) & (laid.moved <= MOVED)
    least_similar = np.where(laid.drift <= STILL, SAME_IF_STILL, SAME)
    same: NDArray[np.bool_] = (laid.similarity >= least_similar) & shared & still
    return same


def regions(laid: Alignment) -> NDArray[np.float32]:
    """What each second picture shows of the first: (B, 4) left, top, right, bottom, 0 to 1."""
    corners = np.array([[-1, 1, 1, -1], [-1, -1, 1, 1], [1, 1, 1, 1]], np.float32)
    places = (laid.maps @ corners + 1) / 2
    box = np.concatenate([places.min(2), places.max(2)], 1)
    inside: NDArray[np.float32] = np.clip(box, 0, 1).astype(np.float32)
    return inside


def overlap(one: Region, other: Region) -> float:
    """The area that two regions share, as a part of the smaller."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    areas = (float(np.prod(region[2:] - region[:2])) for region in (one, other))
    return shared / max(min(areas), 1e-6)


def _ranked(
    near: dict[int, dict[int, float]], rank: NDArray[np.int64], framed: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Who leads first: those without borders, then those like many others, as an original is.

    A larger picture may be a screenshot of the original; size counts where likeness is equal.
    """
    central = np.zeros(len(rank))
    for row, others in near.items():
        central[row] = round(2 * sum(others.values())) / 2
    order = np.lexsort((rank, -central, framed))
    ranked = np.empty(len(rank), np.int64)
    ranked[order] = np.arange(len(rank))
    return ranked


def _neighbours(found: candidates.Found) -> dict[int, dict[int, float]]:
    near: dict[int, dict[int, float]] = defaultdict(dict)
    for (one, other), alike in zip(found.pairs.tolist(), found.likeness.tolist(), strict=True):
        near[one][other] = max(alike, near[one].get(other, 0.0))
        near[other][one] = near[one][other]
    return dict(near)
