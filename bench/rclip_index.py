"""How fast 12-megapixel photos are indexed, beside rclip 3.3.0.

    python -m bench.rclip_index [--photos 96] [--variants 4] [--rounds 3] [--write PAGE]
    PHOTOS=/folder python -m bench.rclip_index

The programs take turns within each round, each a process of its own over an empty library, from its
start to its end; a ratio is the median over rounds. Both run CLIP ViT-B/32 at 256 pixels with the
same random weights. Memory is the largest sum of PSS over the process tree, in a run of its own: to
add up the pages of a process slows it down.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from bench import _chart, _clip256, _peer, _photos, _process, _work
from bench._page import put

from albumen.packs.runtime import cores


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=96)
    parser.add_argument("--variants", type=int, default=4, help="files made of each photo")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path, help="put the tables into this page, at their marks")
    args = parser.parse_args()
    models = _work.FOLDER / "models"
    packs, data = _clip256.packs(models), _clip256.rclip_data(models)
    _peer.python()
    photos = _photos.photos(_work.FOLDER / "photos", args.photos)
    size = sum(file.stat().st_size for file in photos)
    conditions = (
        f"{len(photos)} JPEGs, {size / len(photos) / 1e6:.1f} MB each, {args.variants} variants of "
        f"each, {cores()} cores, medians of {args.rounds} rounds."
    )
    print(conditions)
    with tempfile.TemporaryDirectory(dir=_work.made()) as name:
        folder = Path(name) / "photos"
        count = len(_photos.variants(photos, folder, args.variants))
        peer, speeds = against_rclip(folder, count, packs, data, args.rounds)
    print(peer, flush=True)
    int8 = f"What verifying int8 found: `{_clip256.said_of_int8(packs['int8'])}`"
    print(int8)
    if args.write:
        chart = args.write.with_name("performance-index.svg")
        _chart.bars(chart, "12-megapixel photos indexed", speeds, "a second")
        put(args.write, "bench.rclip_index", f"{conditions}\n\n{peer}\n\n{int8}")
    return 0


def against_rclip(
    folder: Path, count: int, packs: dict[str, Path], data: Path, rounds: int
) -> tuple[str, dict[str, float]]:
    """The table of photos a second and of memory; and the photos a second alone."""
    found: dict[str, list[_process.Measured]] = {"rclip 3.3.0, float32": []}
    found |= {f"Albumen, {precision}": [] for precision in packs}
    for _ in range(rounds):
        for name, measured in found.items():
            measured.append(_index_once(name, folder, count, packs, data))
    peaks = {
        name: _index_once(name, folder, count, packs, data, memory=True).peak for name in found
    }
    base = found["rclip 3.3.0, float32"]
    rows = [
        "| | photos a second | times rclip's | processor time a photo | memory | of rclip's |",
        "|---|---|---|---|---|---|",
    ]
    for name, runs in found.items():
        speed = statistics.median(count / run.seconds for run in runs)
        ratio = statistics.median(b.seconds / r.seconds for r, b in zip(runs, base, strict=True))
        used = statistics.median(1000 * run.processor / count for run in runs)
        memory, share = peaks[name], peaks[name] / peaks["rclip 3.3.0, float32"]
        cells = (f"{speed:.1f}", f"{ratio:.2f}", f"{used:.0f} ms", f"{memory:.0f} MB")
        rows.append(f"| {name} | {' | '.join(cells)} | {share:.2f} |")
    speeds = {n: statistics.median(count / r.seconds for r in runs) for n, runs in found.items()}
    return "\n".join(rows), speeds


def _index_once(
    name: str,
    folder: Path,
    count: int,
    packs: dict[str, Path],
    data: Path,
    *,
    memory: bool = False,
) -> _process.Measured:
    if name.startswith("rclip"):
        (data / "db.sqlite3").unlink(missing_ok=True)
        return _process.run(_peer.index_command(folder), env=_peer.environment(data), memory=memory)
    pack = packs[name.rpartition(" ")[2]]
    with tempfile.TemporaryDirectory() as home:
        command = _process.index_command(Path(home) / "home", folder, pack)
        done = _process.run(command, memory=memory)
    assert json.loads(done.out)["indexed"] == count, done.out
    return done


if __name__ == "__main__":
    sys.exit(main())
