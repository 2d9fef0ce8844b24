"""What indexing costs beside decoding: first and second runs, memory, and durable commits.

    python -m bench.library [PHOTOS] [PACK] [--write docs/performance.md]

Generates PHOTOS (default 100,000) JPEGs of 64 x 48 pixels, so that decoding is not the point, and
indexes a hundredth of them, then a tenth, then all, into one library, with PACK (a name or folder;
default: none). Each run is a process of its own, so that its peak memory is its own. A second run
over unchanged files takes turns with a bare walk that only lists and stats, so that other load on
the machine meets both alike. Then it compares SQLite's ways to make a commit durable.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import simplejpeg
from bench import _chart, _work
from bench._page import put

from albumen.library.home import Home
from albumen.library.records import Seen
from albumen.library.store import Store, embeddings, locations, photos

ROUNDS = 5
COMMITS, PHOTOS_A_COMMIT, DIM = 60, 100, 512

RUN = """
import json, resource, sys, time
from pathlib import Path
from albumen.library import indexing
from albumen.library.home import Home
from albumen.packs import open_pack

gaps, last = [0.0], [time.monotonic()]
def note(event):
    if isinstance(event, indexing.Committed):
        now = time.monotonic()
        gaps.append(now - last[0])
        last[0] = now

home, folder, pack = sys.argv[1:]
began = time.process_time()
summary = indexing.index(
    Home(Path(home)), [Path(folder)], open_pack(pack) if pack else None, on_event=note
)
print(json.dumps({
    "seconds": summary.seconds, "cpu": time.process_time() - began, "failed": summary.failed,
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "gap": max(gaps),
}))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=int, nargs="?", default=100_000)
    parser.add_argument("pack", nargs="?", default="")
    parser.add_argument("--write", type=Path, help="put the table into this page, at its mark")
    args = parser.parse_args()
    sizes = [args.photos // 100, args.photos // 10, args.photos]
    rows = [
        "| photos | new, a second | processor time each | peak | unchanged, a second |"
        " processor time each | a bare walk's | peak |",
        "|---|---|---|---|---|---|---|---|",
    ]
    costs: dict[str, list[float]] = {"a new photo": [], "an unchanged file": []}
    with tempfile.TemporaryDirectory(dir=_work.made()) as name:
        folder = Path(name)
        made = 0
        for size in sizes:
            generate(folder / "photos", made, size)
            row, new, unchanged = _index(folder, args.pack, size, size - made)
            rows.append(row)
            costs["a new photo"].append(new)
            costs["an unchanged file"].append(unchanged)
            print(row, flush=True)
            made = size
        if args.write:
            put(args.write, "bench.library", "\n".join(rows))
            chart = args.write.with_name("performance-library.svg")
            _chart.lines(chart, "What a file costs", sizes, costs, "microseconds")
    for mode in ("FULL", "NORMAL", "NORMAL, checkpoint"):
        _commits(mode)
    return 0


def generate(folder: Path, first: int, last: int) -> None:
    """Photos like no other, a thousand in each folder."""
    random = np.random.default_rng(first)
    for n in range(first, last):
        place = folder / f"{n // 1000:04}"
        if n % 1000 == 0 or n == first:
            place.mkdir(parents=True, exist_ok=True)
        coarse = random.integers(0, 256, (6, 8, 3), np.uint8)
        pixels = coarse.repeat(8, axis=0).repeat(8, axis=1)
        (place / f"IMG_{n:07}.jpg").write_bytes(simplejpeg.encode_jpeg(pixels, quality=80))


def _index(folder: Path, pack: str, size: int, added: int) -> tuple[str, float, float]:
    """A row of the table, and the seconds of each new and each unchanged file, in millionths."""
    first = _run(folder, pack)
    seconds, cpu, ratios = [], [], []
    for _ in range(ROUNDS):
        bare = _walk(folder / "photos")
        again = _run(folder, pack)
        seconds.append(again["seconds"])
        cpu.append(again["cpu"])
        ratios.append(again["cpu"] / bare)
    cells = (
        f"{size:,}",
        f"{added / first['seconds']:,.0f}",
        f"{first['cpu'] / added * 1e6:,.0f} us",
        f"{first['peak']:.0f} MB",
        f"{size / statistics.median(seconds):,.0f}",
        f"{statistics.median(cpu) / size * 1e6:.1f} us",
        f"{statistics.median(ratios):.1f} times",
        f"{again['peak']:.0f} MB",
    )
    row = f"| {' | '.join(cells)} |"
    return row, first["seconds"] / added * 1e6, statistics.median(seconds) / size * 1e6


def _run(folder: Path, pack: str) -> dict[str, float]:
    command = [sys.executable, "-c", RUN, str(folder / "home"), str(folder / "photos"), pack]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    measured: dict[str, float] = json.loads(done.stdout)
    assert not measured["failed"]
    return measured


def _walk(folder: Path) -> float:
    """Processor time of listing and statting everything."""
    began = time.process_time()
    sum(1 for _ in _stats(os.fsencode(folder)))
    return time.process_time() - began


def _stats(folder: bytes) -> Iterator[os.stat_result]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _stats(entry.path)
            else:
                yield entry.stat(follow_symlinks=False)


class _Pack:
    id, name, dim = "0" * 32, "none", DIM


def _commits(mode: str) -> None:
    """How long COMMIT takes (not the statements before it), by what makes it durable."""
    vector = np.ones(DIM, np.float16)
    spent = []
    with (
        tempfile.TemporaryDirectory() as name,
        Store.open(Home(Path(name) / "home"), create=True) as store,
    ):
        store.db.execute(f"PRAGMA synchronous = {mode.split(',')[0]}")
        root = store.add_root(Path(name))
        pack = embeddings.pack_row(store.db, _Pack())
        for _ in range(COMMITS):
            with store.db.transaction():
                for _ in range(PHOTOS_A_COMMIT):
                    content = os.urandom(32)
                    photo, _ = photos.identify(store.db, content, 1)
                    locations.save(store.db, Seen(root, content.hex().encode(), 1, 1, 1), photo)
                    embeddings.add(store.db, pack, photo, vector)
                began = time.monotonic()
            if "checkpoint" in mode:
                store.db.execute("PRAGMA wal_checkpoint(FULL)").fetchall()
            spent.append((time.monotonic() - began) * 1000)
    print(
        f"commit of {PHOTOS_A_COMMIT} photos, synchronous = {mode}: "
        f"median {statistics.median(spent):.1f} ms, longest {max(spent):.1f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
