"""How long a cold `albumen search` over many photos takes, from the process's start to its end.

    python -m bench.search [PHOTOS] [PACK]

Makes a library of PHOTOS (default 100,000) random vectors for PACK (default: the starter), runs the
program ROUNDS times, in turn with a bare Python that only imports NumPy and ONNX Runtime, so that
other load on the machine meets both alike; then shows where one search spends its time, and how the
product over half-precision vectors compares with NumPy's own conversion.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from albumen.library.home import Home
from albumen.library.store import Store, embeddings
from albumen.packs import Pack, open_pack
from albumen.search.matrix import BLOCK, Matrix
from albumen.search.ranking import score, score_all

ROUNDS = 9
ADDED = "2026-01-01T00:00:00Z"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    pack = open_pack(sys.argv[2] if len(sys.argv) > 2 else "starter")
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        vectors = fill(home, Path(folder), pack, count)
        _whole_program(home, pack, count)
        _inside(home, pack)
    _product(vectors)


def fill(home: Home, folder: Path, pack: Pack, count: int) -> np.ndarray:
    """A library of `count` photos that lie nowhere really; returns their vectors (N, dim)."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(count, pack.dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    halves = vectors.astype(np.float16)
    photos = ((i.to_bytes(32, "big"), 3_000_000, ADDED) for i in range(count))
    places = (f"{i // 1000:04}/IMG_{i:07}.jpg".encode() for i in range(count))
    with Store.open(home, create=True) as store:
        root = store.add_root(folder)
        with store.db.transaction():
            key = embeddings.pack_row(store.db, pack)
            store.db.executemany(
                "INSERT INTO photo (content_hash, bytes, status, added)"
                " VALUES (?, ?, 'decoded', ?)",
                photos,
            )
            store.db.executemany(
                "INSERT INTO location (root, relative, size, mtime_ns, inode, photo, added)"
                " VALUES (?, ?, 3000000, 1, ?, ?, ?)",
                ((root.id, place, i, i + 1, ADDED) for i, place in enumerate(places)),
            )
            store.db.executemany(
                "INSERT INTO embedding (pack, photo, vector) VALUES (?, ?, ?)",
                ((key, i + 1, halves[i].tobytes()) for i in range(count)),
            )
            embeddings.bump(store.db, key)
        store.set_setting("told_about_packs", "1")
    return halves


def _whole_program(home: Home, pack: Pack, count: int) -> None:
    options = ["--library", str(home.path), "--pack", str(pack.folder)]
    commands = {
        "albumen search": [
            "-m",
            "albumen.cli.main",
            "search",
            "a dog on a beach",
            "--all",
            *options,
        ],
        "python: imports alone": ["-c", "import numpy, onnxruntime"],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    first = _seconds(commands["albumen search"])
    for _ in range(ROUNDS):
        for name, command in commands.items():
            seconds[name].append(_seconds(command))
    print(f"{count:,} photos, {pack.dim} numbers each; seconds, median of {ROUNDS} (fastest)")
    print(f"{'the first search, which makes the matrix':42} {first:.2f}")
    for name, spent in seconds.items():
        print(f"{name:42} {statistics.median(spent):.2f} ({min(spent):.2f})")
    search, imports = seconds.values()
    ratio = statistics.median(a / b for a, b in zip(search, imports, strict=True))
    print(f"{'ratio':42} x{ratio:.2f}")


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    done = subprocess.run([sys.executable, *command], capture_output=True)
    assert done.returncode in (0, 1), done.stderr  # 1: random vectors are no match
    return time.perf_counter() - start


def _inside(home: Home, pack: Pack) -> None:
    print("inside one search, milliseconds:")
    with _timed("open the library"):
        store = Store.open(home)
    with _timed("open the text tower, encode the words"):
        query = pack.encode_texts(["a dog on a beach"])[0]
    with _timed("check and multiply the matrix"):
        ids, scores = score_all(Matrix(home.cache, pack.id, pack.dim), store, query)
    with _timed("find the best, and where they lie"):
        best = ids[np.argsort(-scores)[:20]]
        store.paths(best.tolist())
    store.close()


@contextmanager
def _timed(what: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    print(f"  {what:40} {1000 * (time.perf_counter() - start):7.1f}")


def _product(vectors: np.ndarray) -> None:
    """Half precision by moved bits, as in `ranking`, against NumPy's conversion, block by block."""
    query = vectors[0].astype(np.float32)
    ids = np.arange(len(vectors))
    starts = range(0, len(vectors), BLOCK)

    def ours() -> None:
        score(((ids[at : at + BLOCK], vectors[at : at + BLOCK]) for at in starts), query)

    def theirs() -> None:
        for at in starts:
            vectors[at : at + BLOCK].astype(np.float32) @ query

    pairs = [(_of(theirs), _of(ours)) for _ in range(ROUNDS)]
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"product by moved bits: x{ratio:.1f} as fast as with NumPy's conversion")


def _of(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
