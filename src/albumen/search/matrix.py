"""The library's vectors of one pack in a memory-mapped file, so that a search need not read SQLite.

Two files in the cache folder. `vectors-<pack id>.rows` holds a record a photo, in the order of the
store: its id (int64) and its vector (float16). `vectors-<pack id>.json`, written last and replaced
as a whole, says how many rows count, for which generation of the store they were made, and the
BLAKE3 of each block of rows. Rows are only ever appended or replaced by a new file, so a search
that runs meanwhile still sees what its header promised. Whatever is wrong with the files, they are
made again from the store, which alone is the truth.
"""

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import chain
from math import ceil
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from albumen.whole_file import ENDING, replacing

FORMAT = 1
BLOCK = 1024  # rows hashed together, and multiplied together: they fit a processor's cache
LEAST_BLOCKS = 32  # of a part: for fewer, a second thread gains nothing

SECONDS_TO_WRITE = 3600  # nobody still writes a file that was last written to so long ago

Ids = NDArray[np.int64]
Vectors = NDArray[np.float16]
Rows = NDArray[np.void]  # of (photo, vector)


class Source(Protocol):
    """Where vectors come from: the store."""

    def setting(self, key: str) -> str | None:
        """A setting of the library; "library" is the random name it got when it was made."""

    def generation(self, pack_id: str) -> int:
        """A number that changes with every commit that adds or removes vectors of the pack."""

    def embedding_count(self, pack_id: str, up_to_rowid: int | None = None) -> int:
        """How many vectors of the pack there are, up to and including a row id."""

    def embeddings(self, pack_id: str, after_rowid: int = 0) -> Iterator[tuple[Ids, Ids, Vectors]]:
        """Row ids, photo ids and vectors, ordered by row id, some thousands at a time."""


class DamagedError(Exception):
    """The file does not hold what its header promises."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the .json file says of the .rows file."""

    library: str | None
    pack_id: str
    dim: int
    generation: int
    last_rowid: int
    rows: int
    blocks: tuple[str, ...]  # BLAKE3 of each BLOCK rows, 16 bytes in hexadecimal; the last is open
    format: int = FORMAT

    def dumps(self) -> str:
        """As JSON, with a checksum of itself."""
        content = asdict(self)
        return json.dumps({**content, "check": _check(content)})

    @classmethod
    def loads(cls, text: str) -> "Header":
        """Read what `dumps` wrote; raises `DamagedError` for anything else."""
        try:
            content = json.loads(text)
            check = content.pop("check")
            content["blocks"] = tuple(content["blocks"])
            header = cls(**content)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DamagedError(f"no header: {error}") from error
        if check != _check(asdict(header)) or header.format != FORMAT:
            raise DamagedError("the header is damaged or of another format")
        return header


