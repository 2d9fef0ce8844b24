"""Training pictures that equal, or nearly equal, one that the starter is judged by.

    python -m recipes.starter.near_copies --data DIR --judged SHARDS --clean val-000.tar clean.tar

SHARDS holds `val-*.tar` and `held-*.tar`, all that `shards.py` keeps from training. The split
follows from a picture's path, so the same photo may lie in a training set under another path: in
Caltech-101 many a motorbike, in two collections of cats and dogs many a cat. Writes
`near_copies.json` into DIR: the keys that training leaves out.

Two looks, each at the grey centre square, as it is and mirrored: first 16×16 averages, whose
correlation finds all that might be alike, then what is left of 32×32 when its blur is taken away,
which tells two skies over two coasts from two copies of one picture.
"""

import argparse
import json
import tarfile
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from recipes.starter.prepare import prepare
from torch import Tensor

COARSE, ALIKE = 16, 0.96
FINE, SAME = 32, 0.6
CHUNK = 4000


@dataclass(frozen=True)
class NearCopy:
    """A picture that is judged by, one that was to be trained on, and their fine correlation."""

    judged: str
    trained: str
    likeness: float


def reduced(pictures: np.ndarray, side: int) -> Tensor:
    """uint8 (N, S, S, 3) -> grey averages (N, side, side)."""
    grey = torch.from_numpy(np.ascontiguousarray(pictures)).float().mean(3)
    return F.adaptive_avg_pool2d(grey[:, None], side)[:, 0]


def unit(x: Tensor) -> Tensor:
    """(N, h, w) -> (N, h·w) of mean 0 and length 1: products are correlations."""
    x = x.flatten(1)
    return F.normalize(x - x.mean(1, keepdim=True), eps=1e-3)


def coarse(pictures: np.ndarray) -> Tensor:
    """(N, 256): where it is light and where dark."""
    parts = range(0, len(pictures), CHUNK)
    return torch.cat([unit(reduced(pictures[i : i + CHUNK], COARSE)) for i in parts])


def fine(picture: np.ndarray) -> Tensor:
    """(1024,): edges, without the light and shade around them."""
    x = reduced(picture[None], FINE)[:, None]
    blur = F.avg_pool2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), 5, 1)
    return unit((x - blur)[:, 0])[0]


def near_copies(judged: np.ndarray, trained: np.ndarray) -> list[tuple[int, int, float]]:
    """Rows of both and their likeness, for every pair that is one picture."""
    seen, found = coarse(judged), []
    mirrored = seen.unflatten(1, (COARSE, COARSE)).flip(2).flatten(1)
    for first in range(0, len(trained), CHUNK):
        part = coarse(trained[first : first + CHUNK])
        for flip, wanted in ((1, seen), (-1, mirrored)):
            for row, of in (part @ wanted.T > ALIKE).nonzero().tolist():
                likeness = float(fine(trained[first + row]) @ fine(judged[of][:, ::flip]))
                if likeness > SAME:
                    found.append((of, first + row, likeness))
    return found


def keys(data: Path) -> list[str]:
    """The keys of the pictures of a folder that prepare wrote."""
    return [json.loads(line)["key"] for line in (data / "pictures.jsonl").open(encoding="utf-8")]


def find(data: Path, shards: list[Path]) -> list[NearCopy]:
    """Every near copy among the training pictures in `data` of a picture in `shards`."""
    with tempfile.TemporaryDirectory() as folder:
        judged = Path(folder)
        prepare(shards, judged)
        pictures = [np.load(d / "pictures.npy", mmap_mode="r") for d in (judged, data)]
        names = keys(judged), keys(data)
        return [NearCopy(names[0][j], names[1][t], s) for j, t, s in near_copies(*pictures)]


def write_without(keys: set[str], shard: Path, out: Path) -> int:
    """Write a shard but for the samples of these keys; returns how many were left out."""
    missing = set()
    with tarfile.open(shard) as tar, tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as kept:
        for member in tar:
            key = member.name.rpartition(".")[0]
            if key in keys:
                missing.add(key)
            else:
                kept.addfile(member, tar.extractfile(member))
    return len(missing)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, required=True, help="folder written by prepare")
    arguments.add_argument("--judged", type=Path, required=True, help="folder of val and held tars")
    arguments.add_argument(
        "--clean",
        type=Path,
        nargs=2,
        metavar=("SHARD", "OUT"),
        help="write a judged shard without the pictures that have near copies",
    )
    options = arguments.parse_args()
    shards = [f for stem in ("val", "held") for f in sorted(options.judged.glob(f"{stem}-*.tar"))]
    found = find(options.data, shards)
    left_out = sorted({copy.trained for copy in found})
    (options.data / "near_copies.json").write_text(json.dumps(left_out))
    summary = {"left_out": len(left_out), "pairs": len(found)}
    if options.clean:
        summary["judged"] = write_without({copy.judged for copy in found}, *options.clean)
    Path(__file__).with_name("near_copies.json").write_text(json.dumps(summary) + "\n")
    pairs = Counter(
        (c.trained.rpartition("-")[0], c.judged.rpartition("-")[0]) for c in found
    ).most_common()
    for (trained, judged), count in pairs:
        print(f"{count} pairs: {trained} in training, {judged} in judging")
    print(f"{len(left_out)} training pictures left out")


if __name__ == "__main__":
    main()
