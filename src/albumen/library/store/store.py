"""The library as the rest of the program sees it: one object, one SQLite connection."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from albumen.library.home import Home
from albumen.library.records import Failure, LibraryError, Root
from albumen.library.store import embeddings, failures, locations, photos, roots, statistics
from albumen.library.store.connection import Database, connect
from albumen.library.store.embeddings import Chunk
from albumen.library.store.failures import Problem
from albumen.library.store.migrations import migrate
from albumen.library.store.photos import Photo
from albumen.library.store.statistics import Stats


class Store:
    """Records, locations, embeddings and failures of one library.

    For one thread; another opens its own with `another()`. Reading works while an index runs.
    Every method raises LibraryError, with what to do, when the file is locked, damaged, on a full
    disk or not to be written.
    """

    def __init__(self, home: Home, db: Database):
        self.home = home
        self.db = db

    @classmethod
    def open(cls, home: Home, *, create: bool = False) -> "Store":
        """Open the library in `home`; without `create`, LibraryError if there is none."""
        if create:
            home.make()
        elif not home.db.exists():
            raise LibraryError(
                f"there is no library in {home.path} yet; run `albumen index FOLDER` first"
            )
        db = connect(home.db, create=create)
        try:
            migrate(db)
        except BaseException:
            db.close()
            raise
        return cls(home, db)

    def another(self) -> "Store":
        """The same library for another thread."""
        return Store.open(self.home)

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Roots

    def roots(self) -> list[Root]:
        """The folders that the user added."""
        return roots.all_roots(self.db)

    def add_root(self, folder: Path) -> Root:
        """The root that `folder` is or lies in; made if there is none."""
        with self.db.transaction():
            return roots.claim(self.db, folder.absolute()).root

    # Photos

    def photo(self, id: int) -> Photo | None:
        """The photo of this id."""
        return photos.by_id(self.db, id)

    def photo_by_content(self, content_hash: bytes) -> Photo | None:
        """The photo whose bytes have this BLAKE3 hash."""
        return photos.by_content(self.db, content_hash)

    def photo_by_path(self, path: Path) -> Photo | None:
        """The photo that lies at this path, or where it leads to through links."""
        found = photos.by_path(self.db, path.absolute())
        return found or photos.by_path(self.db, path.resolve())

    def photos(
        self, *, after: date | None = None, before: date | None = None, under: Path | None = None
    ) -> Iterator[Photo]:
        """The photos that `candidates` names, by id."""
        ids = self.candidates(after=after, before=before, under=under)
        return photos.by_ids(self.db, ids.tolist())

    def candidates(
        self, *, after: date | None = None, before: date | None = None, under: Path | None = None
    ) -> NDArray[np.int64]:
        """Sorted ids of the photos that lie somewhere and match.

        `after` and `before` are days, both included, by the camera's local time; a photo without
        a date matches neither. `under` is a folder (or a file).
        """
        if under is not None and roots.split(self.db, under.absolute()) is None:
            under = under.resolve()
        elif under is not None:
            under = under.absolute()
        return photos.candidates(self.db, after, before, under)

    def paths(self, photo_ids: Sequence[int]) -> dict[int, list[Path]]:
        """Where these photos lie, the place seen first in front."""
        return locations.paths(self.db, photo_ids)

    # Embeddings

    def embeddings(self, pack_id: str, after_rowid: int = 0) -> Iterator[Chunk]:
        """A pack's vectors in chunks, by row id: row ids, photo ids, float16 (N, dim)."""
        return embeddings.stream(self.db, pack_id, after_rowid)

    def embedding(self, photo_id: int, pack_id: str) -> NDArray[np.float16] | None:
        """One photo's vector (dim,), if the pack embedded it."""
        return embeddings.one(self.db, pack_id, photo_id)

    def embeddings_of(self, photo_ids: NDArray[np.int64], pack_id: str) -> NDArray[np.float16]:
        """The vectors (N, dim) of photos, in their order; zeros for one that has none."""
        return embeddings.of(self.db, pack_id, photo_ids)

    def embedding_count(self, pack_id: str, up_to_rowid: int | None = None) -> int:
        """How many vectors a pack has."""
        return embeddings.count(self.db, pack_id, up_to_rowid)

    def generation(self, pack_id: str) -> int:
        """A number that grows whenever a pack's vectors change."""
        return embeddings.generation(self.db, pack_id)

    # Failures, figures, settings

    def problems(self) -> Iterator[Problem]:
        """Every file that a stage skipped or failed on, and why, by path."""
        return failures.problems(self.db)

    def failures(self, photo_id: int) -> tuple[Failure, ...]:
        """What a photo's content did not give."""
        return failures.of_photo(self.db, photo_id)

    def stats(self) -> Stats:
        """The library in figures."""
        return statistics.stats(self.db)

    def setting(self, key: str) -> str | None:
        """A setting of this library."""
        row = self.db.execute("SELECT value FROM setting WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    def set_setting(self, key: str, value: str) -> None:
        """Keep a setting of this library."""
        self.db.execute(
            "INSERT INTO setting VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            (key, value),
        )

    def remove_setting(self, key: str) -> None:
        """Forget a setting of this library."""
        self.db.execute("DELETE FROM setting WHERE key = ?", (key,))

    def check(self) -> str | None:
        """What SQLite finds wrong with the file, reading all of it; None if it is sound."""
        found = self.db.execute("PRAGMA integrity_check").fetchone()[0]
        return None if found == "ok" else str(found)