class Matrix:
    """The vectors of one pack, kept in a cache folder.

    >>> matrix = Matrix(home.cache, pack.id, pack.dim)
    >>> for ids, vectors in matrix.blocks(store):  # (n,), (n, dim) float16
    ...     ...
    """

    def __init__(self, cache: Path, pack_id: str, dim: int) -> None:
        self.pack_id = pack_id
        self.dim = dim
        self.rows_file = cache / f"vectors-{pack_id}.rows"
        self.header_file = cache / f"vectors-{pack_id}.json"
        self.record = np.dtype([("photo", "<i8"), ("vector", "<f2", (dim,))])

    def blocks(self, source: Source) -> Iterator[tuple[Ids, Vectors]]:
        """Every photo's id and vector, in blocks: from the file, brought up to date first.

        Raises `DamagedError` when a block is not what was written; `rebuild` mends it.
        Without a place to keep the file (read-only, disk full), the store itself is read.
        """
        return chain.from_iterable(self.parts(source, 1))

    def parts(self, source: Source, most: int) -> list[Iterator[tuple[Ids, Vectors]]]:
        """The same in at most so many parts of like length, which threads may read side by side.

        The store is read in one part, by the thread that has it open.
        """
        try:
            header = self._current(source)
        except OSError:
            return [self.from_store(source)]
        rows = self._mapped(header)
        each = max(LEAST_BLOCKS, ceil(len(header.blocks) / most))
        starts = range(0, max(1, len(header.blocks)), each)
        return [self._pairs(header, rows, first, first + each) for first in starts]

    def _pairs(
        self, header: Header, rows: Rows, first: int, last: int
    ) -> Iterator[tuple[Ids, Vectors]]:
        for block in self._verified(header, rows, first, last):
            yield block["photo"], block["vector"]

    def from_store(self, source: Source) -> Iterator[tuple[Ids, Vectors]]:
        """The same without the files: slower, and independent of them."""
        for _, ids, vectors in source.embeddings(self.pack_id):
            yield ids, vectors

    def rebuild(self, source: Source) -> None:
        """Make the files anew from the store, as far as there is a place for them."""
        with suppress(OSError):
            self.header_file.unlink(missing_ok=True)
            self._build(source)

    def _current(self, source: Source) -> Header:
        """The header of a file that holds what the store holds now."""
        generation = source.generation(self.pack_id)
        with suppress(DamagedError, FileNotFoundError):
            header = self._header()
            if header.library != source.setting("library"):
                raise DamagedError("the header is of another library")
            if header.generation == generation:
                return header
            if source.embedding_count(self.pack_id, header.last_rowid) == header.rows:
                return self._append(source)
        return self._build(source)

    def _header(self) -> Header:
        header = Header.loads(self.header_file.read_text("utf-8", errors="replace"))
        if (header.pack_id, header.dim) != (self.pack_id, self.dim):
            raise DamagedError("the header is of another pack")
        if self.rows_file.stat().st_size < header.rows * self.record.itemsize:
            raise DamagedError("rows are missing")
        if len(header.blocks) != ceil(header.rows / BLOCK):
            raise DamagedError("hashes of blocks are missing")
        return header

    def _mapped(self, header: Header) -> Rows:
        if header.rows == 0:
            return np.empty(0, self.record)
        return np.memmap(self.rows_file, self.record, mode="r", shape=(header.rows,))

    def _verified(
        self, header: Header, rows: Rows, first: int, last: int | None = None
    ) -> Iterator[Rows]:
        """Blocks from `first` on, before `last`, each held against its hash."""
        end = len(rows) if last is None else min(len(rows), last * BLOCK)
        for number, start in enumerate(range(first * BLOCK, end, BLOCK), first):
            block = rows[start : start + BLOCK]
            if _hash(block) != header.blocks[number]:
                raise DamagedError(f"rows from {start} are damaged")
            yield block

    def _build(self, source: Source) -> Header:
        """A new file from the store, put in the old one's place when it is complete."""
        self._clear_away()
        generation = source.generation(self.pack_id)  # before reading: too old is noticed, later
        with replacing(self.rows_file, durable=False) as file:
            library = source.setting("library")
            empty = Header(library, self.pack_id, self.dim, generation, 0, 0, ())
            header = self._write(file, empty, np.empty(0, self.record), source)
        self._publish(header)
        return header

    def _clear_away(self) -> None:
        """Make the folder; remove what a search that was killed left half-written."""
        folder = self.rows_file.parent
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"vectors-*{ENDING}"):
            with suppress(FileNotFoundError):
                if time.time() - left.stat().st_mtime > SECONDS_TO_WRITE:
                    left.unlink()

    def _append(self, source: Source) -> Header:
        """The rows that the store has gained, written behind those of the file."""
        with self.rows_file.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            header = self._header()  # again: another search may have been faster
            generation = source.generation(self.pack_id)
            full = header.rows // BLOCK  # these blocks stay as they are; an open one is continued
            opened = np.concatenate(
                [np.empty(0, self.record), *self._verified(header, self._mapped(header), full)]
            )
            start = replace(
                header, generation=generation, rows=full * BLOCK, blocks=header.blocks[:full]
            )
            file.seek(start.rows * self.record.itemsize)
            extended = self._write(file, start, opened, source)
            self._publish(extended)
        return extended

    def _write(self, file: BinaryIO, start: Header, rest: Rows, source: Source) -> Header:
        """Write the rows of an open block and all that the store has after them."""
        blocks, last_rowid, count = list(start.blocks), start.last_rowid, start.rows

        def write(block: Rows) -> int:
            blocks.append(_hash(block))
            file.write(block.tobytes())
            return len(block)

        for rowids, ids, vectors in source.embeddings(self.pack_id, start.last_rowid):
            fresh = np.empty(len(ids), self.record)
            fresh["photo"], fresh["vector"] = ids, vectors
            rest, last_rowid = np.concatenate([rest, fresh]), int(rowids[-1])
            while len(rest) >= BLOCK:
                count += write(rest[:BLOCK])
                rest = rest[BLOCK:]
        if len(rest):
            count += write(rest)
        file.flush()
        return replace(start, last_rowid=last_rowid, rows=count, blocks=tuple(blocks))

    def _publish(self, header: Header) -> None:
        with replacing(self.header_file, durable=False) as file:
            file.write(header.dumps().encode())


def _hash(rows: Rows) -> str:
    return blake3(rows.view(np.uint8).data).hexdigest(length=16)


def _check(content: dict[str, object]) -> str:
    return blake3(json.dumps(content, sort_keys=True).encode()).hexdigest(length=8)
