"""What placing needs to know of the library's photos, a row each, read in one go."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albumen.library.evidence import Bits, as_integers
from albumen.library.store import Store

UNFRAMED = 0.97
"""The least share inside plain borders of a picture that counts as having none."""

BY_CAMERA = ("exif", "xmp")
BY_CAMERA_FIRST = 2**48
"""More than any photo has pixels."""

PART = 20_000


@dataclass(frozen=True)
class Photos:
    """Photos that have evidence and a fingerprint, in N rows.

    `framed`: whether a plain border is around it. `rank`: 0 for the photo with most to show.
    `exposures`: the camera and the time that it gave; None where either is not known. 1,000,000
    photos take some 450 MB.
    """

    ids: NDArray[np.int64]
    hashes: Bits
    inner_hashes: Bits
    vectors: NDArray[np.float16]
    aspects: NDArray[np.float32]
    framed: NDArray[np.bool_]
    rank: NDArray[np.int64]
    placed: NDArray[np.bool_]
    exposures: list[tuple[str, str] | None]

    def row_of(self, id: int) -> int | None:
        """The row of a photo's id; None for one that is not here. Ids are in order."""
        row = int(np.searchsorted(self.ids, id))
        return row if row < len(self.ids) and self.ids[row] == id else None

    def are_two_exposures(self, one: int, other: int) -> bool:
        """Whether one camera says that it took these at different times.

        An edited copy keeps the time at which its original was taken.
        """
        first, second = self.exposures[one], self.exposures[other]
        if first is None or second is None or first[0] != second[0]:
            return False
        return first[1] != second[1]


_ROWS = """
  SELECT p.id, v.hash, v.inner_hash, v."inner", e.vector, p.width, p.height,
    p.taken_source, p.camera, p.taken, c.photo IS NOT NULL
  FROM embedding e JOIN evidence v ON v.photo = e.photo JOIN photo p ON p.id = e.photo
    LEFT JOIN copy c ON c.photo = e.photo
  WHERE e.pack = (SELECT id FROM pack WHERE key = ?) AND p.width > 0 AND p.height > 0
  ORDER BY p.id"""


def any_new(store: Store, fingerprint: str) -> bool:
    """Whether there are photos with evidence and no place yet."""
    row = store.db.execute(
        """SELECT 1 FROM embedding e JOIN evidence v ON v.photo = e.photo
           WHERE e.pack = (SELECT id FROM pack WHERE key = ?)
             AND NOT EXISTS (SELECT 1 FROM copy c WHERE c.photo = e.photo) LIMIT 1""",
        (fingerprint,),
    ).fetchone()
    return row is not None


def load(store: Store, fingerprint: str) -> Photos:
    """All photos with evidence and a vector of the fingerprint pack of that id."""
    cursor = store.db.execute(_ROWS, (fingerprint,))
    parts = []
    while rows := cursor.fetchmany(PART):  # arrays are a tenth of what the rows take
        parts.append(_part(rows))
    return _ranked(parts) if parts else _none()


def _part(rows: Sequence[Sequence[Any]]) -> Photos:
    """Photos in these rows; their rank is not known yet, but what they show."""
    ids, hashes, inner, share, vectors, width, height, source, camera, taken, placed = zip(
        *rows, strict=True
    )
    wide, high = np.array(width, np.float32), np.array(height, np.float32)
    shares = np.array(share, np.float32)
    by_camera = [its in BY_CAMERA and bool(of) for its, of in zip(source, camera, strict=True)]
    return Photos(
        ids=np.array(ids, np.int64),
        hashes=as_integers(list(hashes)),
        inner_hashes=as_integers(list(inner)),
        vectors=np.frombuffer(b"".join(vectors), "<f2").reshape(len(ids), -1),
        aspects=wide / high,
        framed=shares < UNFRAMED,
        rank=(wide * high * shares + np.where(by_camera, BY_CAMERA_FIRST, 0)).astype(np.int64),
        placed=np.array(placed, bool),
        exposures=[
            (of, when) if known and when else None
            for known, of, when in zip(by_camera, camera, taken, strict=True)
        ],
    )


def _ranked(parts: list[Photos]) -> Photos:
    """All in one; what each shows becomes its place in the order."""
    names = [field.name for field in fields(Photos) if field.name not in ("rank", "exposures")]
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    order = np.argsort(-np.concatenate([part.rank for part in parts]), kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    exposures = [exposure for part in parts for exposure in part.exposures]
    return Photos(**arrays, rank=rank, exposures=exposures)


def _none() -> Photos:
    nothing = np.empty(0, np.int64)
    bits = np.empty(0, np.uint64)
    return Photos(
        nothing,
        bits,
        bits,
        np.empty((0, 1), np.float16),
        np.empty(0, np.float32),
        np.empty(0, bool),
        nothing,
        np.empty(0, bool),
        [],
    )
