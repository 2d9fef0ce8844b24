"""The groups that a person sees, in three levels that are never mixed.

*Identical*: the same bytes, or the same image data with other metadata. *Same picture*: copies that
were laid over their leader (`placing`), identical files among them. *Same moment*: different photos
that one camera took within seconds of another, and that look alike.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from albumen.duplicates import keeper
from albumen.duplicates.keeper import Copy
from albumen.library.store import Store, copies, pair_decisions
from albumen.library.store.connection import placeholders
from albumen.library.store.locations import full_path

Level = Literal["identical", "same-picture", "same-moment"]
LEVELS: tuple[Level, ...] = get_args(Level)

MOMENT = 20.0
"""Seconds after the first photo of a moment in which the others were taken."""

ALIKE = 0.45
"""The least cosine of their fingerprints with the first one's."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a group. `similarity`: to the keeper, 0 to 1."""

    path: Path
    similarity: float


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Files of one level that belong together, the keeper first, and why it should be kept.

    `spare`: of each other file its bytes.
    """

    level: Level
    keeper: Path
    reason: str
    photos: tuple[Member, ...]
    spare: tuple[tuple[Path, int], ...] = ()


def groups(
    store: Store,
    fingerprint: str | None,
    levels: Collection[Level] = LEVELS,
    prefer: Sequence[Path] = (),
) -> Iterator[DuplicateGroup]:
    """All groups of these levels. `fingerprint`: the id of its pack; `prefer`: see `keeper`."""
    decided = pair_decisions.of_photos(store.db)
    same = _same_picture(store)
    for level, found in (
        ("identical", _identical(store)),
        ("same-picture", same),
        ("same-moment", _moments(store, fingerprint) if fingerprint else []),
    ):
        if level in levels:
            for group in found:
                shown = _group(level, group, decided, prefer)
                if shown is not None:
                    yield shown


def _group(
    level: str,
    found: Sequence[Copy],
    decided: dict[tuple[int, int], pair_decisions.Verdict],
    prefer: Sequence[Path],
) -> DuplicateGroup | None:
    """A group with its keeper, without those on which the owner has decided; None if none is left.

    The similarity to the keeper is known where it leads; else it is at least what both have.
    """
    kept = keeper.choose(found, prefer)
    first = kept.copy
    others = [
        copy
        for copy in found
        if copy is not first
        and (min(copy.photo, first.photo), max(copy.photo, first.photo)) not in decided
    ]
    if not others:
        return None
    others.sort(key=lambda copy: (-copy.similarity, str(copy.path)))
    members = [Member(first.path, 1.0)]
    for copy in others:
        same = copy.photo == first.photo
        similarity = 1.0 if same else min(copy.similarity, first.similarity)
        members.append(Member(copy.path, round(similarity, 4)))
    assert level in LEVELS
    spare = tuple((copy.path, copy.bytes) for copy in others)
    return DuplicateGroup(level, first.path, kept.reason, tuple(members), spare)


_FILES = """
  SELECT r.path, l.relative, p.id, ifnull(p.width, 0), ifnull(p.height, 0), ifnull(p.format, ''),
    p.bytes, p.taken, p.taken_source, p.camera, ifnull(v."inner", 1.0),
    CASE WHEN p.image_hash IS NULL THEN hex(p.content_hash)
      ELSE hex(p.image_hash) || ifnull(p.orientation, 1) END AS picture
  FROM location l JOIN root r ON r.id = l.root JOIN photo p ON p.id = l.photo
    LEFT JOIN evidence v ON v.photo = p.id
  WHERE l.gone IS NULL AND p.status = 'decoded'"""


def _copy(row: Sequence[object]) -> Copy:
    root, relative, *rest = row
    assert isinstance(root, bytes)
    assert isinstance(relative, bytes)
    return Copy(full_path(root, relative), *rest)  # type: ignore[arg-type]


def _identical(store: Store) -> Iterator[list[Copy]]:
    """Files whose bytes, or image data, are the same."""
    rows = store.db.execute(
        f"""WITH file AS ({_FILES})
            SELECT * FROM file
            WHERE picture IN (SELECT picture FROM file GROUP BY picture HAVING count(*) > 1)
            ORDER BY picture, id"""
    )
    found: dict[str, list[Copy]] = defaultdict(list)
    for *row, picture in rows:
        found[picture].append(_copy(row))
    yield from found.values()


def _same_picture(store: Store) -> Iterator[list[Copy]]:
    """Copies of one leader, and files that are identical to one of them."""
    shown: set[int] = set()
    for members in copies.groups(store.db):
        found = _files_of(store, {member.photo: member for member in members})
        files = [file for file in found if file.photo not in shown]
        shown.update(file.photo for file in files)
        if len(files) > 1:
            yield files
    for files in _identical(store):
        if not shown.intersection(file.photo for file in files):
            yield files


def _files_of(store: Store, members: dict[int, copies.Copy]) -> list[Copy]:
    """Where these photos and those with the same image data lie."""
    ids = list(members)
    marks = placeholders(len(ids))
    rows = store.db.execute(
        f"""{_FILES} AND (p.id IN ({marks}) OR p.image_hash IN
              (SELECT image_hash FROM photo WHERE id IN ({marks}) AND image_hash IS NOT NULL))
            ORDER BY l.id""",
        (*ids, *ids),
    ).fetchall()
    by_picture = {row[-1]: members[row[2]] for row in rows if row[2] in members}
    files = []
    for *row, picture in rows:
        place = by_picture.get(picture)
        if place is None:  # the same image data, shown in another orientation
            continue
        left, top, right, bottom = np.frombuffer(place.region, "<f4")
        region = float((right - left) * (bottom - top))
        files.append(_placed(_copy(row), region, place.similarity))
    return files


def _placed(copy: Copy, region: float, similarity: float) -> Copy:
    from dataclasses import replace

    return replace(copy, region=region, similarity=similarity)


def _moments(store: Store, fingerprint: str) -> Iterator[list[Copy]]:
    """Photos of one camera taken within seconds and alike, one of each group of copies.

    A moment is anchored at its first photo, so that a long series does not chain.
    """
    rows = store.db.execute(
        f"""WITH file AS ({_FILES})
            SELECT file.*, e.vector FROM file
              JOIN embedding e ON e.photo = file.id
                AND e.pack = (SELECT id FROM pack WHERE key = ?)
              LEFT JOIN copy c ON c.photo = file.id
            WHERE taken IS NOT NULL AND taken_source IN ('exif', 'xmp') AND length(taken) >= 19
              AND ifnull(c.leader, file.id) = file.id
            GROUP BY picture
            ORDER BY ifnull(camera, ''), taken, id""",
        (fingerprint,),
    )
    moment: list[Copy] = []
    first: tuple[Copy, datetime, np.ndarray] | None = None
    for *row, _, vector in rows:
        copy, print_ = _copy(row), np.frombuffer(vector, "<f2").astype(np.float32)
        when = datetime.fromisoformat((copy.taken or "")[:19])
        alike = _belongs(first, copy, when, print_)
        if alike is None:
            if len(moment) > 1:
                yield moment
            moment, first = [copy], (copy, when, print_)
        else:
            moment.append(_placed(copy, 1.0, alike))
    if len(moment) > 1:
        yield moment


def _belongs(
    first: "tuple[Copy, datetime, np.ndarray] | None",
    copy: Copy,
    when: datetime,
    vector: np.ndarray,
) -> float | None:
    """How alike a photo is to the first of a moment, if it belongs to it."""
    if first is None or first[0].camera != copy.camera:
        return None
    if (when - first[1]).total_seconds() > MOMENT:
        return None
    alike = float(first[2] @ vector)
    return min(1.0, alike) if alike >= ALIKE else None
