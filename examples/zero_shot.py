"""CLIP says which of any labels fits a photo best, without having been trained on these labels.

    python examples/zero_shot.py photo.jpg --labels "a cat, a dog, a coffee latte"

Each label is put into the model's sentences ("a photo of …"), both towers embed, and the
similarities become probabilities by the learned temperature. They are shares among the labels that
are given: one of them always wins, even where none fits.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

import albumen
from albumen.packs import open_pack


def zero_shot(photo: Path, labels: Sequence[str], pack: str = "starter") -> list[float]:
    """The probability of each label, among these labels."""
    model = open_pack(pack)
    with Image.open(photo) as picture:
        upright = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    image = model.encode_images(model.preprocessing.apply(upright)[np.newaxis])[0]  # (D,)
    texts = np.stack([model.encode_label(label) for label in labels])  # (N, D)
    logits = model.manifest.logit_scale * (texts @ image)
    shares = np.exp(logits - logits.max())
    return [float(share) for share in shares / shares.sum()]


def main() -> None:
    parser = argparse.ArgumentParser(description=zero_shot.__doc__)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--labels", required=True, help="separated by commas")
    parser.add_argument("--pack", default="starter", help="a pack's name or folder")
    arguments = parser.parse_args()
    labels = [label.strip() for label in arguments.labels.split(",")]
    try:
        for photo in arguments.photos:
            shares = zero_shot(photo, labels, arguments.pack)
            ranked = sorted(zip(shares, labels, strict=True), reverse=True)
            said = ", ".join(f"{label} {share:.0%}" for share, label in ranked)
            print(f"{photo.name}: {said}")
    except (albumen.AlbumenError, OSError) as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
