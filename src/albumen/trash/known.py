"""Whether a file may go to the trash: only one that the library knows, as the library knows it."""

# Paths here are bytes, which pathlib does not take.
# ruff: noqa: PTH100, PTH116, PTH118

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

from albumen.library.store import roots
from albumen.library.store.connection import Database
from albumen.trash.records import Refused

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_PIECE = 1 << 20

CHANGED = (
    "it has changed since it was indexed; look at it, and index its folder again before "
    "it is trashed"
)
LAST_COPY = (
    "it is the last copy: the others are in the trash already. Put one back first (`albumen trash "
    "list`, `albumen trash restore ID`), or delete this one by the system's own means"
)


@dataclass(frozen=True, slots=True)
class Known:
    """A file that the library knows. `path`: as the library names it; `real`: without links."""

    path: bytes
    real: bytes
    location: int
    photo: int
    content_hash: bytes
    image_hash: bytes | None
    size: int
    mtime_ns: int

    def is_unchanged(self, status: os.stat_result) -> bool:
        """Whether a file of this status is the one that was indexed, as far as it tells."""
        mtime_ns = min(status.st_mtime_ns, 2**63 - 1)
        return (self.size, self.mtime_ns) == (status.st_size, mtime_ns)


def find(db: Database, path: Path) -> Known | Refused:
    """The file at this path, with its content read and found to be what was indexed."""
    whole = Path(os.path.abspath(path))
    real = os.path.join(os.path.realpath(os.fsencode(whole.parent)), os.fsencode(whole.name))
    try:
        reason = _no_plain_file(os.lstat(real))
        known = None if reason else _known(db, whole, real)
        if known is None:
            return Refused(whole, reason or "it is in no library; index its folder first")
        return known if _holds(known) else Refused(whole, CHANGED)
    except (FileNotFoundError, NotADirectoryError):
        return Refused(whole, "nothing lies there")
    except OSError as error:
        return Refused(whole, f"it cannot be read ({(error.strerror or str(error)).lower()})")


def _no_plain_file(status: os.stat_result) -> str | None:
    if stat.S_ISLNK(status.st_mode):
        return "it is a link; name the file that it leads to"
    if stat.S_ISDIR(status.st_mode):
        return "it is a folder; name the photos in it"
    return None if stat.S_ISREG(status.st_mode) else "it is not a plain file"


def _known(db: Database, whole: Path, real: bytes) -> Known | None:
    for path in (whole, Path(os.fsdecode(real))):
        place = roots.split(db, path)
        if place is None:
            continue
        root, relative = place
        row = db.execute(
            """SELECT l.id, p.id, p.content_hash, p.image_hash, l.size, l.mtime_ns
               FROM location l JOIN photo p ON p.id = l.photo
               WHERE l.root = ? AND l.relative = ? AND l.gone IS NULL""",
            (root.id, relative),
        ).fetchone()
        if row:
            return Known(os.fsencode(path), real, *row)
    return None


def _holds(known: Known) -> bool:
    """Whether the file holds, byte for byte, what was indexed."""
    descriptor = os.open(known.real, _FLAGS)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        if not known.is_unchanged(os.fstat(file.fileno())):
            return False
        return content_of(file.fileno()) == known.content_hash


def content_of(descriptor: int) -> bytes:
    """The hash of an open file's bytes, by which the library knows it."""
    hasher = blake3()
    while piece := os.read(descriptor, _PIECE):
        hasher.update(piece)
    return bytes(hasher.digest())


def is_last_copy(db: Database, known: Known, leaving: Collection[int]) -> bool:
    """Whether the photo had further copies, and all of them went to the trash.

    `leaving`: locations whose files are about to go there. A photo that never had a copy is none:
    to trash it is a wish, where to trash the last copy after the others is likely a mistake. A
    copy has the same bytes, the same image data, or was found to show the same picture; and it
    has to be there, not only in the books.
    """
    had_copies = False
    for location, path, size, mtime_ns in _other_copies(db, known):
        if location in leaving:
            had_copies = True
        elif _is_there(path, size, mtime_ns, known):
            return False
    return had_copies or _copies_in_trash(db, known)


# The photos that are copies of one (?1: its id, ?2, ?3: its hashes), itself among them.
_COPIES = """
  SELECT id FROM photo WHERE content_hash = ?2
  UNION SELECT id FROM photo WHERE image_hash = ?3
  UNION SELECT leader FROM copy WHERE photo = ?1
  UNION SELECT photo FROM copy WHERE leader <> photo
    AND leader IN (SELECT leader FROM copy WHERE photo = ?1)"""


def _other_copies(db: Database, known: Known) -> Iterator[tuple[int, bytes, int, int]]:
    rows = db.execute(
        f"""SELECT l.id, r.path, l.relative, l.size, l.mtime_ns
            FROM location l JOIN root r ON r.id = l.root
            WHERE l.gone IS NULL AND l.id <> ?4 AND l.photo IN ({_COPIES})""",
        (known.photo, known.content_hash, known.image_hash, known.location),
    )
    while row := rows.fetchone():  # one by one: there may be thousands, and the first may do
        yield row[0], row[1].rstrip(b"/") + b"/" + row[2], row[3], row[4]


def _is_there(path: bytes, size: int, mtime_ns: int, known: Known) -> bool:
    """Whether another file lies there as indexed: not the same one, reached by another way."""
    try:
        other, this = os.stat(path), os.lstat(known.real)
    except OSError:
        return False
    is_same = (other.st_dev, other.st_ino) == (this.st_dev, this.st_ino) and other.st_nlink == 1
    return (size, mtime_ns) == (other.st_size, other.st_mtime_ns) and not is_same


def _copies_in_trash(db: Database, known: Known) -> bool:
    row = db.execute(
        f"""SELECT EXISTS (
              SELECT 1 FROM trash_journal WHERE state <> 'restored' AND content_hash IN
                (SELECT content_hash FROM photo WHERE id IN ({_COPIES})))""",
        (known.photo, known.content_hash, known.image_hash),
    ).fetchone()
    return bool(row[0])
