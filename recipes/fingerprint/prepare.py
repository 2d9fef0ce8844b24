"""Shards -> one array of whole pictures for training the fingerprint, `pictures.npy`, `keys.txt`.

    python -m recipes.fingerprint.prepare --shards DIR --out DIR [--share 0.6]

Row i of `pictures.npy`, uint8 (N, 128, 128, 3), is picture i stretched to a square, as fingerprints
see it; line i of `keys.txt` its key, source and split. `--share` of the pictures are taken, by a
hash of their keys; of these, 1 in 20 ("dev") is for tuning and never trained on. Pictures of 64
pixels (tiny-imagenet) are left out: a copy detector learns nothing from what a resize has blurred.
"""

import argparse
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from blake3 import blake3
from PIL import Image

SIDE = 128
SMALL = {"tiny-imagenet"}


def chosen(shard: Path, share: float) -> Iterator[tuple[bytes, str, str, str]]:
    """(JPEG, key, source, split) of each picture of a shard that is taken."""
    with tarfile.open(shard) as tar:
        jpeg = b""
        for member in tar:
            if member.name.endswith(".jpg"):
                jpeg = tar.extractfile(member).read()
            elif member.name.endswith(".json"):
                source = json.loads(tar.extractfile(member).read())["source"]
                key = member.name[: -len(".json")]
                draw = int.from_bytes(blake3(key.encode()).digest(4), "big") / 2**32
                if source not in SMALL and draw < share:
                    yield jpeg, key, source, "dev" if draw < share / 20 else "train"


def squared(jpeg: bytes) -> np.ndarray:
    """The whole picture as (SIDE, SIDE, 3) uint8."""
    picture = Image.open(io.BytesIO(jpeg)).convert("RGB")
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def prepare(shards: list[Path], out: Path, share: float) -> int:
    """Write `pictures.npy` and `keys.txt`; returns how many pictures."""
    out.mkdir(parents=True, exist_ok=True)
    count = sum(1 for shard in shards for _ in chosen(shard, share))
    shape = (count, SIDE, SIDE, 3)
    pictures = np.lib.format.open_memmap(out / "pictures.npy", "w+", np.uint8, shape)
    lines: list[str] = []
    for shard in shards:
        for jpeg, key, source, split in chosen(shard, share):
            pictures[len(lines)] = squared(jpeg)
            lines.append(f"{key}\t{source}\t{split}\n")
        print(f"{shard.name}: {len(lines)} of {count} pictures", flush=True)
    (out / "keys.txt").write_text("".join(lines))
    return count


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--shards", type=Path, required=True, help="folder of train-*.tar")
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--share", type=float, default=0.6)
    options = arguments.parse_args()
    shards = sorted(options.shards.glob("train-*.tar"))
    print(f"{prepare(shards, options.out, options.share)} pictures in {options.out}")


if __name__ == "__main__":
    main()
