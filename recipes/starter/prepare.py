"""Shards -> one array of pictures that training can index: `pictures.npy` beside `pictures.jsonl`.

    python -m recipes.starter.prepare --shards DIR --out DIR

Row i of `pictures.npy`, uint8 (N, 128, 128, 3), is the centre square of picture i, its short side
at 128 pixels; line i of `pictures.jsonl` holds its source, captions, label and names. The array is
memory-mapped where it is used, so 135,000 pictures (6.6 GB) cost no more memory than there is.
"""

import argparse
import io
import json
import tarfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 128


def samples(shard: Path) -> Iterator[tuple[bytes, dict]]:
    """Yield (JPEG bytes, description) for each picture of a WebDataset shard."""
    with tarfile.open(shard) as tar:
        jpeg = b""
        for member in tar:
            data = tar.extractfile(member).read()
            if member.name.endswith(".jpg"):
                jpeg = data
            elif member.name.endswith(".json"):
                yield jpeg, json.loads(data) | {"key": member.name[: -len(".json")]}


def centre_square(jpeg: bytes, side: int = SIDE) -> np.ndarray:
    """The picture's centre square, (side, side, 3) uint8, by a bicubic resize of its short side."""
    picture = Image.open(io.BytesIO(jpeg)).convert("RGB")
    scale = side / min(picture.size)
    width, height = (max(side, round(n * scale)) for n in picture.size)
    picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - side) // 2, (height - side) // 2
    return np.asarray(picture.crop((left, top, left + side, top + side)))


def describe(shard: Path) -> list[str]:
    return [json.dumps(about, ensure_ascii=False) for _, about in samples(shard)]


def fill(shard: Path, file: Path, first: int) -> None:
    """Write one shard's pictures into rows `first`... of the array in `file`."""
    pictures = np.load(file, mmap_mode="r+")
    for row, (jpeg, _) in enumerate(samples(shard), first):
        pictures[row] = centre_square(jpeg)


def prepare(shards: list[Path], out: Path) -> int:
    """Write array and descriptions of all `shards` into `out`; returns how many pictures."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "pictures.npy"
    with ProcessPoolExecutor() as workers:
        described = list(workers.map(describe, shards))
        count = sum(map(len, described))
        shape = (count, SIDE, SIDE, 3)
        np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape).flush()
        firsts = np.cumsum([0] + [len(lines) for lines in described[:-1]]).tolist()
        list(workers.map(fill, shards, [file] * len(shards), firsts))
    (out / "pictures.jsonl").write_text("".join(line + "\n" for part in described for line in part))
    return count


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--shards", type=Path, required=True, help="folder of train-*.tar")
    arguments.add_argument("--out", type=Path, required=True)
    options = arguments.parse_args()
    count = prepare(sorted(options.shards.glob("train-*.tar")), options.out)
    print(f"{count} pictures in {options.out}")


if __name__ == "__main__":
    main()
