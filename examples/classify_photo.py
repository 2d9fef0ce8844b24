"""A Vision Transformer, or any other published classifier, says what a photo shows.

    python examples/classify_photo.py google/vit-base-patch16-224 cat.jpg

The model: a hub's name whose files are in the hub's cache on this machine, a folder laid out as the
hub's, or a file of weights. Nothing is fetched.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

import albumen
from albumen import checkpoints
from albumen.packs.manifest import PreprocessingRecord
from albumen.packs.preprocessing import Preprocessing


def classify(source: str, photo: Path, top: int = 5) -> list[tuple[str, float]]:
    """The most probable classes of `photo` and their probabilities, the likeliest first."""
    model, card = checkpoints.load(source)
    if card.preprocessing is None or not card.labels:
        raise SystemExit(
            f"{source} does not say how pictures are prepared, or what its classes are"
        )
    preprocessing = Preprocessing(PreprocessingRecord(**asdict(card.preprocessing)))
    with Image.open(photo) as picture:
        upright = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    pixels = preprocessing.normalise(preprocessing.apply(upright)[np.newaxis])  # (1, 3, S, S)
    with torch.inference_mode():
        probabilities = model(torch.from_numpy(pixels))[0].softmax(-1)
    found = probabilities.topk(min(top, len(card.labels)))
    return [(card.labels[i], float(p)) for p, i in zip(*found, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=classify.__doc__)
    parser.add_argument("source", help="a hub's name, a folder or a file")
    parser.add_argument("photo", type=Path)
    parser.add_argument("--top", type=int, default=5)
    arguments = parser.parse_args()
    try:
        for label, probability in classify(arguments.source, arguments.photo, arguments.top):
            print(f"{probability:6.1%}  {label}")
    except (albumen.AlbumenError, OSError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
