"""How long it takes to group many photos from stored evidence, how much memory, and how it grows.

    python -m bench.grouping [PHOTOS ...] [--write]

Makes a library of so many photos (default: 10,000 and 100,000; 1,000,000 needs 4 GB of disk and
some minutes) that lie nowhere really: a fifth of them in clusters of 2 to 6 copies whose
fingerprints and hashes differ a little, the rest alone. Small pictures are drawn from a pool of
generated ones, so pairs are laid over each other as ever. Then places all, lists the groups, adds
one photo and places that. `--write` puts the figures into docs/duplicates.md.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import simplejpeg
from bench._page import put

from albumen import duplicates, packs
from albumen.library import evidence
from albumen.library.home import Home
from albumen.library.store import Store, embeddings
from albumen.packs.calibration import generated
from albumen.packs.runtime import cores

PAGE = Path(__file__).parent.parent / "docs" / "duplicates.md"
POOL, CHUNK = 400, 20_000
ADDED = "2026-01-01T00:00:00Z"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("photos", type=int, nargs="*", default=[10_000, 100_000])
    arguments.add_argument("--write", action="store_true")
    arguments.add_argument("--alone", action="store_true", help="in this process, one size")
    options = arguments.parse_args()
    if options.alone:
        print(measured(options.photos[0]))
        return
    rows = [
        "| photos | grouped in | seconds of processor | groups | memory | one more photo |",
        "|---|---|---|---|---|---|",
    ]
    for count in options.photos:
        command = [sys.executable, "-m", "bench.grouping", str(count), "--alone"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append(done.stdout.strip().splitlines()[-1])
        print(rows[-1], flush=True)
    if options.write:
        put(PAGE, "bench.grouping", "\n".join([*rows, "", f"On {cores()} cores."]))


def measured(count: int) -> str:
    """One row of the table; each size in a process of its own, whose memory is its own."""
    pack = packs.open_pack("fingerprint")
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        (Path(folder) / "photos").mkdir()
        fill(home, Path(folder) / "photos", pack, count)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with Store.open(home) as store:
            began, busy = time.monotonic(), time.process_time()
            duplicates.place(store, pack.id)
            found = sum(1 for _ in duplicates.groups(store, pack.id, ["same-picture"]))
            spent, busy = time.monotonic() - began, time.process_time() - busy
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            one = _one_more(store, pack)
    note = "" if memory > before else " at most"
    return (
        f"| {count:,} | {spent:.1f} s | {busy:.1f} s | {found:,} | {memory >> 10:,} MB{note} "
        f"| {one:.1f} s |"
    )


def _one_more(store: Store, pack: packs.Pack) -> float:
    row = store.db.execute("SELECT max(photo) FROM copy").fetchone()[0]
    copies = store.db.execute("SELECT count(*) FROM copy").fetchone()[0]
    store.db.execute("DELETE FROM copy WHERE photo = ?", (row,))
    began = time.monotonic()
    assert duplicates.place(store, pack.id) == 1
    assert store.db.execute("SELECT count(*) FROM copy").fetchone()[0] == copies
    return time.monotonic() - began


def fill(home: Home, folder: Path, pack: packs.Pack, count: int) -> None:
    """A library with evidence of `count` photos."""
    pool = [pixels[..., 1] for pixels in generated(POOL, evidence.SIDE)]
    pictures = [
        simplejpeg.encode_jpeg(np.ascontiguousarray(grey)[..., None], 60, colorspace="GRAY")
        for grey in pool
    ]
    with Store.open(home, create=True) as store:
        root = store.add_root(folder)
        with store.db.transaction():
            key = embeddings.pack_row(store.db, pack)
        first = 1
        for vectors, hashes, shown in clustered(count, pack.dim):
            ids = range(first, first + len(vectors))
            words = [int(word).to_bytes(8, "big") for word in hashes]
            with store.db.transaction():
                store.db.executemany(
                    "INSERT INTO photo (id, content_hash, bytes, status, format, width, height,"
                    " added) VALUES (?, ?, 3000000, 'decoded', 'JPEG', ?, 3000, ?)",
                    ((i, i.to_bytes(32, "big"), 4000 - i % 7, ADDED) for i in ids),
                )
                store.db.executemany(
                    "INSERT INTO location (root, relative, size, mtime_ns, inode, photo, added)"
                    " VALUES (?, ?, 3000000, 1, ?, ?, ?)",
                    ((root.id, b"%07d.jpg" % i, i, i, ADDED) for i in ids),
                )
                store.db.executemany(
                    "INSERT INTO evidence VALUES (?, ?, ?, 1.0, ?)",
                    (
                        (i, word, word, pictures[of])
                        for i, word, of in zip(ids, words, shown.tolist(), strict=True)
                    ),
                )
                store.db.executemany(
                    "INSERT INTO embedding (pack, photo, vector) VALUES (?, ?, ?)",
                    ((key, i, vector.tobytes()) for i, vector in zip(ids, vectors, strict=True)),
                )
            first += len(vectors)


def clustered(count: int, dim: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Vectors, hashes and pictures of photos, some thousands at a time; a fifth are copies."""
    random = np.random.default_rng(0)
    for start in range(0, count, CHUNK):
        some = min(CHUNK, count - start)
        sizes = np.where(random.random(some) < 0.06, random.integers(2, 7, some), 1)
        cluster = np.repeat(np.arange(some), sizes)[:some]
        centres = random.normal(size=(some, dim)).astype(np.float32)
        strays = random.normal(size=(some, dim)).astype(np.float32)
        vectors = centres[cluster] + 0.4 * strays * (sizes[cluster] > 1)[:, None]
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        hashes = random.integers(0, 2**64, some, np.uint64)[cluster]
        for _ in range(3):  # of the copies three bits differ from the first's
            bit = np.uint64(1) << random.integers(0, 64, some).astype(np.uint64)
            hashes = np.where(sizes[cluster] > 1, hashes ^ bit, hashes)
        yield vectors.astype("<f2"), hashes, random.integers(0, POOL, some)[cluster]


if __name__ == "__main__":
    main()
