"""Published weights scored on data that we have, beside the score that their authors give.

    python -m bench.published --cifar10 cifar10-test.tar --weights FOLDER [--write docs/models.md]

FOLDER holds the files of github.com/akamaster/pytorch_resnet_cifar10, `pretrained_models/`. The
shard is WebDataset (KEY.jpg, KEY.cls with CIFAR-10's alphabetical labels). A JPEG copy loses what
these networks rely on: their score on it lies well under that on the uncompressed pictures.
"""

import argparse
import io
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from bench._page import put
from PIL import Image
from torch import Tensor, nn

from albumen.checkpoints import Card, Preprocessing, catalogue, load
from albumen.evaluation.shards import Sample, read

BATCH = 250


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cifar10", type=Path, help="a shard of CIFAR-10's test pictures")
    parser.add_argument("--weights", type=Path, help="a folder of CIFAR ResNet files (.th)")
    parser.add_argument("--write", type=Path, help="put the table into this page, at its marks")
    args = parser.parse_args()
    if not (args.cifar10 and args.weights):
        print(f"Nothing measured: give --cifar10 and --weights.\n{__doc__}")
        return 0
    torch.set_num_threads(1)
    pictures, truth = cifar10(args.cifar10)
    rows = ["| weights | published | here | pictures | seconds |", "|---|---|---|---|---|"]
    for file in sorted(args.weights.glob("*.th")):
        rows.append(measured(file, pictures, truth))
        print(rows[-1], flush=True)
    if args.write:
        put(args.write, "bench.published", "\n".join(rows))
    return 0


def cifar10(shard: Path) -> tuple[np.ndarray, Tensor]:
    """(N, 32, 32, 3) uint8 and (N,) the classes' numbers."""
    samples = [sample for sample in read(shard) if isinstance(sample, Sample)]
    pictures = [np.asarray(Image.open(io.BytesIO(s.picture)).convert("RGB")) for s in samples]
    return np.stack(pictures), torch.tensor([int(s.number) for s in samples])


def measured(file: Path, pictures: np.ndarray, truth: Tensor) -> str:
    model, card = load(file)
    begun = time.perf_counter()
    right = accuracy(model, card, pictures, truth)
    seconds = time.perf_counter() - begun
    error = math.sqrt(right * (1 - right) / len(truth))
    entry = catalogue.find(file.name)
    published = f"{100 * entry.published[0].value:.2f} %" if entry else "–"
    here = f"{100 * right:.2f} ± {100 * error:.2f} %"
    name = f"{card.architecture} (`{file.name}`)"
    return f"| {name} | {published} | {here} | {len(truth):,} | {seconds:.0f} |"


def accuracy(model: nn.Module, card: Card, pictures: np.ndarray, truth: Tensor) -> float:
    assert card.preprocessing is not None
    right = 0
    with torch.inference_mode():
        for start in range(0, len(truth), BATCH):
            part = slice(start, start + BATCH)
            logits = model(normalised(pictures[part], card.preprocessing))
            right += int((logits.argmax(1) == truth[part]).sum())
    return right / len(truth)


def normalised(pictures: np.ndarray, preprocessing: Preprocessing) -> Tensor:
    """(B, H, W, 3) uint8, of the right size already -> (B, 3, H, W) float32."""
    assert pictures.shape[1:3] == preprocessing.resize
    pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (preprocessing.mean, preprocessing.std))
    return (pixels - mean) / std


if __name__ == "__main__":
    sys.exit(main())
