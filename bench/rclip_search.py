"""How long a cold search takes over many photos, beside rclip 3.3.0, and how it grows.

    python -m bench.rclip_search [--sizes 10000 100000 1000000] [--rounds 5]
                                 [--write docs/performance.md]

Both programs hold the same random vectors of 512 numbers and read the words with the same text
tower (CLIP ViT-B/32 at 256 pixels, random weights); Albumen also with its int8 form, but for the
largest sizes, to save disk. Random vectors match nothing, so all are asked for (`--all`). They take
turns, each from the start of its process to its end. Memory is the largest sum of PSS over the
process tree. "Warm" is a second search in one process, as programs, the web page and notebooks do
it. A million photos take 5 GB of disk, and rclip 8 GB of memory: it is asked only where there is
room.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from bench import _chart, _clip256, _peer, _process, _work
from bench._page import put
from bench.search import fill

from albumen import Library
from albumen.library.home import Home
from albumen.packs import Pack, open_pack

QUERY = "a dog on a beach"
PEER_BYTES = 9000  # of memory that rclip takes a photo
WARM = 5
PEER = "rclip 3.3.0"
FOUND = (0, 1)  # 1: what is shown is no match
LARGE = 200_000  # photos; from here on float32 alone is measured


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="put the table into this page, at its mark")
    args = parser.parse_args()
    models = _work.FOLDER / "models"
    packs = {f"Albumen, {name}": open_pack(at) for name, at in _clip256.packs(models).items()}
    rows = [
        "| photos | | seconds | of rclip's | memory | of rclip's | warm |",
        "|---|---|---|---|---|---|---|",
    ]
    grown: dict[str, list[float]] = {}
    for size in args.sizes:
        asked = {n: pack for n, pack in packs.items() if size < LARGE or n.endswith("float32")}
        for name, cells, seconds in measured(size, asked, models, args.rounds):
            rows.append(f"| {size:,} | {name} | {' | '.join(cells)} |")
            grown.setdefault(name, []).append(seconds)
            print(rows[-1], flush=True)
    if args.write:
        table = "\n".join(rows)
        put(args.write, "bench.rclip_search", f"Medians of {args.rounds} rounds.\n\n{table}")
        whole = {name: values for name, values in grown.items() if len(values) == len(args.sizes)}
        if len(args.sizes) > 1:
            chart = args.write.with_name("performance-search.svg")
            _chart.lines(chart, "A cold search", args.sizes, whole, "seconds")
    return 0


def measured(
    size: int, packs: dict[str, Pack], models: Path, rounds: int
) -> Iterator[tuple[str, list[str], float]]:
    """A row for each program: its name, cells and seconds."""
    with tempfile.TemporaryDirectory(dir=_work.made()) as name:
        place = Path(name)
        commands: dict[str, list[str | Path]] = {}
        vectors = np.empty((0, 0), np.float16)
        for program, pack in packs.items():
            home = Home(place / pack.folder.name)
            vectors = fill(home, place, pack, size)
            options = ["--library", home.path, "--pack", pack.folder]
            commands[program] = [
                sys.executable,
                "-m",
                "albumen.cli.main",
                "search",
                QUERY,
                "--all",
                *options,
            ]
            _process.run(commands[program], memory=False, good=FOUND)  # makes the matrix
        environment: dict[str, str] = {}
        if _has_room(size):
            environment = _peers_library(place, vectors, models)
            commands[PEER] = _peer.search_command(QUERY)
        runs: dict[str, list[_process.Measured]] = {program: [] for program in commands}
        for _ in range(rounds):
            for program, command in commands.items():
                env = environment if program == PEER else None
                runs[program].append(_process.run(command, env=env, cwd=place, good=FOUND))
        warm = {program: _warm(place / pack.folder.name, pack) for program, pack in packs.items()}
    for program, each in runs.items():
        base = runs.get(PEER)
        seconds = statistics.median(run.seconds for run in each)
        memory = statistics.median(run.peak for run in each)
        time_share, memory_share = _shares(each, base)
        again = f"{1000 * warm[program]:.0f} ms" if program in warm else ""
        yield (
            program,
            [f"{seconds:.2f}", time_share, f"{memory:,.0f} MB", memory_share, again],
            seconds,
        )


def _shares(runs: list[_process.Measured], base: list[_process.Measured] | None) -> tuple[str, str]:
    if base is None:
        return "", ""
    pairs = list(zip(runs, base, strict=True))
    return (
        f"{statistics.median(run.seconds / peer.seconds for run, peer in pairs):.2f}",
        f"{statistics.median(run.peak / peer.peak for run, peer in pairs):.2f}",
    )


def _peers_library(place: Path, vectors: np.ndarray, models: Path) -> dict[str, str]:
    """A folder with its models, by links, and a database of the same photos; its environment."""
    data = place / "rclip-data"
    shutil.copytree(
        _clip256.rclip_data(models),
        data,
        copy_function=os.link,
        ignore=shutil.ignore_patterns("db*"),
    )
    names = (f"{i // 1000:04}/IMG_{i:07}.jpg" for i in range(len(vectors)))
    _peer.fill(data, place, vectors, names)
    return _peer.environment(data)


def _has_room(size: int) -> bool:
    """Whether rclip's search would fit into the memory that is free now."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            free = 1024 * int(line.split()[1])
    return free > 1.2 * size * PEER_BYTES


def _warm(home: Path, pack: Pack) -> float:
    with Library(home, str(pack.folder)) as library:
        library.search(QUERY)
        spent = []
        for _ in range(WARM):
            began = time.perf_counter()
            library.search(QUERY)
            spent.append(time.perf_counter() - began)
    return statistics.median(spent)


if __name__ == "__main__":
    sys.exit(main())
